/**
 * What the chain is to the others: a tree of headers, the one branch of it that counts, and what can be spent at its tip.
 *
 * Invariants, kept by the chain and true whenever its methods return or its listeners run:
 * 1. The tip, the set of coins and all indexes belong together: they were changed by one atomic write per block.
 * 2. The tip has the most work among the blocks whose whole branch is stored here and not found invalid; of equal work, the first to come.
 * 3. Events come in the order in which blocks were connected and disconnected, each after its write is durable.
 */
import type { Network } from "../consensus/params.ts";
import type { Block, BlockHeader } from "../primitives/block.ts";
import type { OutPoint, Transaction } from "../primitives/transaction.ts";

/** An unspent output. */
export interface Coin {
  /** Satoshis. */
  readonly value: number;
  /** The scriptPubKey. */
  readonly script: Buffer;
  /** Of the block that created it. */
  readonly height: number;
  readonly isCoinbase: boolean;
}

/** A header in the tree. One object per header for as long as the chain is open, so entries may be compared by identity. */
export interface ChainEntry {
  /** Internal byte order. */
  readonly hash: Buffer;
  /** `hashKey(hash)`. */
  readonly key: string;
  readonly height: number;
  readonly version: number;
  readonly time: number;
  readonly bits: number;
  /** All work up to and including this header. */
  readonly work: bigint;
  /** Undefined for genesis only. */
  readonly parent: ChainEntry | undefined;
  /** Transactions in the block; 0 while it isn't stored here. */
  readonly transactionCount: number;
  /** Transactions from genesis up to here; 0 while a block of the branch is missing. */
  readonly chainTransactionCount: number;
  /** Whether the block itself is stored here. */
  readonly hasBlock: boolean;
  /** Whether the block, or one below it, was found invalid or was invalidated by hand. */
  readonly isInvalid: boolean;
}

export interface ChainEvent {
  readonly kind: "connected" | "disconnected";
  readonly block: Block;
  readonly entry: ChainEntry;
  readonly height: number;
  readonly hash: Buffer;
  /** What the block's transactions spend: for each transaction, in order of its inputs; none for the coinbase. */
  readonly spent: readonly (readonly Coin[])[];
  /** How long it took to look up and check what it spends; 0 for a block that is disconnected. */
  readonly verifyMs: number;
}

export type ChainListener = (event: ChainEvent) => void;
/** The tip after a block or a whole reorganisation went in; `reorganised` if blocks were disconnected. */
export type SettledListener = (tip: ChainEntry, change: { readonly reorganised: boolean }) => void;

/** Why something from outside was not taken; `reason` is Bitcoin Core's word for it. */
export interface Rejection {
  readonly ok: false;
  readonly reason: string;
  /** For people; may be empty. */
  readonly detail: string;
  /**
   * `invalid`: breaks the rules whoever looks at it, so who sent it is punished. `mutated`: so does this copy of the block, though another of
   * the same hash may be valid. `unknown`: its parent is not known. `early`: its time is too far ahead. `refused`: not wanted here (too
   * little work, limits, full disk), which is nobody's fault.
   */
  readonly fault: "invalid" | "mutated" | "unknown" | "early" | "refused";
}

export type HeadersResult =
  /** `last` is the entry of the last header given, known before or not; `added` counts the new. */
  { readonly ok: true; readonly last: ChainEntry; readonly added: number } | Rejection;

export type BlockResult =
  /** Stored, and connected if that gave the most work; `isNew` unless it was stored before. */
  { readonly ok: true; readonly entry: ChainEntry; readonly isNew: boolean } | Rejection;

/** Whether the chain takes blocks. It serves reads in all but `closed`. */
export type ChainState =
  | { readonly kind: "running" }
  /** No room: nothing is taken until there is; tried again by itself. */
  | { readonly kind: "disk-full"; readonly message: string }
  /** The database is damaged or the disk fails: must be restarted, and perhaps synchronised anew, as the message says. */
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "closed" };

export interface FoundTransaction {
  readonly tx: Transaction;
  readonly entry: ChainEntry;
  /** Its place in the block. */
  readonly position: number;
}

/** What a script (an address) has had on the active chain. */
export interface ScriptSummary {
  readonly balance: number;
  readonly received: number;
  readonly coinCount: number;
  readonly transactionCount: number;
}

export interface HistoryItem {
  readonly txid: Buffer;
  readonly height: number;
  readonly position: number;
}

export interface CoinItem {
  readonly outpoint: OutPoint;
  readonly coin: Coin;
}

export interface PageOptions {
  /** At most 1000; default 100. */
  readonly limit?: number;
  /** The newest first; history only. */
  readonly reverse?: boolean;
  /** What the page before ended with. */
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** For the next page; undefined at the end. */
  readonly cursor: string | undefined;
}

/** `gettxoutsetinfo`. */
export interface CoinStats {
  readonly entry: ChainEntry;
  readonly coinCount: number;
  /** Transactions with at least one unspent output. */
  readonly transactionCount: number;
  readonly totalAmount: number;
  readonly sizeBytes: number;
  /** Of the kind asked for: equal to Bitcoin Core's for an equal set. Internal byte order. */
  readonly hash: Buffer | undefined;
}

export type CoinSetHash = "hash_serialized_3" | "muhash" | "none";

/** What mempool, miner and RPC ask of the tree and the active branch; all of it synchronous. */
export interface ChainView {
  readonly network: Network;
  readonly genesis: ChainEntry;
  /** Of the active chain. */
  readonly tip: ChainEntry;
  /** The header with the most work that isn't known invalid; its block may not be here yet. */
  readonly bestHeader: ChainEntry;
  entry(hash: Buffer): ChainEntry | undefined;
  /** The active chain's block at a height. */
  at(height: number): ChainEntry | undefined;
  isActive(entry: ChainEntry): boolean;
  ancestor(entry: ChainEntry, height: number): ChainEntry | undefined;
  /** The last block that both branches share. */
  fork(a: ChainEntry, b: ChainEntry): ChainEntry;
  /** Median time of the entry and its ten ancestors: what the time of a child must exceed (BIP 113). */
  medianTimePast(entry: ChainEntry): number;
  header(entry: ChainEntry): BlockHeader;
  /** The unspent output at the tip. */
  coin(outpoint: OutPoint): Coin | undefined;
  /** Hashes from `from` (the best header unless given) back to genesis, ever sparser: at most about 40. */
  locator(from?: ChainEntry): Buffer[];
  /** The first of the locator's hashes that is on the active chain; genesis if none. */
  findFork(locator: readonly Buffer[]): ChainEntry;
  /** Tips of all branches, the active one first. */
  tips(): readonly ChainEntry[];
}

export interface Chain extends ChainView {
  readonly state: ChainState;
  /** Headers that form a line, from the lowest; at most 2000. Stops at the first that is wrong, keeping those before it. */
  addHeaders(headers: readonly BlockHeader[]): Promise<HeadersResult>;
  /**
   * Resolves once the block is durable and, if it has the most work, connected. `requested` (default true) false is for blocks nobody asked
   * for: they are taken only if they could become the tip soon.
   */
  addBlock(block: Block, options?: { readonly requested?: boolean }): Promise<BlockResult>;
  /** Whether a block on the tip would be valid, its proof of work aside; nothing is stored. For templates and `proposal`. */
  testBlock(block: Block): Promise<{ readonly ok: true } | Rejection>;
  /** The next blocks, lowest first, that are missing on the way to `target` (the best header unless given). */
  missing(limit: number, target?: ChainEntry): readonly ChainEntry[];
  invalidate(hash: Buffer): Promise<void>;
  reconsider(hash: Buffer): Promise<void>;
  /** Serialized, with witness. */
  rawBlock(entry: ChainEntry): Promise<Buffer | undefined>;
  block(entry: ChainEntry): Promise<Block | undefined>;
  /** What the block spent; undefined if it was never connected. */
  spent(entry: ChainEntry): Promise<readonly (readonly Coin[])[] | undefined>;
  /** A transaction of the active chain. */
  transaction(txid: Buffer): Promise<FoundTransaction | undefined>;
  /** What it spent, in the order of its inputs. */
  spentBy(found: FoundTransaction): Promise<readonly Coin[] | undefined>;
  scriptSummary(script: Buffer): ScriptSummary;
  scriptHistory(script: Buffer, options?: PageOptions): Promise<Page<HistoryItem>>;
  scriptCoins(script: Buffer, options?: PageOptions): Promise<Page<CoinItem>>;
  coinStats(hash?: CoinSetHash): Promise<CoinStats>;
  /** Listeners run one after the other, synchronously; what they throw is logged. Returns how to unsubscribe. */
  subscribe(listener: ChainListener): () => void;
  onSettled(listener: SettledListener): () => void;
  onStateChange(listener: (state: ChainState) => void): () => void;
  /** Waits for the write under way. Idempotent. */
  close(): Promise<void>;
}
