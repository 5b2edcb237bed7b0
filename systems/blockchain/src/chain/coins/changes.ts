/** What a block does to the set of coins, in both directions. Pure. */
import type { Block } from "../../primitives/block.ts";
import { hashKey } from "../../primitives/hash.ts";
import { type OutPoint, outPointKey, type Transaction, txid } from "../../primitives/transaction.ts";
import { isUnspendable } from "../../script/programs.ts";
import type { Coin } from "../types.ts";

/** One coin, before and after; undefined where it does not exist. */
export interface CoinChange {
  readonly before: Coin | undefined;
  readonly after: Coin | undefined;
}

export type CoinChanges = Map<string, CoinChange>;

/** By `outPointKey`, what the inputs of a block need from before it: all that are not made in the block itself. */
export function neededCoins(block: Block): string[] {
  const own = new Set(block.transactions.map((tx) => hashKey(txid(tx))));
  const needed: string[] = [];
  for (const tx of block.transactions.slice(1)) {
    for (const { prevout } of tx.inputs) if (!own.has(hashKey(prevout.hash))) needed.push(outPointKey(prevout));
  }
  return needed;
}

/** The coins that a transaction makes. Scripts are copied: a view would keep the whole block's bytes in memory. */
export function* coinsOf(tx: Transaction, height: number, isCoinbase: boolean): Generator<[string, Coin]> {
  const hash = txid(tx);
  for (const [index, { value, script }] of tx.outputs.entries()) {
    if (isUnspendable(script)) continue;
    yield [outPointKey({ hash, index }), { value, script: Buffer.from(script), height, isCoinbase }];
  }
}

export interface Connected {
  readonly changes: CoinChanges;
  /** For each transaction, what its inputs spend. */
  readonly spent: readonly (readonly Coin[])[];
}

/** The block's effect at `height`, given the coins from before it; or the first outpoint that cannot be spent. */
export function connectChanges(
  block: Block,
  height: number,
  known: ReadonlyMap<string, Coin>,
): Connected | { readonly missing: OutPoint } {
  const changes: CoinChanges = new Map();
  const spent: Coin[][] = [];
  for (const [i, tx] of block.transactions.entries()) {
    const coins: Coin[] = [];
    for (const { prevout } of i === 0 ? [] : tx.inputs) {
      const coin = spend(changes, known, outPointKey(prevout));
      if (!coin) return { missing: prevout };
      coins.push(coin);
    }
    spent.push(coins);
    for (const [key, after] of coinsOf(tx, height, i === 0)) changes.set(key, { before: known.get(key), after });
  }
  return { changes, spent };
}

function spend(changes: CoinChanges, known: ReadonlyMap<string, Coin>, key: string): Coin | undefined {
  const change = changes.get(key);
  const coin = change ? change.after : known.get(key);
  if (!coin) return undefined;
  // Made and spent in one block: it never gets to the disk.
  if (change && !change.before) changes.delete(key);
  else changes.set(key, { before: coin, after: undefined });
  return coin;
}

/** The way back: what the block made goes, what it spent comes back. */
export function disconnectChanges(block: Block, height: number, spent: readonly (readonly Coin[])[]): CoinChanges {
  const changes: CoinChanges = new Map();
  for (let i = block.transactions.length - 1; i >= 0; i--) {
    const tx = block.transactions[i]!;
    for (const [key, before] of coinsOf(tx, height, i === 0)) {
      // Spent in the same block: it was not there before and is not there after.
      if (changes.get(key)) changes.delete(key);
      else changes.set(key, { before, after: undefined });
    }
    for (const [j, coin] of (spent[i] ?? []).entries()) {
      changes.set(outPointKey(tx.inputs[j]!.prevout), { before: undefined, after: coin });
    }
  }
  return changes;
}
