/**
 * What a wallet knows of its transactions: a pure function of the events of chain and mempool, so that a wallet that lived through a
 * reorganisation and one that reads the final chain alone say the same. Nothing is ever added to or taken from a balance; balances are
 * read off the rows (balance.ts).
 *
 * Invariants:
 * 1. A row is in at most one block, that block is on the active chain, and a row in a block has no conflicts.
 * 2. `conflicts` of a row outside blocks names every block of the active chain that was seen to spend one of its inputs otherwise.
 * 3. `#open` holds exactly the credits that no row in a block spends.
 */
import type { Block } from "../../primitives/block.ts";
import { hashKey } from "../../primitives/hash.ts";
import { isCoinbase, outPointKey, type Transaction, txid } from "../../primitives/transaction.ts";
import type { Owned } from "../keys/ring.ts";
import type { Placed } from "../ports.ts";
import { type Credit, type InBlock, kept, type Note, type Row, rowOf } from "./row.ts";
import { Timeline } from "./timeline.ts";

export interface OwnCoin {
  readonly outpoint: string;
  readonly row: Row;
  readonly credit: Credit;
}

export type RowState = "confirmed" | "mempool" | "inactive" | "conflicted" | "abandoned";

/** What a change did to a row, for those who watch. */
export interface RowChange {
  readonly row: Row;
  readonly kind: "payment" | "confirmed" | "unconfirmed" | "dropped";
}

export interface LedgerOptions {
  readonly ownerOf: (script: Buffer) => Owned | undefined;
  /** Told of every key that is paid; may add scripts. */
  readonly onPaid?: (owner: Owned) => void;
  /** Milliseconds. */
  readonly now: () => number;
  /**
   * Payments from others that left the mempool without a block are kept up to this number, the newest: anyone can make them at no cost by
   * replacing one another.
   */
  readonly maxDropped?: number;
}

const MAX_DROPPED = 1_000;

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #rows = new Map<string, Row>();
  /** Every credit there ever was, by outpoint. */
  readonly #coins = new Map<string, OwnCoin>();
  readonly #open = new Set<string>();
  /** Rows that spend an outpoint, ours or not. */
  readonly #spenders = new Map<string, Set<Row>>();
  /** Rows in a block, and rows that it conflicts with. */
  readonly #blocks = new Map<string, Row[]>();
  /** Payments from others that are in neither a block nor the mempool. */
  readonly #dropped = new Set<Row>();
  /** Answers of `state` that needed a look at ancestors; emptied by every change. */
  #dead = new Map<string, boolean>();
  #version = 0;
  readonly timeline: Timeline = new Timeline(this);

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** In the order in which they were first seen. */
  rows(): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#rows.size;
  }

  row(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  coin(outpoint: string): OwnCoin | undefined {
    return this.#coins.get(outpoint);
  }

  /** Coins that no transaction in a block spends. */
  *openCoins(): Iterable<OwnCoin> {
    for (const outpoint of this.#open) yield this.#coins.get(outpoint)!;
  }

  /** Rows that spend an outpoint and may still do so: a dead or abandoned one does not. */
  spendersOf(outpoint: string): readonly Row[] {
    return [...(this.#spenders.get(outpoint) ?? [])].filter((row) => {
      const state = this.state(row);
      return state !== "conflicted" && state !== "abandoned";
    });
  }

  state(row: Row): RowState {
    if (row.block) return "confirmed";
    if (row.abandoned) return "abandoned";
    if (this.#isDead(row)) return "conflicted";
    return row.inPool ? "mempool" : "inactive";
  }

  /** What our inputs of a row are worth, and whether all are ours. */
  debitOf(row: Row): { readonly value: number; readonly all: boolean } {
    let value = 0;
    let foreign = 0;
    for (const outpoint of row.inputs) {
      const coin = this.#coins.get(outpoint);
      if (coin) value += coin.credit.value;
      else foreign++;
    }
    return { value, all: row.inputs.length > 0 && foreign === 0 };
  }

  connect(block: Block, height: number, hash: Buffer): RowChange[] {
    const changes: RowChange[] = [];
    const own = kept(hash);
    for (const [index, transaction] of block.transactions.entries()) {
      const place = { hash: own, height, time: block.header.time, index };
      const change = this.#confirm(transaction, place);
      if (change) changes.push(change);
    }
    return changes;
  }

  /** As `connect`, for one transaction that an index found; they come in the order of the chain. */
  replay({ transaction, height, blockHash, blockTime, index }: Placed): void {
    this.#confirm(transaction, { hash: kept(blockHash), height, time: blockTime, index });
  }

  disconnect(block: Block, hash: Buffer): RowChange[] {
    const blockKey = hashKey(hash);
    const touched = this.#blocks.get(blockKey);
    if (!touched) return [];
    this.#blocks.delete(blockKey);
    this.#changed();
    const transactions = new Map(block.transactions.map((one) => [hashKey(txid(one)), one]));
    const changes: RowChange[] = [];
    for (const row of touched) {
      row.conflicts?.delete(blockKey);
      if (!row.block?.hash.equals(hash)) continue;
      row.block = undefined;
      row.transaction = transactions.get(row.key);
      this.#reopen(row);
      if (!row.inPool) this.#noteDropped(row);
      changes.push({ row, kind: "unconfirmed" });
    }
    return changes;
  }

  /** A transaction came into the mempool. */
  poolAdded(transaction: Transaction): RowChange | undefined {
    if (!this.#concerns(transaction)) return undefined;
    const known = this.#rows.get(hashKey(txid(transaction)));
    const row = known ?? this.#add(transaction);
    this.#changed();
    // Its block may be on the way out: the mempool can hear of that before we do.
    row.inPool = true;
    row.abandoned = false;
    row.transaction = transaction;
    this.#dropped.delete(row);
    return known ? undefined : { row, kind: "payment" };
  }

  poolRemoved(transaction: Transaction): RowChange | undefined {
    const row = this.#rows.get(hashKey(txid(transaction)));
    if (!row?.inPool) return undefined;
    this.#changed();
    row.inPool = false;
    if (row.block) return undefined;
    this.#noteDropped(row);
    return { row, kind: "dropped" };
  }

  /** A transaction of ours from the wallet's file: it may be in no block and no mempool. */
  restore(transaction: Transaction, facts: { readonly received: number; readonly abandoned: boolean }): Row {
    const known = this.#rows.get(hashKey(txid(transaction)));
    if (known?.block) return known;
    this.#changed();
    const row = known ?? this.#add(transaction, facts.received);
    row.transaction = transaction;
    row.abandoned = facts.abandoned;
    return row;
  }

  note(row: Row, note: Note): void {
    row.note = { ...row.note, ...note };
  }

  /** Gives up a row and all that spend from it. The caller checked that none is in a block or the mempool. */
  abandon(row: Row): void {
    this.#changed();
    row.abandoned = true;
    for (const child of this.childrenOf(row)) if (!child.abandoned && !child.block) this.abandon(child);
  }

  childrenOf(row: Row): readonly Row[] {
    const children = row.credits.flatMap(({ vout }) => [...(this.#spenders.get(outpointAt(row, vout)) ?? [])]);
    return [...new Set(children)];
  }

  #changed(): void {
    this.#version += 1;
    this.#dead.clear();
  }

  #concerns(transaction: Transaction): boolean {
    if (transaction.outputs.some(({ script }) => this.#options.ownerOf(script))) return true;
    return transaction.inputs.some(({ prevout }) => this.#coins.has(outPointKey(prevout)));
  }

  #confirm(transaction: Transaction, place: InBlock): RowChange | undefined {
    this.#conflict(transaction, place);
    if (!this.#concerns(transaction)) return undefined;
    const known = this.#rows.get(hashKey(txid(transaction)));
    if (known?.block) return undefined;
    const row = known ?? this.#add(transaction, place.time);
    this.#changed();
    this.#touch(hashKey(place.hash), row);
    row.block = place;
    row.inPool = false;
    row.abandoned = false;
    row.transaction = undefined;
    row.conflicts = undefined;
    this.#dropped.delete(row);
    for (const outpoint of row.inputs) this.#open.delete(outpoint);
    return { row, kind: "confirmed" };
  }

  /** Whatever else wanted to spend these inputs can not any more. */
  #conflict(transaction: Transaction, place: InBlock): void {
    if (isCoinbase(transaction)) return;
    const key = hashKey(txid(transaction));
    for (const { prevout } of transaction.inputs)
      for (const rival of this.#spenders.get(outPointKey(prevout)) ?? [])
        if (rival.key !== key && !rival.block) this.#conflictWith(rival, hashKey(place.hash));
  }

  #conflictWith(rival: Row, blockKey: string): void {
    this.#changed();
    rival.conflicts ??= new Set();
    rival.conflicts.add(blockKey);
    this.#touch(blockKey, rival);
  }

  #add(transaction: Transaction, received = Math.floor(this.#options.now() / 1000)): Row {
    const row = rowOf(transaction, this.#options.ownerOf, received);
    this.#rows.set(row.key, row);
    for (const { owner } of row.credits) this.#options.onPaid?.(owner);
    for (const credit of row.credits) this.#addCoin(row, credit);
    for (const outpoint of row.inputs) this.#addSpender(row, outpoint);
    return row;
  }

  #addCoin(row: Row, credit: Credit): void {
    const outpoint = outpointAt(row, credit.vout);
    this.#coins.set(outpoint, { outpoint, row, credit });
    const spenders = [...(this.#spenders.get(outpoint) ?? [])];
    if (!spenders.some(({ block }) => block)) this.#open.add(outpoint);
  }

  #addSpender(row: Row, outpoint: string): void {
    const spenders = this.#spenders.get(outpoint) ?? new Set();
    spenders.add(row);
    this.#spenders.set(outpoint, spenders);
    for (const { block } of spenders) if (block) this.#conflictWith(row, hashKey(block.hash));
  }

  /** What a row spent is open again, now that it is in no block. */
  #reopen(row: Row): void {
    for (const outpoint of row.inputs) if (this.#coins.has(outpoint)) this.#open.add(outpoint);
  }

  #touch(blockKey: string, row: Row): void {
    const rows = this.#blocks.get(blockKey);
    if (rows) rows.push(row);
    else this.#blocks.set(blockKey, [row]);
  }

  /** A coinbase of a stale block is dead, and so is what spends from anything dead, given up, or spent otherwise. */
  #isDead(row: Row): boolean {
    const known = this.#dead.get(row.key);
    if (known !== undefined) return known;
    // Transactions form no cycles; the entry only keeps a damaged file from making one.
    this.#dead.set(row.key, false);
    const dead =
      row.isCoinbase ||
      (row.conflicts !== undefined && row.conflicts.size > 0) ||
      row.parents.some((key) => {
        const parent = this.#rows.get(key);
        return parent !== undefined && !parent.block && (parent.abandoned || this.#isDead(parent));
      });
    this.#dead.set(row.key, dead);
    return dead;
  }

  #noteDropped(row: Row): void {
    if (this.debitOf(row).value > 0) return;
    this.#dropped.add(row);
    const max = this.#options.maxDropped ?? MAX_DROPPED;
    for (const oldest of this.#dropped) {
      if (this.#dropped.size <= max) return;
      this.#forget(oldest);
    }
  }

  /** Removes a payment from others of which nothing is left. One that rows of ours spend from stays. */
  #forget(row: Row): void {
    this.#dropped.delete(row);
    if (this.childrenOf(row).length === 0) this.discard(row);
  }

  /** Removes a row that is in no block and that nobody else ever saw. */
  discard(row: Row): void {
    this.#changed();
    this.#rows.delete(row.key);
    for (const { vout } of row.credits) {
      this.#coins.delete(outpointAt(row, vout));
      this.#open.delete(outpointAt(row, vout));
    }
    for (const outpoint of row.inputs) this.#unspend(row, outpoint);
    for (const blockKey of row.conflicts ?? []) {
      const others = (this.#blocks.get(blockKey) ?? []).filter((other) => other !== row);
      this.#blocks.set(blockKey, others);
    }
  }

  #unspend(row: Row, outpoint: string): void {
    const spenders = this.#spenders.get(outpoint);
    spenders?.delete(row);
    if (spenders?.size === 0) this.#spenders.delete(outpoint);
  }
}

export const outpointAt = ({ txid: hash }: Row, index: number): string => outPointKey({ hash, index });
