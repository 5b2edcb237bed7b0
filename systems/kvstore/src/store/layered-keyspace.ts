/** The keyspace that operations and reads see: the newest layer of changes and all beneath it, without what has expired. */
import { KvStoreError } from "../errors.ts";
import { type Keyspace, MAX_KEY_BYTES, type RangeQuery, type Row } from "./keyspace.ts";
import type { Layer } from "./layer.ts";
import type { TreeKeyspace } from "./tree-keyspace.ts";
import { isExpired, MAX_TIME_MS } from "./value.ts";

export class LayeredKeyspace implements Keyspace {
  now = 0;
  readonly #layer: Layer;
  readonly #tree: Pick<TreeKeyspace, "forget" | "forgetAll">;

  /** What the tree keeps in memory of a row is dropped when the row changes in a layer, which hides it until the tree has the change. */
  constructor(layer: Layer, tree: Pick<TreeKeyspace, "forget" | "forgetAll">) {
    this.#layer = layer;
    this.#tree = tree;
  }

  get size(): number {
    return this.#layer.size;
  }

  /** Keys with an expiry. */
  get expiring(): number {
    return this.#layer.expiring;
  }

  get(key: Uint8Array): Buffer | undefined {
    if (key.length > MAX_KEY_BYTES) return undefined;
    const stored = this.#layer.get(key);
    return stored && !isExpired(stored, this.now) ? stored : undefined;
  }

  *range({ limit, ...span }: RangeQuery): Generator<Row> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    for (const row of this.#layer.rows(span)) {
      if (isExpired(row.stored, this.now)) continue;
      yield row;
      if (--left <= 0) return;
    }
  }

  put(key: Uint8Array, stored: Uint8Array): void {
    if (key.length > MAX_KEY_BYTES) throw new KvStoreError("corrupt", `a key is longer than ${MAX_KEY_BYTES} bytes`);
    this.#set(key, stored);
  }

  remove(key: Uint8Array): boolean {
    const wasThere = this.get(key) !== undefined;
    if (key.length <= MAX_KEY_BYTES) this.#set(key, undefined);
    return wasThere;
  }

  clear(): void {
    this.#tree.forgetAll();
    this.#layer.overlay.clear();
  }

  /** The same keys on every replica, wherever each replica holds them. */
  reap(limit: number): number {
    const due: Buffer[] = [];
    for (const { key } of this.#layer.expiringBefore(this.now + 1)) {
      if (due.length >= limit) break;
      due.push(key);
    }
    for (const key of due) this.#set(key, undefined);
    return due.length;
  }

  /** When the next key expires, if one does. */
  nextExpiry(): number | undefined {
    for (const { expiresAt } of this.#layer.expiringBefore(MAX_TIME_MS)) return expiresAt;
    return undefined;
  }

  #set(key: Uint8Array, stored: Uint8Array | undefined): void {
    this.#tree.forget(key);
    this.#layer.overlay.set(key, stored);
  }
}
