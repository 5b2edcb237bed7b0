/** Changes that are applied but not yet in the tree: small, in memory, in front of it. A later change of a key replaces the earlier one. */
import type { RangeQuery } from "./keyspace.ts";
import type { Expiring } from "./tree-keyspace.ts";
import { expiryIn } from "./value.ts";

export interface Change {
  readonly key: Buffer;
  /** What the key holds now; undefined: it was removed. */
  readonly stored: Buffer | undefined;
  /** What the tree holds of it, once somebody asked: "absent", or its expiry. */
  before: "absent" | { readonly expiresAt: number | undefined } | undefined;
}

/** What a change costs beyond its bytes, about. */
const CHANGE_BYTES = 200;

export class Overlay {
  #changes = new Map<string, Change>();
  #sorted: readonly string[] | undefined;
  #expiring = 0;
  #sizeBytes = 0;
  #hidesTree = false;

  get count(): number {
    return this.#changes.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether nothing is different from the tree. */
  get isEmpty(): boolean {
    return this.#changes.size === 0 && !this.#hidesTree;
  }

  /** Whether everything in the tree counts as removed. */
  get hidesTree(): boolean {
    return this.#hidesTree;
  }

  /** Changed keys that have an expiry. */
  get expiring(): number {
    return this.#expiring;
  }

  changes(): Iterable<Change> {
    return this.#changes.values();
  }

  find(key: Uint8Array): Change | undefined {
    return this.#changes.size === 0 ? undefined : this.#changes.get(idOf(key));
  }

  set(key: Uint8Array, stored: Buffer | undefined): void {
    const id = idOf(key);
    const old = this.#changes.get(id);
    if (old) this.#count(old, -1);
    else this.#sorted = undefined;
    const change = { key: old?.key ?? (key as Buffer), stored, before: old?.before };
    this.#changes.set(id, change);
    this.#count(change, 1);
  }

  /** Removes everything, in the tree too. */
  clear(): void {
    this.reset();
    this.#hidesTree = true;
  }

  /** Forgets all changes: the tree has them now, or they are not wanted. */
  reset(): void {
    this.#changes = new Map();
    this.#sorted = undefined;
    this.#expiring = 0;
    this.#sizeBytes = 0;
    this.#hidesTree = false;
  }

  /** Changes in the order of their keys. */
  *within({ start, afterStart, end, includeEnd = true }: RangeQuery = {}): Generator<Change> {
    const [first, last] = [start && idOf(start), end && idOf(end)];
    const ids = this.#inOrder();
    for (let at = first === undefined ? 0 : lowerBound(ids, first); at < ids.length; at++) {
      const id = ids[at] as string;
      if (last !== undefined && (includeEnd ? id > last : id >= last)) return;
      if (!(afterStart && id === first)) yield this.#changes.get(id) as Change;
    }
  }

  /** Keys whose expiry comes before `time`, the earliest first, ties in key order. */
  expiringBefore(time: number): Expiring[] {
    if (this.#expiring === 0) return [];
    const due: Expiring[] = [];
    for (const { key, stored } of this.within()) {
      const expiresAt = stored && expiryIn(stored);
      if (expiresAt !== undefined && expiresAt < time) due.push({ key, expiresAt });
    }
    return due.sort((a, b) => a.expiresAt - b.expiresAt);
  }

  #count({ key, stored }: Change, sign: 1 | -1): void {
    this.#sizeBytes += sign * (CHANGE_BYTES + key.length + (stored?.length ?? 0));
    if (stored && expiryIn(stored) !== undefined) this.#expiring += sign;
  }

  /** Latin-1 strings sort as their bytes do. */
  #inOrder(): readonly string[] {
    this.#sorted ??= [...this.#changes.keys()].sort();
    return this.#sorted;
  }
}

const idOf = (key: Uint8Array): string => (key as Buffer).toString("latin1");

function lowerBound(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] as string) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
