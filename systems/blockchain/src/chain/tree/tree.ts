/**
 * All headers that this node knows, and which of them could become the tip. Only memory: what it decides the chain writes down.
 *
 * Bounds. A header costs its sender a proof of work, on regtest none, and this node some 250 bytes. Headers off the active branch are
 * counted. Beyond `maxSideHeaders`, branches of mere headers are forgotten to make room: first those with less work than the tip, then any
 * but the best and the one that grows. What is forgotten can be asked for again, so that a flood costs an honest branch time but never
 * its place. The best branch may be `maxHeadersAhead` ahead of its blocks.
 */
import { type Entry, isBetter } from "./entry.ts";

export class HeaderTree {
  readonly genesis: Entry;
  readonly #entries = new Map<string, Entry>();
  /** Entries without children: the ends of all branches. */
  readonly #leaves = new Set<Entry>();
  /** Whole branches here, none of it invalid, and no worse than the tip: among them is the next tip. */
  readonly #candidates = new Set<Entry>();
  /** Blocks that are here before their parents, by parent. */
  readonly #waiting = new Map<Entry, Entry[]>();
  readonly #active: Entry[] = [];
  #best: Entry;
  #arrivals = 0;

  constructor(genesis: Entry) {
    this.genesis = genesis;
    this.#best = genesis;
    this.#insert(genesis);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries neither of the active branch nor on the way from it to the best header. */
  get sideCount(): number {
    return this.size - this.#active.length - (this.best.height - this.fork(this.best).height);
  }

  get tip(): Entry {
    return this.#active.at(-1) ?? this.genesis;
  }

  /** The most work among headers not known invalid; the tip if that has as much. */
  get best(): Entry {
    return this.#best;
  }

  get leaves(): ReadonlySet<Entry> {
    return this.#leaves;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  at(height: number): Entry | undefined {
    return this.#active[height];
  }

  isActive(entry: Entry): boolean {
    return this.#active[entry.height] === entry;
  }

  /** The last entry of the active branch that `entry` descends from. */
  fork(entry: Entry): Entry {
    let at = entry.ancestor(Math.min(entry.height, this.tip.height)) as Entry;
    if (this.isActive(at)) return at;
    let [low, high] = [0, at.height];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const between = at.ancestor(middle) as Entry;
      if (this.isActive(between)) low = middle;
      else [at, high] = [between, middle - 1];
    }
    return this.#active[low] as Entry;
  }

  /** The entry's parent must be in the tree. */
  add(entry: Entry): void {
    this.#insert(entry);
    if (!entry.isInvalid && entry.work > this.#best.work) this.#best = entry;
  }

  /** The entry's block is stored. Its whole branch may be here now, and so those of blocks that waited for it. */
  blockStored(entry: Entry, transactionCount: number): void {
    entry.hasBlock = true;
    entry.transactionCount = transactionCount;
    const isLinked = entry.parent === undefined || entry.parent.chainTransactionCount > 0;
    if (isLinked) this.#link(entry);
    else this.#waiting.set(entry.parent as Entry, [...(this.#waiting.get(entry.parent as Entry) ?? []), entry]);
  }

  /** Moves the tip to a child of it, or to its parent. */
  setTip(entry: Entry): void {
    if (entry.height === this.#active.length) this.#active.push(entry);
    else this.#active.length = entry.height + 1;
    if (entry.work >= this.#best.work || this.#best.isInvalid) this.#best = entry;
    // On the way down from an invalid tip the goal may have less work than where the tip is for the moment.
    if (entry.isInvalid) return;
    for (const other of this.#candidates) if (isWorse(other, entry)) this.#candidates.delete(other);
  }

  /** The whole active branch at once, from genesis; for loading. */
  setActive(tip: Entry): void {
    this.#active.length = 0;
    for (let at: Entry | undefined = tip; at; at = at.parent) this.#active[at.height] = at;
    tip.arrival = 0;
    this.rebuild();
  }

  /** The block to move to: the best candidate if it beats the tip. */
  goal(): Entry {
    let goal = this.tip;
    for (const entry of this.#candidates) if (goal.isInvalid || isBetter(entry, goal)) goal = entry;
    return goal;
  }

  /** Marks the entry and all its descendants. */
  fail(entry: Entry): void {
    entry.isFailed = true;
    this.#mark(entry, () => true);
  }

  /** Takes back what `fail` said of the entry, its ancestors and its descendants. Returns those that had failed themselves. */
  reconsider(entry: Entry): Entry[] {
    const freed = new Set<Entry>();
    for (let at: Entry | undefined = entry; at?.isInvalid; at = at.parent) if (at.isFailed) freed.add(at);
    for (const other of this.#entries.values()) {
      if (other.isFailed && other.height > entry.height && other.ancestor(entry.height) === entry) freed.add(other);
    }
    for (const other of freed) other.isFailed = false;
    const lowest = [...freed].reduce((low, other) => (other.height < low.height ? other : low), entry);
    this.#mark(lowest, (other) => other.isFailed || (other.parent?.isInvalid ?? false));
    return [...freed];
  }

  /** Forgets branches of mere headers, but not the best nor `kept`: those with less work than the tip, or all. Returns what it forgot. */
  forget(which: "weak" | "all", kept: Entry): Entry[] {
    const isKept = (at: Entry): boolean =>
      at.hasBlock ||
      at.childCount > 0 ||
      at === kept ||
      at === this.#best ||
      (which === "weak" && !isWorse(at, this.tip));
    const forgotten: Entry[] = [];
    for (const leaf of [...this.#leaves]) {
      for (let at = leaf; !isKept(at); at = at.parent as Entry) {
        this.#remove(at);
        forgotten.push(at);
      }
    }
    return forgotten;
  }

  /** Finds best header and candidates anew from the ends of all branches. */
  rebuild(): void {
    this.#candidates.clear();
    this.#best = this.tip.isInvalid ? this.genesis : this.tip;
    for (const leaf of this.#leaves) {
      let at: Entry | undefined = leaf;
      while (at?.isInvalid) at = at.parent;
      if (at && at.work > this.#best.work) this.#best = at;
      while (at && at.chainTransactionCount === 0) at = at.parent;
      if (at && (this.tip.isInvalid || at === this.tip || !isWorse(at, this.tip))) this.#candidates.add(at);
    }
  }

  /** The entry's descendants from the highest branch down, each once, with what `isInvalid` says: parents come first. */
  #mark(root: Entry, isInvalid: (entry: Entry) => boolean): void {
    const seen = new Set<Entry>();
    for (const leaf of this.#leaves) {
      if (leaf.height < root.height || leaf.ancestor(root.height) !== root) continue;
      const line: Entry[] = [];
      for (let at = leaf; !seen.has(at); at = at.parent as Entry) {
        seen.add(at);
        line.push(at);
        if (at === root) break;
      }
      for (const entry of line.reverse()) entry.isInvalid = isInvalid(entry);
    }
    this.rebuild();
  }

  #link(first: Entry): void {
    for (const queue = [first]; queue.length > 0; ) {
      const entry = queue.pop() as Entry;
      entry.chainTransactionCount = (entry.parent?.chainTransactionCount ?? 0) + entry.transactionCount;
      entry.arrival = ++this.#arrivals;
      if (!entry.isInvalid && !isWorse(entry, this.tip)) this.#candidates.add(entry);
      const waiting = this.#waiting.get(entry);
      this.#waiting.delete(entry);
      for (const child of waiting?.reverse() ?? []) queue.push(child);
    }
  }

  #insert(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#leaves.add(entry);
    if (!entry.parent) return;
    this.#leaves.delete(entry.parent);
    entry.parent.childCount++;
  }

  #remove(leaf: Entry): void {
    this.#entries.delete(leaf.key);
    this.#leaves.delete(leaf);
    const parent = leaf.parent as Entry;
    if (--parent.childCount === 0) this.#leaves.add(parent);
  }
}

const isWorse = (a: Entry, b: Entry): boolean => a.work < b.work;
