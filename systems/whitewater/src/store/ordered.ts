/**
 * Keys in order: runs of at most `runLength` sorted entries in a sorted array of runs. Finding is two binary searches; inserting moves part of one short
 * array, which for any number of keys that fits in memory is faster than the pointers of a balanced tree, and walking is an array's speed.
 */
import type { KeyEntry } from "./version.ts";

const runLength = 512;

export class OrderedKeys {
  private runs: KeyEntry[][] = [];

  /** The key must not be there yet. */
  insert(entry: KeyEntry): void {
    const at = Math.max(0, this.runOf(entry.key));
    const run = this.runs[at];
    if (run === undefined) {
      this.runs.push([entry]);
      return;
    }
    run.splice(firstAtLeast(run, entry.key), 0, entry);
    if (run.length > runLength) this.split(at, run);
  }

  remove(key: string): void {
    const at = this.runOf(key);
    const run = this.runs[at];
    if (run === undefined) return;
    const place = firstAtLeast(run, key);
    if (run[place]?.key !== key) return;
    run.splice(place, 1);
    if (run.length === 0) this.runs.splice(at, 1);
  }

  /** Calls `visit` for each key from `from` on that is below `end` (undefined: no end), in order, until it answers false. */
  walk(from: string, end: string | undefined, visit: (entry: KeyEntry) => boolean): void {
    let at = Math.max(0, this.runOf(from));
    let place = firstAtLeast(this.runs[at] ?? [], from);
    for (; at < this.runs.length; at++, place = 0) {
      const run = this.runs[at]!;
      for (; place < run.length; place++) {
        const entry = run[place]!;
        if (end !== undefined && entry.key >= end) return;
        if (!visit(entry)) return;
      }
    }
  }

  /** The last run that begins at or before `key`; -1 when all begin after it. */
  private runOf(key: string): number {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.runs[middle]![0]!.key <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Keys that come in order leave full runs behind; others are halved. */
  private split(at: number, run: KeyEntry[]): void {
    const isLast = at === this.runs.length - 1;
    this.runs.splice(at + 1, 0, run.splice(isLast ? runLength - 1 : runLength >>> 1));
  }
}

function firstAtLeast(run: readonly KeyEntry[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (run[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
