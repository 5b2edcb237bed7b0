/** Transactions whose inputs are not known yet, kept for a while in case the parent comes. Bounded in number, size and time. */
import type { Transaction } from "../../primitives/transaction.ts";

export interface Orphan {
  readonly key: string;
  readonly transaction: Transaction;
  /** Keys of the transactions that its inputs spend. */
  readonly parents: ReadonlySet<string>;
  readonly peer: number;
  readonly sinceMs: number;
}

const MOST = 100;
const LONGEST_MS = 20 * 60_000;
/** So that one peer can't push out everybody else's. */
const MOST_PER_PEER = 50;

export class OrphanPool {
  readonly #orphans = new Map<string, Orphan>();

  get size(): number {
    return this.#orphans.size;
  }

  has(key: string): boolean {
    return this.#orphans.has(key);
  }

  add(orphan: Orphan): void {
    const own = [...this.#orphans.values()].filter(({ peer }) => peer === orphan.peer);
    if (own.length >= MOST_PER_PEER && own[0]) this.#orphans.delete(own[0].key);
    this.#orphans.set(orphan.key, orphan);
    const [oldest] = this.#orphans.keys();
    if (this.#orphans.size > MOST && oldest !== undefined) this.#orphans.delete(oldest);
  }

  remove(key: string): void {
    this.#orphans.delete(key);
  }

  /** Takes out those that wait for `parent`. */
  takeChildren(parent: string): readonly Orphan[] {
    const children = [...this.#orphans.values()].filter(({ parents }) => parents.has(parent));
    for (const { key } of children) this.#orphans.delete(key);
    return children;
  }

  removePeer(peer: number): void {
    for (const [key, orphan] of this.#orphans) if (orphan.peer === peer) this.#orphans.delete(key);
  }

  expire(nowMs: number): void {
    for (const [key, { sinceMs }] of this.#orphans) if (nowMs - sinceMs >= LONGEST_MS) this.#orphans.delete(key);
  }
}
