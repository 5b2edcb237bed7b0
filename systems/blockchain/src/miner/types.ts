/** Block templates, and the hashing of them. */
import type { MempoolEntry } from "../mempool/types.ts";
import type { Block } from "../primitives/block.ts";
import type { Transaction } from "../primitives/transaction.ts";

/** All of a block but its proof of work. */
export interface BlockTemplate {
  readonly height: number;
  readonly previous: Buffer;
  readonly version: number;
  readonly bits: number;
  /** The time when it was made; may be raised. */
  readonly time: number;
  /** The lowest time that is valid. */
  readonly minTime: number;
  /** Subsidy and fees. */
  readonly coinbaseValue: number;
  readonly fees: number;
  /** In the block's order, without the coinbase. */
  readonly entries: readonly MempoolEntry[];
  readonly weight: number;
  readonly sigopCost: number;
  /** The script of the output that commits to the witnesses (BIP 141). */
  readonly commitmentScript: Buffer;
  /** A coinbase that pays `script`; each extra nonce gives another. */
  coinbase(script: Buffer, extraNonce: number): Transaction;
  /** The whole block with nonce 0. */
  block(script: Buffer, extraNonce: number): Block;
}

/** When the background miner mines. */
export type MiningPolicy = { readonly kind: "always" } | { readonly kind: "transactions"; readonly atLeast: number };

export interface MinerStatus {
  readonly isRunning: boolean;
  /** False while the policy, the sync or the disk tells it to wait; `waitingFor` says for what. */
  readonly isHashing: boolean;
  readonly waitingFor: string | undefined;
  readonly workers: number;
  /** Of each worker's time, 0 to 1. */
  readonly cpuShare: number;
  /** Hashes per second over the last minute. */
  readonly hashRate: number;
  readonly hashes: number;
  readonly blocksFound: number;
  readonly lastTemplate: { readonly weight: number; readonly transactionCount: number } | undefined;
}

export interface Miner {
  readonly status: MinerStatus;
  /** Idempotent. */
  start(): void;
  /** Resolves once no worker runs. Idempotent; it can be started again. */
  stop(): Promise<void>;
  /** The script that blocks pay from now on. */
  setScript(script: Buffer): void;
  template(): BlockTemplate;
  /**
   * Mines `count` blocks at once, whatever the policy. Rejects if the chain refuses one; after `maxTries` hashes over all blocks it resolves
   * with those found until then.
   */
  generate(count: number, script: Buffer, options?: GenerateOptions): Promise<readonly Buffer[]>;
  /** One block with exactly these transactions on top of the tip. */
  generateBlock(script: Buffer, transactions: readonly Transaction[]): Promise<Block>;
  /** Stops for good. */
  close(): Promise<void>;
}

export interface GenerateOptions {
  readonly maxTries?: number;
  readonly signal?: AbortSignal;
}
