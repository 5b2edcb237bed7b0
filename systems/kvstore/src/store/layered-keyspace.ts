/** The keyspace that operations and reads see: the changes in memory over the tree, without what has expired. */
import { KvStoreError } from "../errors.ts";
import { type Keyspace, MAX_KEY_BYTES, type RangeQuery, type Row } from "./keyspace.ts";
import type { Change, Overlay } from "./overlay.ts";
import type { Expiring, TreeKeyspace } from "./tree-keyspace.ts";
import { expiryIn, isExpired, MAX_TIME_MS } from "./value.ts";

export class LayeredKeyspace implements Keyspace {
  now = 0;
  readonly #overlay: Overlay;
  readonly #tree: TreeKeyspace;

  constructor(overlay: Overlay, tree: TreeKeyspace) {
    this.#overlay = overlay;
    this.#tree = tree;
  }

  get size(): number {
    let size = this.#overlay.hidesTree ? 0 : this.#tree.size;
    for (const change of this.#overlay.changes())
      size += (change.stored ? 1 : 0) - (this.#before(change) === "absent" ? 0 : 1);
    return size;
  }

  /** Keys with an expiry. */
  get expiring(): number {
    if (this.#overlay.hidesTree || this.#tree.expiring === 0) return this.#overlay.expiring;
    let count = this.#tree.expiring + this.#overlay.expiring;
    for (const change of this.#overlay.changes()) {
      const before = this.#before(change);
      if (before !== "absent" && before.expiresAt !== undefined) count--;
    }
    return count;
  }

  get(key: Uint8Array): Buffer | undefined {
    const change = this.#overlay.find(key);
    const stored = change ? change.stored : this.#underneath(key);
    return stored && !isExpired(stored, this.now) ? stored : undefined;
  }

  *range({ limit, ...span }: RangeQuery): Generator<Row> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    for (const { key, stored } of this.#merged(span)) {
      if (!stored || isExpired(stored, this.now)) continue;
      yield { key, stored };
      if (--left <= 0) return;
    }
  }

  put(key: Uint8Array, stored: Uint8Array): void {
    if (key.length > MAX_KEY_BYTES) throw new KvStoreError("corrupt", `a key is longer than ${MAX_KEY_BYTES} bytes`);
    this.#overlay.set(key, stored as Buffer);
  }

  remove(key: Uint8Array): boolean {
    const wasThere = this.get(key) !== undefined;
    if (key.length <= MAX_KEY_BYTES) this.#overlay.set(key, undefined);
    return wasThere;
  }

  clear(): void {
    this.#overlay.clear();
  }

  /** The same keys on every replica, wherever each replica holds them. */
  reap(limit: number): number {
    const due: Buffer[] = [];
    for (const { key } of this.#expiringBefore(this.now + 1)) {
      if (due.length >= limit) break;
      due.push(key);
    }
    for (const key of due) this.#overlay.set(key, undefined);
    return due.length;
  }

  /** When the next key expires, if one does. */
  nextExpiry(): number | undefined {
    for (const { expiresAt } of this.#expiringBefore(MAX_TIME_MS)) return expiresAt;
    return undefined;
  }

  #underneath(key: Uint8Array): Buffer | undefined {
    return this.#overlay.hidesTree || key.length > MAX_KEY_BYTES ? undefined : this.#tree.get(key);
  }

  #before(change: Change): NonNullable<Change["before"]> {
    if (change.before === undefined) {
      const stored = this.#underneath(change.key);
      change.before = stored ? { expiresAt: expiryIn(stored) } : "absent";
    }
    return change.before;
  }

  /** Rows of both in key order, a change in place of the row that it replaces. */
  *#merged(span: RangeQuery): Generator<{ readonly key: Buffer; readonly stored: Buffer | undefined }> {
    const changes = this.#overlay.within(span);
    let change = changes.next().value;
    for (const row of this.#overlay.hidesTree ? [] : this.#tree.rows(span)) {
      for (; change && Buffer.compare(change.key, row.key) < 0; change = changes.next().value) yield change;
      // A changed row is there already, or comes next from the changes.
      if (!change || Buffer.compare(change.key, row.key) !== 0) yield row;
    }
    for (; change; change = changes.next().value) yield change;
  }

  /** Keys of both with an expiry before `time`, the earliest first, ties in key order. */
  *#expiringBefore(time: number): Generator<Expiring> {
    const changed = this.#overlay.expiringBefore(time).values();
    let next = changed.next().value;
    for (const row of this.#overlay.hidesTree ? [] : this.#tree.expiringBefore(time)) {
      if (this.#overlay.find(row.key)) continue;
      for (; next && isBefore(next, row); next = changed.next().value) yield next;
      yield row;
    }
    for (; next; next = changed.next().value) yield next;
  }
}

const isBefore = (a: Expiring, b: Expiring): boolean =>
  a.expiresAt < b.expiresAt || (a.expiresAt === b.expiresAt && Buffer.compare(a.key, b.key) < 0);
