/**
 * What a wallet needs of the node around it, as narrow as it uses it. The node's assembly hands in adapters; tests hand in a chain of
 * a few lines.
 */
import type { Block } from "../primitives/block.ts";
import type { Transaction } from "../primitives/transaction.ts";

/** Delivered in order, after the chain's own state is durable. */
export interface ChainEvent {
  readonly kind: "connected" | "disconnected";
  readonly block: Block;
  readonly height: number;
  readonly hash: Buffer;
}

/** Where a confirmed transaction stands. */
export interface Placed {
  readonly transaction: Transaction;
  readonly height: number;
  readonly blockHash: Buffer;
  readonly blockTime: number;
  /** Position in its block; 0 is the coinbase. */
  readonly index: number;
}

export interface WalletChain {
  tip(): { readonly height: number; readonly hash: Buffer };
  subscribe(listener: (event: ChainEvent) => void): () => void;
  /** Every confirmed transaction that pays to or spends from a script, from a height on. */
  historyOf(script: Buffer, fromHeight: number): AsyncIterable<Placed>;
  transaction(txid: Buffer): Promise<Transaction | undefined>;
}

export type PoolEvent =
  | { readonly kind: "added"; readonly transaction: Transaction }
  /** `block`: it was confirmed; anything else means that it is neither there nor in a block. */
  | { readonly kind: "removed"; readonly transaction: Transaction; readonly reason: string };

export interface WalletPool {
  transactions(): Iterable<Transaction>;
  subscribe(listener: (event: PoolEvent) => void): () => void;
  /** Takes a transaction as one that a user sent and relays it. Rejects with the reason of the policy that it breaks. */
  submit(transaction: Transaction): Promise<void>;
  /** Satoshis per virtual byte to confirm within so many blocks; undefined while nothing is known. */
  feeRate(confirmationTarget: number): number | undefined;
  /** Below this nothing is accepted, satoshis per virtual byte. */
  minimumFeeRate(): number;
}
