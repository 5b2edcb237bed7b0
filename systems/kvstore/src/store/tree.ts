/**
 * The ordered map on disk: LMDB, in one file. Three tables: the data, an index of expiries (time, key), and a few facts about both.
 *
 * Durability. A transaction returns once it is on disk. Killing the process leaves the file at a whole transaction, and so does a power failure (LMDB's
 * overlapping sync keeps the pages of the newest transaction that is on disk until a newer one is); the log, which holds everything since the last `flush`,
 * then brings it forward. Waiting for the disk is why transactions of size belong into the thread of tree-writer.ts.
 */
import { type Database, open, type RootDatabase } from "lmdb";
import { corrupt } from "./datafile.ts";
import { asDiskError } from "./disk.ts";
import type { RangeQuery, Row } from "./keyspace.ts";
import { sealed, unsealed } from "./seal.ts";

type Table = Database<Buffer, Buffer>;
export interface ReadableTable {
  getBinary(key: Buffer): Buffer | undefined;
}
type ReadTransaction = ReturnType<Table["useReadTransaction"]>;
interface View {
  readonly transaction: ReadTransaction;
}
/** What `getBinary` takes, which its type forgets. */
type Read = (this: Table, key: Uint8Array, view?: View) => Buffer | undefined;

/** LMDB's flag: return from a transaction before its pages are on disk. */
const NO_SYNC_FLUSH = 0x10000;
/** ... and take back what a failed transaction wrote. */
const ABORTABLE = 1;
/** Every key starts with this byte: LMDB has no empty keys, Redis does. */
const KEY_PREFIX = 1;

const keyEncoder = {
  writeKey(key: Uint8Array, target: Uint8Array, start: number): number {
    target[start] = KEY_PREFIX;
    target.set(key, start + 1);
    return start + 1 + key.length;
  },
  readKey: (source: Uint8Array, start: number, end: number): Buffer => Buffer.from(source.subarray(start + 1, end)),
};

const TABLE_OPTIONS = { encoding: "binary", cache: false, keyEncoder } as const;

export interface Tree {
  /** Runs the change in one transaction: all of it or, when it throws, nothing. */
  transact<T>(change: () => T): T;
  /** Rows of the data are sealed; read them by `get` and `rows`, write them by `put`. */
  readonly data: Table;
  get(key: Uint8Array): Buffer | undefined;
  rows(query: RangeQuery): Iterable<Row>;
  put(key: Uint8Array, stored: Uint8Array): void;
  readonly expiries: Table;
  readonly facts: Table;
  /** What `get` and `rows` read from outside of transactions, once `renew` was called. */
  readonly view: ReadTransaction | undefined;
  /** From now on, reads see the tree as it is now, until this is called again or this thread has written, whatever other threads write meanwhile. */
  renew(): void;
  /** A view that stays as it is now while writes go on; release it soon, since it keeps old pages from being reused. */
  freeze(): { readonly facts: ReadableTable; rows(query?: RangeQuery): Iterable<Row>; release(): void };
  /** Resolves when everything committed is on disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const read = (table: Table, key: Uint8Array, view?: View): Buffer | undefined =>
  (table.getBinary as unknown as Read).call(table, key, view);

export function openTree(dir: string): Tree {
  const env: RootDatabase<Buffer, Buffer> = open({
    ...TABLE_OPTIONS,
    path: dir,
    noSubdir: false,
    maxDbs: 4,
    maxReaders: 64,
  });
  const table = (name: string): Table => env.openDB({ ...TABLE_OPTIONS, name });
  const [data, expiries, facts] = [table("data"), table("expiries"), table("facts")];
  const opened = (key: Uint8Array, row: Buffer): Buffer => {
    const stored = unsealed(key, row);
    if (!stored) throw corrupt(dir, `the row of a key of ${key.length} bytes has a wrong checksum`);
    return stored;
  };
  function* unsealedRows(query: RangeQuery, transaction?: ReadTransaction): Generator<Row> {
    for (const { key, stored } of rowsOf(data, query, transaction)) yield { key, stored: opened(key, stored) };
  }
  let view: View | undefined;
  const renew = (): void => {
    view?.transaction.done();
    env.resetReadTxn();
    view = { transaction: data.useReadTransaction() };
  };
  return {
    data,
    get: (key) => {
      const row = read(data, key, view);
      return row && opened(key, row);
    },
    rows: (query) => unsealedRows(query, view?.transaction),
    put: (key, stored) => void data.putSync(key as Buffer, sealed(key, stored)),
    expiries,
    facts,
    get view() {
      return view?.transaction;
    },
    renew,
    transact: (change) => {
      try {
        return data.transactionSync(change, (NO_SYNC_FLUSH | ABORTABLE) as never);
      } catch (error) {
        throw asDiskError(error, dir);
      } finally {
        if (view) renew();
      }
    },
    freeze: () => {
      const transaction = data.useReadTransaction();
      return {
        rows: (query = {}) => unsealedRows(query, transaction),
        facts: { getBinary: (name) => read(facts, name, { transaction }) },
        release: () => transaction.done(),
      };
    },
    flush: async () => {
      await env.flushed;
    },
    close: () => {
      view?.transaction.done();
      return env.close();
    },
  };
}

/** Rows in the order of their keys' bytes. */
export function* rowsOf(table: Table, query: RangeQuery, transaction?: ReadTransaction): Generator<Row> {
  for (const { key, value } of table.getRange({
    start: (query.start as Buffer | undefined) ?? Buffer.alloc(0),
    exclusiveStart: query.afterStart ?? false,
    ...(query.end && { end: query.end as Buffer, inclusiveEnd: query.includeEnd ?? true }),
    ...(query.limit !== undefined && { limit: query.limit }),
    ...(transaction && { transaction }),
  }))
    yield { key, stored: value };
}
