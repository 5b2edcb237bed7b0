/** Changes that are applied but not yet in the tree, in memory. A later change of a key replaces the earlier one. */
import { Changes } from "./changes.ts";
import { Due } from "./due.ts";
import type { RangeQuery } from "./keyspace.ts";
import type { Expiring, Presence } from "./layer.ts";
import { expiryIn } from "./value.ts";

export interface Change {
  readonly key: Buffer;
  /** What the key holds now; undefined: it was removed. */
  readonly stored: Buffer | undefined;
}

/** What a change costs beyond its bytes, about. */
const CHANGE_BYTES = 120;

export class Overlay {
  #changes = new Changes();
  /** Where the newest change of a key is, by the key as text. */
  #places = new Map<string, number>();
  /** What keys were beneath, as far as somebody asked. */
  #before = new Map<string, Presence>();
  #due: Due = this.#dueOfChanges();
  /** Ids in order, as of the last time they were asked for. */
  #sorted: string[] = [];
  #expiring = 0;
  #hidesBeneath = false;

  get count(): number {
    return this.#places.size;
  }

  /** What the changes take in memory, about, replaced ones included. */
  get sizeBytes(): number {
    return this.#changes.sizeBytes + CHANGE_BYTES * this.#places.size;
  }

  /** Whether nothing is different from what lies beneath. */
  get isEmpty(): boolean {
    return this.#places.size === 0 && !this.#hidesBeneath;
  }

  /** Whether everything beneath counts as removed. */
  get hidesBeneath(): boolean {
    return this.#hidesBeneath;
  }

  /** Changed keys that have an expiry. */
  get expiring(): number {
    return this.#expiring;
  }

  /** How many keys there are now: changed ones, those not removed. `peek` tells what was beneath. */
  balance(peek: (key: Uint8Array) => Presence): { readonly size: number; readonly expiring: number } {
    let [size, expiring] = [0, this.#expiring];
    for (const [id, place] of this.#places) {
      const before = this.#beforeOf(id, peek);
      if (this.#changes.isPresentAt(place)) size++;
      if (before === "absent") continue;
      size--;
      if (before.expiresAt !== undefined) expiring--;
    }
    return { size, expiring };
  }

  /** All changes, as the thread that writes to the tree takes them. */
  copy(): Uint8Array<ArrayBuffer>[] {
    return this.#changes.copy();
  }

  find(key: Uint8Array): { readonly stored: Buffer | undefined } | undefined {
    if (this.#places.size === 0) return undefined;
    const place = this.#places.get(idOf(key));
    return place === undefined ? undefined : { stored: this.#changes.storedAt(place) };
  }

  set(key: Uint8Array, stored: Uint8Array | undefined): void {
    const id = idOf(key);
    const old = this.#places.get(id);
    if (old !== undefined && this.#expiring > 0 && expiryOf(this.#changes.storedAt(old)) !== undefined)
      this.#expiring--;
    this.#places.set(id, this.#changes.add(key, stored));
    const expiresAt = expiryOf(stored);
    if (expiresAt === undefined) return;
    this.#expiring++;
    this.#due.add({ id, expiresAt }, this.#expiring);
  }

  /** Removes everything, what lies beneath too. */
  clear(): void {
    this.#changes = new Changes();
    this.#places = new Map();
    this.#before = new Map();
    this.#due = this.#dueOfChanges();
    this.#sorted = [];
    this.#expiring = 0;
    this.#hidesBeneath = true;
  }

  /** Changes in the order of their keys. */
  *within({ start, afterStart, end, includeEnd = true }: RangeQuery = {}): Generator<Change> {
    const [first, last] = [start && idOf(start), end && idOf(end)];
    const ids = this.#inOrder();
    for (let at = first === undefined ? 0 : lowerBound(ids, first); at < ids.length; at++) {
      const id = ids[at] as string;
      if (last !== undefined && (includeEnd ? id > last : id >= last)) return;
      if (!(afterStart && id === first)) yield { key: keyOf(id), stored: this.#storedOf(id) };
    }
  }

  /** Keys whose expiry comes before `time`, the earliest first, ties in key order. */
  *expiringBefore(time: number): Generator<Expiring> {
    for (const { id, expiresAt } of this.#due.before(time)) yield { key: keyOf(id), expiresAt };
  }

  #storedOf(id: string): Buffer | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#changes.storedAt(place);
  }

  #beforeOf(id: string, peek: (key: Uint8Array) => Presence): Presence {
    if (this.#hidesBeneath) return "absent";
    let before = this.#before.get(id);
    if (before === undefined) {
      before = peek(keyOf(id));
      this.#before.set(id, before);
    }
    return before;
  }

  #dueOfChanges(): Due {
    return new Due((id, expiresAt) => expiryOf(this.#storedOf(id)) === expiresAt);
  }

  /** Latin-1 strings sort as their bytes do. None ever goes, and what was in order before is one run for the sort, which then merges. */
  #inOrder(): readonly string[] {
    const known = this.#sorted.length;
    if (known < this.#places.size) this.#sorted = [...this.#sorted, ...[...this.#places.keys()].slice(known)].sort();
    return this.#sorted;
  }
}

const expiryOf = (stored: Uint8Array | undefined): number | undefined => stored && expiryIn(stored as Buffer);

const keyOf = (id: string): Buffer => Buffer.from(id, "latin1");

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
