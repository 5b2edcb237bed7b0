/** One connection: what is known of the other side, and how to say something to it. */
import type { ChainEntry } from "../chain/types.ts";
import { BoundedSet } from "./bounded.ts";
import type { NetClock } from "./clock.ts";
import type { Reconstruction } from "./compact/compact-block.ts";
import type { Transport } from "./net/transport.ts";
import type { PeerInfo } from "./types.ts";
import { encodeFrame } from "./wire/frame.ts";
import { encodeMessage } from "./wire/messages.ts";
import type { InventoryItem, Message, VersionBody } from "./wire/types.ts";

const KNOWN_INVENTORY = 50_000;
const COMPACT_REMEMBERED = 100;

export interface PeerOptions {
  readonly id: number;
  readonly transport: Transport;
  /** What was dialled; undefined for inbound peers. */
  readonly target: { readonly host: string; readonly port: number } | undefined;
  readonly isManual: boolean;
  readonly magic: Buffer;
  readonly clock: NetClock;
  readonly onSent: (bytes: number) => void;
  /** See `NetworkOptions`. */
  readonly maxQueueBytes: number;
}

export class Peer {
  readonly id: number;
  readonly transport: Transport;
  readonly target: PeerOptions["target"];
  readonly isManual: boolean;
  readonly connectedMs: number;
  readonly #magic: Buffer;
  readonly #clock: NetClock;
  readonly #onSent: (bytes: number) => void;
  readonly #connectedAt: number;
  readonly #maxQueueBytes: number;

  version: VersionBody | undefined;
  hasVerack = false;
  isClosed = false;
  wantsWtxids = false;
  wantsAddrV2 = false;
  wantsHeaders = false;
  /** It can send compact blocks (BIP 152, version 2). */
  servesCompact = false;
  /** It wants new blocks announced by sending them compact. */
  wantsCompact = false;
  /** Since when it was told to do the same; undefined if it was not. */
  announcesCompactSinceMs: number | undefined;
  /** A block that came compact and waits for some of its transactions: one at a time. */
  rebuilding: { readonly entry: ChainEntry; readonly reconstruction: Reconstruction } | undefined;
  /** Blocks that came compact, by key: each is tried once. */
  readonly compactTried = new BoundedSet<string>(COMPACT_REMEMBERED);
  hasSentAddresses = false;
  feeFilter = 0;
  misbehaviour = 0;
  /** Headers and blocks in a row that connect to nothing. */
  strayHeaders = 0;
  /** New headers from it since the last that had as much work as our tip. */
  weakHeaders = 0;
  /** When it last brought a block that was new here; 0 if never. */
  lastBlockMs = 0;
  /** The header with the most work that it is known to have. */
  best: ChainEntry | undefined;
  /** The header that was announced to it last. */
  announced: ChainEntry | undefined;
  /** When this block is fetched, it is told our tip, as the answer to `getblocks` holds only so many hashes. */
  continueAt: string | undefined;
  /** Blocks that came and are being checked. */
  blocksInHand = 0;
  ping: { readonly nonce: bigint; readonly sinceMs: number } | undefined;
  lastPingMs = 0;
  pingMs: number | undefined;
  minPingMs: number | undefined;
  bytesReceived = 0;
  lastReceivedAt = 0;
  #bytesSent = 0;
  #lastSentAt = 0;
  readonly known = new BoundedSet<string>(KNOWN_INVENTORY);
  /** Transactions to announce at the next occasion. */
  readonly outbox = new Map<string, InventoryItem>();

  constructor(options: PeerOptions) {
    this.id = options.id;
    this.transport = options.transport;
    this.target = options.target;
    this.isManual = options.isManual;
    this.#magic = options.magic;
    this.#clock = options.clock;
    this.#onSent = options.onSent;
    this.#maxQueueBytes = options.maxQueueBytes;
    this.connectedMs = options.clock.now();
    this.#connectedAt = options.clock.wall();
  }

  get isReady(): boolean {
    return this.version !== undefined && this.hasVerack && !this.isClosed;
  }

  get isInbound(): boolean {
    return this.transport.isInbound;
  }

  get host(): string {
    return this.transport.host;
  }

  /** For logs. */
  get address(): string {
    return `${this.target?.host ?? this.transport.host}:${this.target?.port ?? this.transport.port}`;
  }

  send(message: Message): void {
    this.#write(encodeMessage(this.#magic, message));
  }

  /** A payload that is already in its final form, such as a block as it is stored. */
  sendRaw(command: string, payload: Buffer): void {
    this.#write(encodeFrame(this.#magic, command, payload));
  }

  #write(bytes: Buffer): void {
    if (this.isClosed) return;
    if (this.transport.queuedBytes > this.#maxQueueBytes) {
      this.transport.close();
      return;
    }
    this.#bytesSent += bytes.length;
    this.#lastSentAt = this.#clock.wall();
    this.#onSent(bytes.length);
    this.transport.write(bytes);
  }

  /** It has that header, and so all before it. */
  learnBest(entry: ChainEntry): void {
    if (this.best === undefined || this.best.isInvalid || entry.work > this.best.work) this.best = entry;
  }

  /** Headers that the chain forgot hold all their ancestors in memory. */
  forget(isGone: (entry: ChainEntry) => boolean): void {
    if (this.best && isGone(this.best)) this.best = undefined;
    if (this.announced && isGone(this.announced)) this.announced = undefined;
    if (this.rebuilding && isGone(this.rebuilding.entry)) this.rebuilding = undefined;
  }

  info(blocksInFlight: number): PeerInfo {
    const { version } = this;
    return {
      id: this.id,
      host: this.transport.host,
      port: this.target?.port ?? this.transport.port,
      name: this.target?.host,
      isInbound: this.isInbound,
      isManual: this.isManual,
      isReady: this.isReady,
      version: version?.version ?? 0,
      services: version?.services ?? 0n,
      userAgent: version?.userAgent ?? "",
      startHeight: version?.height ?? -1,
      relaysTransactions: version?.relay ?? false,
      feeFilter: this.feeFilter,
      connectedAt: this.#connectedAt,
      lastSentAt: this.#lastSentAt,
      lastReceivedAt: this.lastReceivedAt,
      bytesSent: this.#bytesSent,
      bytesReceived: this.bytesReceived,
      pingMs: this.pingMs,
      minPingMs: this.minPingMs,
      bestHeight: this.best?.height,
      bestHash: this.best?.hash,
      blocksInFlight,
      misbehaviour: this.misbehaviour,
      wantsCompact: this.wantsCompact,
      announcesCompact: this.announcesCompactSinceMs !== undefined,
    };
  }
}
