/** Transactions whose inputs are not known yet: few, small, and for a while only, since anyone can make them up for nothing. */
import { hashKey } from "../primitives/hash.ts";
import { outPointKey, type Transaction, txWeight, wtxid } from "../primitives/transaction.ts";

const MAX_WEIGHT = 400_000;
const EXPIRY_SECONDS = 20 * 60;

interface Orphan {
  readonly tx: Transaction;
  readonly until: number;
}

export class Orphans {
  readonly #limit: number;
  /** By wtxid, in order of arrival. */
  readonly #all = new Map<string, Orphan>();
  /** By the key of a transaction id that they spend from. */
  readonly #byParent = new Map<string, Set<string>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#all.size;
  }

  has(wtxid: Buffer): boolean {
    return this.#all.has(hashKey(wtxid));
  }

  /** The oldest leaves when there are too many. */
  add(tx: Transaction, now: number): void {
    const key = hashKey(wtxid(tx));
    if (this.#limit === 0 || this.#all.has(key) || txWeight(tx) > MAX_WEIGHT) return;
    this.expire(now);
    for (const oldest of this.#all.keys()) {
      if (this.#all.size < this.#limit) break;
      this.#remove(oldest);
    }
    this.#all.set(key, { tx, until: now + EXPIRY_SECONDS });
    for (const parent of parentsOf(tx)) {
      const children = this.#byParent.get(parent) ?? new Set();
      this.#byParent.set(parent, children.add(key));
    }
  }

  /** Takes out those that spend from the transaction: they may have all their inputs now. */
  takeChildren(txid: Buffer): Transaction[] {
    const keys = [...(this.#byParent.get(hashKey(txid)) ?? [])];
    return keys.flatMap((key) => this.#remove(key) ?? []);
  }

  /** Drops those that a block contains or contradicts. */
  forgetConflicts(transactions: readonly Transaction[]): void {
    if (this.#all.size === 0) return;
    const spent = new Set(transactions.flatMap((tx) => tx.inputs.map(({ prevout }) => outPointKey(prevout))));
    for (const [key, { tx }] of this.#all) {
      if (tx.inputs.some(({ prevout }) => spent.has(outPointKey(prevout)))) this.#remove(key);
    }
  }

  expire(now: number): void {
    for (const [key, { until }] of this.#all) if (until <= now) this.#remove(key);
  }

  #remove(key: string): Transaction | undefined {
    const orphan = this.#all.get(key);
    if (!orphan) return undefined;
    this.#all.delete(key);
    for (const parent of parentsOf(orphan.tx)) {
      const children = this.#byParent.get(parent);
      children?.delete(key);
      if (children?.size === 0) this.#byParent.delete(parent);
    }
    return orphan.tx;
  }
}

const parentsOf = (tx: Transaction): Set<string> => new Set(tx.inputs.map(({ prevout }) => hashKey(prevout.hash)));
