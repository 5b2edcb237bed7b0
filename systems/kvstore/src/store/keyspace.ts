/** What operations and read commands see of the data: ordered keys, stored values, at one moment. */

/** Longest key in bytes. LMDB's pages of 4 KiB take 1978; the rest is room for index prefixes. */
export const MAX_KEY_BYTES = 1900;

export interface RangeQuery {
  readonly start?: Uint8Array;
  /** With `start`: begin behind it. */
  readonly afterStart?: boolean;
  readonly end?: Uint8Array;
  /** Whether a key equal to `end` belongs to the range; default true. */
  readonly includeEnd?: boolean;
  readonly limit?: number;
}

/** A row as it is stored; `stored` is the form of value.ts. */
export interface Row {
  readonly key: Buffer;
  readonly stored: Buffer;
}

/** Invariant: a key whose expiry has come is not there, whether or not it was removed yet (`size` may still count it). */
export interface ReadableKeyspace {
  /** Milliseconds since 1970 at which expiry is judged. */
  readonly now: number;
  /** Keys stored. */
  readonly size: number;
  get(key: Uint8Array): Buffer | undefined;
  range(query: RangeQuery): Iterable<Row>;
}

export interface Keyspace extends ReadableKeyspace {
  put(key: Uint8Array, stored: Uint8Array): void;
  /** Whether the key was there. */
  remove(key: Uint8Array): boolean;
  clear(): void;
  /** Removes at most `limit` keys whose expiry has come; returns how many. */
  reap(limit: number): number;
}
