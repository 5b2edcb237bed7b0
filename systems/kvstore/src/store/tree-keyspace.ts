/** The tree with its index of expiries kept in step. Changed inside a transaction only. */
import type { RangeQuery, Row } from "./keyspace.ts";
import type { Beneath, Expiring, Presence } from "./layer.ts";
import { RowCache } from "./row-cache.ts";
import { rowsOf, type Tree } from "./tree.ts";
import { expiryIn } from "./value.ts";

const TIME_BYTES = 6;
const CACHE_BYTES = 16 * 1024 * 1024;

export class TreeKeyspace implements Beneath {
  readonly #tree: Tree;
  /** Invariant: what it holds is in the tree, or hidden by a layer above. Filled by `get` outside of transactions only, so one that fails leaves nothing wrong. */
  readonly #cache = new RowCache(CACHE_BYTES);
  readonly #read = (key: Uint8Array): Buffer | undefined => this.#tree.get(key);
  /** Rows in the index of expiries; while there are none, writes need not look at what they replace. */
  #expiring: number;
  /** Rows of the data, as of the last `renew`. */
  #size: number;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#expiring = countOf(tree.expiries);
    this.#size = countOf(tree.data);
  }

  get size(): number {
    return this.#size;
  }

  get expiring(): number {
    return this.#expiring;
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#cache.get(key, this.#read);
  }

  peek(key: Uint8Array): Presence {
    const stored = this.#tree.get(key);
    return stored ? { expiresAt: expiryIn(stored) } : "absent";
  }

  rows(query: RangeQuery): Iterable<Row> {
    return this.#tree.rows(query);
  }

  put(key: Uint8Array, stored: Buffer): void {
    this.#cache.drop(key);
    this.#unindex(key);
    this.#tree.put(key, stored);
    const expiresAt = expiryIn(stored);
    if (expiresAt === undefined) return;
    this.#tree.expiries.putSync(indexKey(expiresAt, key), EMPTY);
    this.#expiring++;
  }

  remove(key: Uint8Array): void {
    this.#cache.drop(key);
    this.#unindex(key);
    this.#tree.data.removeSync(key as Buffer);
  }

  clear(): void {
    this.#cache.clear();
    this.#tree.data.clearSync();
    this.#tree.expiries.clearSync();
    this.#expiring = 0;
  }

  /** Keys whose expiry comes before `time`, the earliest first, ties in key order. */
  *expiringBefore(time: number): Generator<Expiring> {
    if (this.#expiring === 0) return;
    const until = { end: indexKey(time), includeEnd: false };
    for (const { key } of rowsOf(this.#tree.expiries, until, this.#tree.view))
      yield { key: key.subarray(TIME_BYTES), expiresAt: key.readUIntBE(0, TIME_BYTES) };
  }

  /** Another thread will change the row; from the call on until `renew`, a layer above hides it. */
  forget(key: Uint8Array): void {
    this.#cache.drop(key);
  }

  /** As `forget`, for all rows. */
  forgetAll(): void {
    this.#cache.clear();
  }

  /** Counts again, after a transaction of this thread failed. */
  recount(): void {
    this.#expiring = countOf(this.#tree.expiries);
    this.#size = countOf(this.#tree.data);
  }

  /** Reads see from now on what was written, by this thread or another. To be called after each transaction, failed ones included. */
  renew(): void {
    this.#tree.renew();
    this.recount();
  }

  #unindex(key: Uint8Array): void {
    if (this.#expiring === 0) return;
    const old = this.#tree.get(key);
    const expiresAt = old && expiryIn(old);
    if (expiresAt === undefined) return;
    this.#tree.expiries.removeSync(indexKey(expiresAt, key));
    this.#expiring--;
  }
}

const EMPTY = Buffer.alloc(0);

const countOf = (table: Tree["data"]): number => (table.getStats() as { entryCount: number }).entryCount;

function indexKey(timeMs: number, key: Uint8Array = EMPTY): Buffer {
  const bytes = Buffer.allocUnsafe(TIME_BYTES + key.length);
  bytes.writeUIntBE(timeMs, 0, TIME_BYTES);
  bytes.set(key, TIME_BYTES);
  return bytes;
}
