/**
 * Who in the pool spends from whom. For every entry the totals over its ancestors and descendants are kept up to date, since limits,
 * eviction and mining ask for them all the time.
 *
 * Invariants, checked by `assertConsistent` in tests: 1. `parents` and `children` mirror each other and the spent outputs. 2. The totals are
 * those of the closures. 3. No output is spent twice.
 */
import { hashKey } from "../../primitives/hash.ts";
import { type OutPoint, outPointKey } from "../../primitives/transaction.ts";
import { byAncestorRate, byWorth, type MutableRelatives, type PoolEntry } from "./entry.ts";
import { IndexedHeap } from "./heap.ts";

export class PoolGraph {
  readonly entries = new Map<string, PoolEntry>();
  readonly #byWtxid = new Map<string, PoolEntry>();
  /** By the output spent. */
  readonly #spenders = new Map<string, PoolEntry>();
  readonly #mining = new IndexedHeap<PoolEntry>(byAncestorRate);
  readonly #eviction = new IndexedHeap<PoolEntry>(byWorth);
  vbytes = 0;
  usageBytes = 0;
  totalFee = 0;

  get(txid: Buffer): PoolEntry | undefined {
    return this.entries.get(hashKey(txid));
  }

  getByWtxid(wtxid: Buffer): PoolEntry | undefined {
    return this.#byWtxid.get(hashKey(wtxid));
  }

  spender(outpoint: OutPoint): PoolEntry | undefined {
    return this.#spenders.get(outPointKey(outpoint));
  }

  /** The entry that, with all that depends on it, is worth least. */
  get worst(): PoolEntry | undefined {
    return this.#eviction.first;
  }

  byAncestorRate(): IterableIterator<PoolEntry> {
    return this.#mining.inOrder();
  }

  /** All that the inputs need in the pool, without the transaction itself; undefined as soon as there are more than `limit`. */
  ancestorsOf(
    inputs: readonly { readonly prevout: OutPoint }[],
    limit = Number.POSITIVE_INFINITY,
  ): Set<PoolEntry> | undefined {
    const parents = inputs.flatMap(({ prevout }) => this.get(prevout.hash) ?? []);
    return closure(parents, (entry) => entry.parents, limit);
  }

  /** The entries and all that depends on them. */
  withDescendants(roots: Iterable<PoolEntry>): Set<PoolEntry> {
    return closure(roots, (entry) => entry.children) as Set<PoolEntry>;
  }

  withAncestors(root: PoolEntry): Set<PoolEntry> {
    return closure([root], (entry) => entry.parents) as Set<PoolEntry>;
  }

  /** None of what it spends may be spent in the pool. */
  add(entry: PoolEntry): void {
    this.entries.set(entry.key, entry);
    this.#byWtxid.set(hashKey(entry.wtxid), entry);
    for (const { prevout } of entry.tx.inputs) {
      this.#spenders.set(outPointKey(prevout), entry);
      const parent = this.get(prevout.hash);
      if (parent) link(parent, entry);
    }
    // Children can be there first: when a block that confirmed this one was disconnected.
    for (const index of entry.tx.outputs.keys()) {
      const child = this.spender({ hash: entry.txid, index });
      if (child) link(entry, child);
    }
    this.vbytes += entry.vsize;
    this.usageBytes += entry.usageBytes;
    this.totalFee += entry.fee;
    this.#relate(entry);
  }

  /** Its descendants stay. */
  remove(entry: PoolEntry): void {
    const ancestors = this.withAncestors(entry);
    const descendants = this.withDescendants([entry]);
    for (const other of descendants) if (other !== entry) this.#adjust(other, "ancestors", entry, -1);
    for (const other of ancestors) if (other !== entry) this.#adjust(other, "descendants", entry, -1);
    // Who was related through it alone is related no more.
    this.#unlink(entry);
    if (ancestors.size > 1 && descendants.size > 1) {
      for (const other of [...ancestors, ...descendants]) if (other !== entry) this.#recount(other);
    }
    this.entries.delete(entry.key);
    this.#byWtxid.delete(hashKey(entry.wtxid));
    for (const { prevout } of entry.tx.inputs) this.#spenders.delete(outPointKey(prevout));
    this.vbytes -= entry.vsize;
    this.usageBytes -= entry.usageBytes;
    this.totalFee -= entry.fee;
    this.#mining.remove(entry);
    this.#eviction.remove(entry);
  }

  /** Adds to the fee that ranks go by. */
  prioritise(entry: PoolEntry, feeDelta: number): void {
    entry.feeDelta += feeDelta;
    entry.ancestors.fees += feeDelta;
    entry.descendants.fees += feeDelta;
    this.#rank(entry);
    for (const other of this.withAncestors(entry)) if (other !== entry) this.#recount(other);
    for (const other of this.withDescendants([entry])) if (other !== entry) this.#recount(other);
  }

  /** A heap holds only while one rank at a time changes and is put right: so the totals come first, then the entry's place, then the others. */
  #relate(entry: PoolEntry): void {
    const ancestors = this.withAncestors(entry);
    Object.assign(entry.ancestors, totalOf(ancestors));
    Object.assign(entry.descendants, totalOf(this.withDescendants([entry])));
    this.#mining.add(entry);
    this.#eviction.add(entry);
    for (const other of ancestors) if (other !== entry) this.#recountOrAdd(other, entry);
    if (entry.children.size === 0) return;
    for (const other of this.withDescendants([entry])) if (other !== entry) this.#recount(other);
  }

  /** What comes last has no descendants: then it is all there is to add. */
  #recountOrAdd(ancestor: PoolEntry, entry: PoolEntry): void {
    if (entry.children.size > 0) this.#recount(ancestor);
    else this.#adjust(ancestor, "descendants", entry, 1);
  }

  #recount(entry: PoolEntry): void {
    Object.assign(entry.ancestors, totalOf(this.withAncestors(entry)));
    Object.assign(entry.descendants, totalOf(this.withDescendants([entry])));
    this.#rank(entry);
  }

  #adjust(entry: PoolEntry, side: "ancestors" | "descendants", other: PoolEntry, sign: 1 | -1): void {
    addTo(entry[side], other, sign);
    this.#rank(entry);
  }

  #rank(entry: PoolEntry): void {
    this.#mining.update(entry);
    this.#eviction.update(entry);
  }

  #unlink(entry: PoolEntry): void {
    for (const parent of entry.parents) parent.children.delete(entry);
    for (const child of entry.children) child.parents.delete(entry);
    entry.parents.clear();
    entry.children.clear();
  }
}

function link(parent: PoolEntry, child: PoolEntry): void {
  parent.children.add(child);
  child.parents.add(parent);
}

function addTo(totals: MutableRelatives, entry: PoolEntry, sign: 1 | -1): void {
  totals.count += sign;
  totals.vsize += sign * entry.vsize;
  totals.fees += sign * entry.modifiedFee;
  totals.sigopCost += sign * entry.sigopCost;
}

export function totalOf(entries: Iterable<PoolEntry>): MutableRelatives {
  const totals = { count: 0, vsize: 0, fees: 0, sigopCost: 0 };
  for (const entry of entries) addTo(totals, entry, 1);
  return totals;
}

function closure(
  roots: Iterable<PoolEntry>,
  next: (entry: PoolEntry) => Iterable<PoolEntry>,
  limit = Number.POSITIVE_INFINITY,
): Set<PoolEntry> | undefined {
  const found = new Set(roots);
  // A set hands out what is added to it while it is walked.
  for (const entry of found) {
    if (found.size > limit) return undefined;
    for (const other of next(entry)) found.add(other);
  }
  return found.size > limit ? undefined : found;
}
