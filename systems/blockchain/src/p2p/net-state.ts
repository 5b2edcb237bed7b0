/** What the handlers of messages work on. */
import type { Logger } from "@coracle/pod";
import type { Chain } from "../chain/types.ts";
import type { Mempool } from "../mempool/types.ts";
import type { BoundedSet } from "./bounded.ts";
import type { NetClock } from "./clock.ts";
import type { CompactCache } from "./handlers/compact-serving.ts";
import type { AddressBook } from "./net/address-book.ts";
import type { Peer } from "./peer.ts";
import type { TransactionRequests } from "./relay/requests.ts";
import type { BlockDownloads } from "./sync/downloads.ts";
import type { HeaderSync } from "./sync/header-sync.ts";

export interface NetState {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly logger: Logger;
  readonly clock: NetClock;
  readonly peers: ReadonlyMap<number, Peer>;
  readonly book: AddressBook;
  readonly headerSync: HeaderSync;
  readonly downloads: BlockDownloads;
  readonly requests: TransactionRequests;
  /** Keys of transactions that were refused at this tip, so that they aren't fetched again. */
  readonly refused: BoundedSet<string>;
  /** Keys of blocks that came and are being checked. */
  readonly inHand: Set<string>;
  readonly compactCache: CompactCache;
  /** The same for all connections of this process, which is how it knows itself. */
  readonly nonce: bigint;
  readonly userAgent: string;
  readonly listenPort: number;
  readonly externalHost: string | undefined;
  readonly isSyncing: boolean;
  /** See `NetworkOptions`. */
  readonly maxWeakHeaders: number;
  /** A hundred points end the connection and keep the address out. */
  punish(peer: Peer, points: number, reason: string): void;
  disconnect(peer: Peer, reason: string): void;
  /** The peer turned out to be this node. */
  foundSelf(peer: Peer): void;
  /** Look soon at what is to be fetched. */
  schedule(): void;
}

/** `Body` of a command, from a peer that may send it. */
export type Handler<Body> = (net: NetState, peer: Peer, body: Body) => void | Promise<void>;
