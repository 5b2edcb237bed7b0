/** What the peer network is to the rest of the node. */
import type { Ban } from "./bans.ts";

export interface PeerInfo {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** The name that was dialled, such as a pod's; undefined for inbound peers. */
  readonly name: string | undefined;
  readonly isInbound: boolean;
  readonly isManual: boolean;
  /** Handshake done. */
  readonly isReady: boolean;
  readonly version: number;
  readonly services: bigint;
  readonly userAgent: string;
  /** What it said at the handshake. */
  readonly startHeight: number;
  readonly relaysTransactions: boolean;
  /** Satoshis per 1000 virtual bytes. */
  readonly feeFilter: number;
  /** Unix milliseconds. */
  readonly connectedAt: number;
  readonly lastSentAt: number;
  readonly lastReceivedAt: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Undefined before the first answer. */
  readonly pingMs: number | undefined;
  readonly minPingMs: number | undefined;
  /** Height of the best header that it is known to have; undefined when nothing is known. */
  readonly bestHeight: number | undefined;
  readonly bestHash: Buffer | undefined;
  /** Blocks asked of it and not come yet. */
  readonly blocksInFlight: number;
  readonly misbehaviour: number;
  /** It wants new blocks sent compact at once (BIP 152's high-bandwidth mode). */
  readonly wantsCompact: boolean;
  /** It was told to do the same. */
  readonly announcesCompact: boolean;
}

export interface NetworkTotals {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly peersBanned: number;
  readonly messagesRefused: number;
}

/** The node's part in the peer network. */
export interface Network {
  /** Port that it listens on. */
  readonly port: number;
  readonly isActive: boolean;
  /** Whether this node still fetches a chain that peers are known to have. Never true for want of new blocks. */
  readonly isSyncing: boolean;
  peers(): readonly PeerInfo[];
  totals(): NetworkTotals;
  /** Dials as soon as it may; keeps dialling until removed, unless `once`. */
  addNode(host: string, port: number, options?: { readonly once?: boolean }): void;
  removeNode(host: string, port: number): boolean;
  addedNodes(): readonly { readonly host: string; readonly port: number }[];
  knownAddresses(): readonly {
    readonly host: string;
    readonly port: number;
    readonly lastSeenAt: number | undefined;
  }[];
  /** By id, or by `host:port` or host; false when there is none such. */
  disconnect(peer: number | string): boolean;
  ban(address: string, durationMs: number): void;
  unban(address: string): boolean;
  bans(): readonly Ban[];
  clearBans(): void;
  /** False ends all connections and makes no new ones. */
  setActive(active: boolean): void;
  /** Idempotent; resolves once no connection is left. */
  stop(): Promise<void>;
}
