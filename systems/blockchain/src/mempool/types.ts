/** Transactions that wait for a block. */
import type { Coin } from "../chain/types.ts";
import type { OutPoint, Transaction } from "../primitives/transaction.ts";

/** Rates are in satoshis per 1000 virtual bytes, as in Bitcoin Core. */
export interface MempoolPolicy {
  /** Refuse what nodes don't pass on by default, though blocks may hold it. */
  readonly requireStandard: boolean;
  /** Lowest fee rate taken; 1000. */
  readonly minRelayFeeRate: number;
  /** By how much a replacement must exceed what it replaces, for its own size; 1000. */
  readonly incrementalFeeRate: number;
  /** The rate at which an output must be worth spending; 3000. */
  readonly dustFeeRate: number;
  /** Transactions that one depends on within the pool, itself included; 25. */
  readonly maxAncestors: number;
  readonly maxAncestorVbytes: number;
  readonly maxDescendants: number;
  readonly maxDescendantVbytes: number;
  /** Whether only transactions that signal it (BIP 125, default) can be replaced, or all, or none. */
  readonly replacement: "signaled" | "all" | "none";
  /** Transactions that one replacement may evict; 100. */
  readonly maxReplaced: number;
  /** 14 days. */
  readonly expirySeconds: number;
  /** Memory that the pool may take; 300 MB. */
  readonly maxSizeBytes: number;
  /** Transactions kept while their inputs are unknown; 100. */
  readonly maxOrphans: number;
}

export type RemovalReason = "block" | "conflict" | "replaced" | "expired" | "evicted" | "reorganisation" | "requested";

export type MempoolEvent =
  | { readonly kind: "added"; readonly entry: MempoolEntry }
  | { readonly kind: "removed"; readonly entry: MempoolEntry; readonly reason: RemovalReason };

/** A transaction in the pool and its relatives there. Counts, sizes and fees of relatives include the transaction itself. */
export interface MempoolEntry {
  readonly tx: Transaction;
  readonly txid: Buffer;
  readonly wtxid: Buffer;
  /** Satoshis. */
  readonly fee: number;
  /** With what `prioritise` added. */
  readonly modifiedFee: number;
  readonly vsize: number;
  readonly weight: number;
  readonly sigopCost: number;
  /** Unix seconds at which it came. */
  readonly time: number;
  /** Of the tip when it came. */
  readonly height: number;
  /** What its inputs spend. */
  readonly coins: readonly Coin[];
  readonly parents: ReadonlySet<MempoolEntry>;
  readonly children: ReadonlySet<MempoolEntry>;
  readonly ancestors: Relatives;
  readonly descendants: Relatives;
  /** Whether it or an ancestor in the pool may be replaced (BIP 125). */
  readonly isReplaceable: boolean;
}

export interface Relatives {
  readonly count: number;
  readonly vsize: number;
  /** Modified fees. */
  readonly fees: number;
  readonly sigopCost: number;
}

export type AcceptResult =
  | { readonly ok: true; readonly entry: MempoolEntry; readonly replaced: readonly MempoolEntry[] }
  /** Kept apart until its parents come: ask whoever sent it for `missing` (transaction ids). */
  | {
      readonly ok: false;
      readonly kind: "orphan";
      readonly reason: "missing-inputs";
      readonly missing: readonly Buffer[];
    }
  /** `reason` and `detail` as Bitcoin Core has them. `isInvalid`: breaks consensus rules, so no honest node passes it on. */
  | {
      readonly ok: false;
      readonly kind: "rejected";
      readonly reason: string;
      readonly detail: string;
      readonly isInvalid: boolean;
    };

export interface MempoolInfo {
  readonly count: number;
  /** Sum of virtual sizes. */
  readonly vbytes: number;
  /** Estimated memory. */
  readonly usageBytes: number;
  readonly totalFee: number;
  readonly maxSizeBytes: number;
  /** What a transaction must pay now: the relay minimum, or more while the pool is full. */
  readonly minFeeRate: number;
  readonly minRelayFeeRate: number;
  readonly incrementalFeeRate: number;
  readonly replacement: MempoolPolicy["replacement"];
  readonly orphanCount: number;
}

export interface FeeEstimate {
  /** Satoshis per 1000 virtual bytes; undefined while too little is known. */
  readonly feeRate: number | undefined;
  /** The target that the answer is for, which may be longer than asked. */
  readonly blocks: number;
  readonly errors: readonly string[];
}

export interface Mempool {
  readonly size: number;
  /** Grows with each change. */
  readonly sequence: number;
  info(): MempoolInfo;
  /** By transaction id. */
  get(txid: Buffer): MempoolEntry | undefined;
  getByWtxid(wtxid: Buffer): MempoolEntry | undefined;
  has(txid: Buffer): boolean;
  /** Whether it waits for its parents; by wtxid. */
  hasOrphan(wtxid: Buffer): boolean;
  /** All, in the order in which they came. */
  entries(): IterableIterator<MempoolEntry>;
  /** Those with the best ancestor fee rate first, without building a list of all. */
  byAncestorRate(): IterableIterator<MempoolEntry>;
  /** The transaction in the pool that spends the output. */
  spender(outpoint: OutPoint): MempoolEntry | undefined;
  /** The output as a new transaction would see it: of the pool or of the chain, and not spent in the pool. */
  coin(outpoint: OutPoint): Coin | undefined;
  /**
   * Synchronous: what it answers is true of the tip at that moment. `maxFeeRate` refuses what pays more (a wallet's guard against mistakes);
   * `keepOrphan` (default true) keeps it if its inputs are unknown.
   */
  accept(tx: Transaction, options?: AcceptOptions): AcceptResult;
  /**
   * The same for what comes from outside: worker threads check the scripts of a large transaction before, since a thousand signatures here would
   * hold all else up. Rejects with `busy` when too much waits for them; the transaction is then not taken.
   */
  submit(tx: Transaction, options?: AcceptOptions): Promise<AcceptResult>;
  /** The same checks; nothing changes. */
  test(tx: Transaction, options?: AcceptOptions): AcceptResult;
  /** Takes it and all that depends on it out. */
  remove(txid: Buffer): boolean;
  /** Adds to the fee that the miner and the limits see. */
  prioritise(txid: Buffer, feeDelta: number): void;
  ancestorsOf(entry: MempoolEntry): ReadonlySet<MempoolEntry>;
  descendantsOf(entry: MempoolEntry): ReadonlySet<MempoolEntry>;
  /** Target 1 to 1008 blocks. */
  estimateFee(blocks: number, mode?: "economical" | "conservative"): FeeEstimate;
  subscribe(listener: (event: MempoolEvent) => void): () => void;
  /** Writes the pool to its file, atomically. */
  save(): Promise<void>;
  /** Stops following the chain and saves. Idempotent. */
  close(): Promise<void>;
}

export interface AcceptOptions {
  readonly maxFeeRate?: number;
  readonly keepOrphan?: boolean;
}
