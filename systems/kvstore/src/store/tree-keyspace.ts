/** The keyspace over the tree: hides what has expired, keeps the index of expiries in step with the data. Used inside a transaction, or to read. */
import { KvStoreError } from "../errors.ts";
import { type Keyspace, MAX_KEY_BYTES, type RangeQuery, type Row } from "./keyspace.ts";
import { rowsOf, type Tree } from "./tree.ts";
import { expiryIn, isExpired } from "./value.ts";

const TIME_BYTES = 6;

export class TreeKeyspace implements Keyspace {
  now = 0;
  readonly #tree: Tree;
  /** Rows in the index of expiries; while there are none, writes need not look at what they replace. */
  #expiring: number;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#expiring = countOf(tree.expiries);
  }

  get size(): number {
    return countOf(this.#tree.data);
  }

  get(key: Uint8Array): Buffer | undefined {
    const stored = this.#stored(key);
    return stored && !isExpired(stored, this.now) ? stored : undefined;
  }

  *range(query: RangeQuery): Generator<Row> {
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    const { limit: _, ...unlimited } = query;
    if (left <= 0) return;
    for (const row of rowsOf(this.#tree.data, unlimited)) {
      if (isExpired(row.stored, this.now)) continue;
      yield row;
      if (--left <= 0) return;
    }
  }

  put(key: Uint8Array, stored: Uint8Array): void {
    if (key.length > MAX_KEY_BYTES) throw new KvStoreError("corrupt", `a key is longer than ${MAX_KEY_BYTES} bytes`);
    const row = stored as Buffer;
    this.#unindex(key);
    this.#tree.data.putSync(key as Buffer, row);
    const expiresAt = expiryIn(row);
    if (expiresAt === undefined) return;
    this.#tree.expiries.putSync(indexKey(expiresAt, key), EMPTY);
    this.#expiring++;
  }

  remove(key: Uint8Array): boolean {
    const wasThere = this.get(key) !== undefined;
    this.#unindex(key);
    this.#tree.data.removeSync(key as Buffer);
    return wasThere;
  }

  clear(): void {
    this.#tree.data.clearSync();
    this.#tree.expiries.clearSync();
    this.#expiring = 0;
  }

  reap(limit: number): number {
    const due = [...rowsOf(this.#tree.expiries, { end: indexKey(this.now + 1), includeEnd: false, limit })];
    for (const { key } of due) {
      this.#tree.expiries.removeSync(key);
      this.#tree.data.removeSync(key.subarray(TIME_BYTES));
    }
    this.#expiring -= due.length;
    return due.length;
  }

  /** When the next key expires, if one does. */
  nextExpiry(): number | undefined {
    if (this.#expiring === 0) return undefined;
    for (const { key } of rowsOf(this.#tree.expiries, { limit: 1 })) return key.readUIntBE(0, TIME_BYTES);
    return undefined;
  }

  get expiring(): number {
    return this.#expiring;
  }

  /** Counts again, after a transaction failed. */
  recount(): void {
    this.#expiring = countOf(this.#tree.expiries);
  }

  #stored(key: Uint8Array): Buffer | undefined {
    return key.length > MAX_KEY_BYTES ? undefined : this.#tree.data.getBinary(key as Buffer);
  }

  #unindex(key: Uint8Array): void {
    if (this.#expiring === 0) return;
    const old = this.#stored(key);
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
