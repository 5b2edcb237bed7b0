/** The chain as a dumb program would do it: it keeps all blocks and replays them from genesis whenever it is asked anything. */

import type { Coin } from "../../../src/chain/types.ts";
import { workOf } from "../../../src/consensus/target.ts";
import { type Block, blockHash } from "../../../src/primitives/block.ts";
import { hashKey } from "../../../src/primitives/hash.ts";
import { type OutPoint, outPointKey, txid } from "../../../src/primitives/transaction.ts";
import { genesis } from "./blocks.ts";

export const keyOf = (block: Block): string => hashKey(blockHash(block.header));

export interface Replay {
  readonly coins: Map<string, { readonly outpoint: OutPoint; readonly coin: Coin }>;
  /** By script, the ids of the transactions that touch it, in order. */
  readonly history: Map<string, Buffer[]>;
  /** False at the first block that breaks the rules. */
  readonly isValid: boolean;
}

export class Twin {
  /** In order of arrival. */
  readonly blocks = new Map<string, Block>([[keyOf(genesis), genesis]]);
  readonly banned = new Set<string>();
  /** The order in which whole branches came together: of equal work, the first wins. */
  readonly #complete: string[] = [keyOf(genesis)];

  add(block: Block): void {
    this.blocks.set(keyOf(block), block);
    for (let found = true; found; ) {
      found = false;
      for (const [key, { header }] of this.blocks) {
        if (this.#complete.includes(key) || !this.#complete.includes(hashKey(header.previous))) continue;
        this.#complete.push(key);
        found = true;
      }
    }
  }

  branch(key: string): Block[] {
    const line: Block[] = [];
    for (let block = this.blocks.get(key); block; block = this.blocks.get(hashKey(block.header.previous))) {
      line.unshift(block);
    }
    return line;
  }

  /** The work of the best tip: which of several with as much is chosen is for other tests. */
  bestWork(): bigint {
    let best = 0n;
    for (const key of this.#complete) {
      const line = this.branch(key);
      const work = workOfLine(line);
      if (work > best && !line.some((block) => this.banned.has(keyOf(block))) && replay(line).isValid) best = work;
    }
    return best;
  }
}

export const workOfLine = (line: readonly Block[]): bigint =>
  line.reduce((work, block) => work + workOf(block.header.bits), 0n);

export function replay(line: readonly Block[]): Replay {
  const coins: Replay["coins"] = new Map();
  const history: Replay["history"] = new Map();
  let isValid = true;
  const touch = (script: Buffer, id: Buffer): void => {
    const ids = history.get(hashKey(script)) ?? [];
    if (!ids.at(-1)?.equals(id)) ids.push(id);
    history.set(hashKey(script), ids);
  };
  for (const [height, block] of line.entries()) {
    if (height === 0) continue;
    for (const [i, tx] of block.transactions.entries()) {
      const id = txid(tx);
      let balance = 0;
      for (const { prevout } of i === 0 ? [] : tx.inputs) {
        const found = coins.get(outPointKey(prevout));
        if (!found) return { coins, history, isValid: false };
        balance += found.coin.value;
        touch(found.coin.script, id);
        coins.delete(outPointKey(prevout));
      }
      for (const [index, { value, script }] of tx.outputs.entries()) {
        balance -= value;
        if (script[0] === 0x6a) continue;
        touch(script, id);
        const outpoint = { hash: id, index };
        coins.set(outPointKey(outpoint), { outpoint, coin: { value, script, height, isCoinbase: i === 0 } });
      }
      if (i > 0 && balance < 0) isValid = false;
    }
    if (!isValid) break;
  }
  return { coins, history, isValid };
}
