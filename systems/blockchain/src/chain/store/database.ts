/** LevelDB as the chain uses it: bytes to bytes, batches that are all or nothing. A seam for tests that make it fail. */
import { mkdir, statfs } from "node:fs/promises";
import { ClassicLevel } from "classic-level";
import { asDatabaseError } from "../errors.ts";

export type Operation =
  | { readonly type: "put"; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: "del"; readonly key: Buffer };

export interface Range {
  readonly gte: Buffer;
  readonly lt: Buffer;
  readonly limit?: number;
  readonly reverse?: boolean;
}

export interface Database {
  readonly dir: string;
  get(key: Buffer): Promise<Buffer | undefined>;
  /** A few microseconds when the table is in memory or in the system's cache; for single coins. */
  getSync(key: Buffer): Buffer | undefined;
  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]>;
  /** All or nothing. `durable` also survives a power cut, not only the end of the process. */
  write(operations: readonly Operation[], options: { readonly durable: boolean }): Promise<void>;
  /** Entries as they were when the call was made, whatever is written meanwhile; in batches of many. */
  scan(range: Range): AsyncIterable<readonly (readonly [key: Buffer, value: Buffer])[]>;
  freeBytes(): Promise<number>;
  /** After a failed write LevelDB refuses all others until it is opened anew. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly dir: string;
  /** LevelDB's cache of uncompressed blocks. */
  readonly cacheBytes?: number;
}

const MIB = 2 ** 20;
const SCAN_BATCH = 1000;
/** So few are looked up at once: to hand them to a thread and to wake up again takes longer. */
const FEW_KEYS = 8;

const levelOptions = ({ cacheBytes = 16 * MIB }: DatabaseOptions) => ({
  keyEncoding: "buffer" as const,
  valueEncoding: "buffer" as const,
  // Hashes, keys and signatures don't compress.
  compression: false,
  cacheSize: cacheBytes,
  writeBufferSize: 8 * MIB,
  maxOpenFiles: 256,
});

/** Rejects with `locked`, `damaged`, `disk-full` or `database`. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { dir } = options;
  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asDatabaseError(error, dir);
    }
  };
  await translated(() => mkdir(dir, { recursive: true }));
  const level = new ClassicLevel<Buffer, Buffer>(dir, levelOptions(options));
  await translated(() => level.open());
  return {
    dir,
    get: (key) => translated(() => level.get(key)),
    getSync: (key) => {
      try {
        return level.getSync(key);
      } catch (error) {
        throw asDatabaseError(error, dir);
      }
    },
    getMany: (keys) =>
      translated(async () =>
        keys.length <= FEW_KEYS ? keys.map((key) => level.getSync(key)) : level.getMany(keys as Buffer[]),
      ),
    write: (operations, { durable }) => translated(() => writeBatch(level, operations, durable)),
    scan: (range) => scan(level, range, dir),
    freeBytes: () => translated(() => freeBytesOn(dir)),
    reopen: () =>
      translated(async () => {
        await level.close();
        await level.open();
      }),
    close: () => translated(() => level.close()),
  };
}

/**
 * One by one into a native batch: given as an array, `batch` copies each operation and looks up its encodings, which took more time than all
 * else that the main thread does for a block.
 */
async function writeBatch(
  level: ClassicLevel<Buffer, Buffer>,
  operations: readonly Operation[],
  durable: boolean,
): Promise<void> {
  const batch = level.batch();
  for (const operation of operations) {
    if (operation.type === "put") batch.put(operation.key, operation.value);
    else batch.del(operation.key);
  }
  await batch.write({ sync: durable });
}

/** Not a generator all through: the iterator, and with it the snapshot, must come into being when this is called. */
function scan(level: ClassicLevel<Buffer, Buffer>, range: Range, dir: string): ReturnType<Database["scan"]> {
  const iterator = level.iterator({ ...range, fillCache: range.limit !== undefined });
  return (async function* () {
    try {
      for (;;) {
        const entries = await iterator.nextv(SCAN_BATCH);
        if (entries.length === 0) return;
        yield entries;
      }
    } catch (error) {
      throw asDatabaseError(error, dir);
    } finally {
      await iterator.close();
    }
  })();
}

async function freeBytesOn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
