/** The rows of the indexes over transactions and scripts that a block adds, or takes away again. Pure. */
import { type Block, headerSize } from "../../primitives/block.ts";
import { compactSizeLength } from "../../primitives/bytes.ts";
import { hashKey } from "../../primitives/hash.ts";
import { totalSize, txid } from "../../primitives/transaction.ts";
import { isUnspendable } from "../../script/programs.ts";
import type { CoinChanges } from "../coins/changes.ts";
import type { Operation } from "../store/database.ts";
import { historyKey, scriptCoinKey, scriptName, summaryKey, transactionKey } from "../store/keys.ts";
import { decodeSummary, encodePlace, encodeSummary } from "../store/records.ts";
import type { Coin, ScriptSummary } from "../types.ts";

/** Which indexes are kept; on by default. */
export interface IndexOptions {
  /** Transaction id to block: getrawtransaction without a block, and transaction pages. */
  readonly transactions: boolean;
  /** Script to transactions, coins and balance: address pages, and a wallet's rescan in no time. */
  readonly scripts: boolean;
}

interface Delta {
  readonly name: Buffer;
  balance: number;
  received: number;
  coinCount: number;
  /** Places in the block of the transactions that touch the script. */
  readonly positions: Set<number>;
}

/** Per script, what the block does to it when connected. */
export type ScriptDeltas = ReadonlyMap<string, Delta>;

/** The names of a block's scripts, each hashed once. */
export class ScriptNames {
  readonly #names = new Map<string, Buffer>();

  of(script: Buffer): Buffer {
    const text = hashKey(script);
    const known = this.#names.get(text);
    if (known) return known;
    const name = scriptName(script);
    this.#names.set(text, name);
    return name;
  }
}

export function scriptDeltas(block: Block, spent: readonly (readonly Coin[])[], names: ScriptNames): ScriptDeltas {
  const deltas = new Map<string, Delta>();
  const touch = (script: Buffer, position: number): Delta => {
    const name = names.of(script);
    const key = hashKey(name);
    const delta = deltas.get(key) ?? { name, balance: 0, received: 0, coinCount: 0, positions: new Set() };
    deltas.set(key, delta);
    delta.positions.add(position);
    return delta;
  };
  for (const [position, tx] of block.transactions.entries()) {
    for (const { script, value } of tx.outputs) {
      if (isUnspendable(script)) continue;
      const delta = touch(script, position);
      delta.balance += value;
      delta.received += value;
      delta.coinCount++;
    }
    for (const { script, value } of spent[position] ?? []) {
      const delta = touch(script, position);
      delta.balance -= value;
      delta.coinCount--;
    }
  }
  return deltas;
}

export type Direction = "connect" | "disconnect";

export function* transactionRows(block: Block, height: number, direction: Direction): Generator<Operation> {
  let offset = headerSize + compactSizeLength(block.transactions.length);
  for (const [position, tx] of block.transactions.entries()) {
    const key = transactionKey(txid(tx));
    yield direction === "connect"
      ? { type: "put", key, value: encodePlace({ height, position, offset }) }
      : { type: "del", key };
    offset += totalSize(tx);
  }
}

/** `stored` are the summaries as they are, in the order of `deltas`. */
export function* scriptRows(
  block: Block,
  height: number,
  deltas: ScriptDeltas,
  stored: readonly (Buffer | undefined)[],
  direction: Direction,
): Generator<Operation> {
  const sign = direction === "connect" ? 1 : -1;
  let i = 0;
  for (const delta of deltas.values()) {
    yield summaryRow(delta, decodeSummary(stored[i++]), sign);
    for (const position of delta.positions) {
      const key = historyKey(delta.name, height, position);
      yield sign > 0 ? { type: "put", key, value: txid(block.transactions[position]!) } : { type: "del", key };
    }
  }
}

function summaryRow(delta: Delta, before: ScriptSummary, sign: 1 | -1): Operation {
  const key = summaryKey(delta.name);
  const after = {
    balance: before.balance + sign * delta.balance,
    received: before.received + sign * delta.received,
    coinCount: before.coinCount + sign * delta.coinCount,
    transactionCount: before.transactionCount + sign * delta.positions.size,
  };
  return after.transactionCount === 0 ? { type: "del", key } : { type: "put", key, value: encodeSummary(after) };
}

const NOTHING = Buffer.alloc(0);

export function* scriptCoinRows(changes: CoinChanges, names: ScriptNames): Generator<Operation> {
  for (const [outpoint, { before, after }] of changes) {
    if (after) yield { type: "put", key: scriptCoinKey(names.of(after.script), outpoint), value: NOTHING };
    else if (before) yield { type: "del", key: scriptCoinKey(names.of(before.script), outpoint) };
  }
}
