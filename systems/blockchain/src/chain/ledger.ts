/** Moves the tip by one block, up or down: coins, indexes and tip in one batch, then memory, then whoever listens. */

import type { Rejection } from "../consensus/rejection.ts";
import type { Block } from "../primitives/block.ts";
import {
  type Direction,
  type IndexOptions,
  ScriptNames,
  scriptCoinRows,
  scriptDeltas,
  scriptRows,
  transactionRows,
} from "./blocks/index-rows.ts";
import { type CoinChanges, type Connected, disconnectChanges } from "./coins/changes.ts";
import { type CoinSet, operationsOf } from "./coins/coin-set.ts";
import { damaged } from "./errors.ts";
import type { Listeners } from "./listeners.ts";
import type { Lookahead } from "./lookahead.ts";
import type { Verdict } from "./rules.ts";
import { blockRows, type ChainStore, tipRow, undoRow } from "./store/chain-store.ts";
import type { Operation } from "./store/database.ts";
import { summaryKey } from "./store/keys.ts";
import type { Entry } from "./tree/entry.ts";
import type { HeaderTree } from "./tree/tree.ts";
import type { ChainEvent, Coin } from "./types.ts";

/** Blocks this far below the best header are being caught up with: what a power cut takes of them is fetched again, so they need no fsync each. */
const FRESH_BLOCKS = 6;
/** While catching up, how many blocks a power cut may take. */
const DURABLE_EVERY = 200;

export interface LedgerParts {
  readonly tree: HeaderTree;
  readonly store: ChainStore;
  readonly coins: CoinSet;
  readonly ahead: Lookahead;
  readonly indexes: IndexOptions;
  readonly events: Listeners<readonly [ChainEvent]>;
}

interface Move {
  readonly direction: Direction;
  readonly entry: Entry;
  readonly block: Block;
  readonly spent: readonly (readonly Coin[])[];
  readonly changes: CoinChanges;
  /** Rows beside coins and indexes. */
  readonly rows: readonly Operation[];
}

export class Ledger {
  readonly #parts: LedgerParts;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** `entry` is a child of the tip. `isStored` unless the block is to be stored in the same batch. Returns why it is invalid. */
  async connect(entry: Entry, block: Block, isStored: boolean): Promise<Verdict> {
    const { tree, ahead } = this.#parts;
    const parent = entry.parent as Entry;
    const began = performance.now();
    const examined = await ahead.examine(block, parent);
    if ("reason" in examined) return examined;
    const { spent, changes, verdict: checking } = examined;
    ahead.begin(entry, changes);
    const rows = [undoRow(entry, spent), tipRow(entry)];
    if (!isStored) rows.push(...blockRows(entry, block));
    const move: Move = { direction: "connect", entry, block, spent, changes, rows };
    // What is to be written is prepared while threads check scripts; what goes wrong with that counts for a valid block only.
    const [checked, prepared] = await Promise.allSettled([checking, this.#operations(move)]);
    await ahead.end();
    const verdict = outcomeOf(checked);
    if (verdict) return verdict;
    const done = (): void => {
      if (!isStored) tree.blockStored(entry, block.transactions.length);
      tree.setTip(entry);
    };
    await this.#move(move, outcomeOf(prepared), done, performance.now() - began);
    return undefined;
  }

  async disconnect(): Promise<void> {
    const { tree, store } = this.#parts;
    const entry = tree.tip;
    const parent = entry.parent as Entry;
    const [block, spent] = await Promise.all([store.block(entry), store.spent(entry)]);
    if (!block || !spent) throw damaged(`what undoes the block at height ${entry.height} is missing`);
    const changes = disconnectChanges(block, entry.height, spent);
    const move: Move = { direction: "disconnect", entry, block, spent, changes, rows: [tipRow(parent)] };
    await this.#move(move, await this.#operations(move), () => tree.setTip(parent));
  }

  /** What a block on `parent`, the tip, would do; or why it may not. */
  async verify(block: Block, parent: Entry): Promise<Connected | Rejection> {
    const examined = await this.#parts.ahead.examine(block, parent);
    return "reason" in examined ? examined : ((await examined.verdict) ?? examined);
  }

  async #move(move: Move, operations: readonly Operation[], done: () => void, verifyMs = 0): Promise<void> {
    const { coins, store, events } = this.#parts;
    const { direction, entry, block, spent, changes } = move;
    const durable = this.#mustBeDurable(entry);
    await coins.commit(changes, () => store.database.write(operations, { durable }), done);
    const kind = direction === "connect" ? "connected" : "disconnected";
    events.tell({ kind, block, entry, height: entry.height, hash: entry.hash, spent, verifyMs });
  }

  async #operations(move: Move): Promise<readonly Operation[]> {
    return [...operationsOf(move.changes), ...(await this.#indexRows(move)), ...move.rows];
  }

  /** Joined by spreading into an array, not into arguments: a block can have more rows than a call takes. */
  async #indexRows({ direction, entry, block, spent, changes }: Move): Promise<readonly Operation[]> {
    const { indexes, store } = this.#parts;
    const ofTransactions = indexes.transactions ? [...transactionRows(block, entry.height, direction)] : [];
    if (!indexes.scripts) return ofTransactions;
    const names = new ScriptNames();
    const deltas = scriptDeltas(block, spent, names);
    const stored = await store.database.getMany([...deltas.values()].map(({ name }) => summaryKey(name)));
    const ofScripts = scriptRows(block, entry.height, deltas, stored, direction);
    return [...ofTransactions, ...ofScripts, ...scriptCoinRows(changes, names)];
  }

  #mustBeDurable({ height }: Entry): boolean {
    return height > this.#parts.tree.best.height - FRESH_BLOCKS || height % DURABLE_EVERY === 0;
  }
}

function outcomeOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}
