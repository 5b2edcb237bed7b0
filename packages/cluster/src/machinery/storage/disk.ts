/**
 * Durability: the log of changes since the last snapshot. Each change is one record and one version, so a record's index in the log and its
 * version differ by a constant, and a snapshot of a version says which records are spent.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openWal, type Wal } from "@coracle/wal";
import { StatusError } from "../errors.ts";
import { decodeRecord, encodeRecord, unreadable } from "./codec.ts";
import type { Journal, JournalRecord } from "./journal.ts";
import { readSnapshot, type SnapshotEntry, writeSnapshot } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

export interface DiskOptions {
  readonly dir: string;
  /** Bytes logged before a snapshot is worth its while, however small the state. */
  readonly snapshotBytes: number;
}

const segmentBytes = 8 << 20;
const readBytes = 1 << 20;
/** A snapshot is written once this many times its size has been logged, so that snapshots cost no more than a share of the writes. */
const logToSnapshot = 2;

export class DiskJournal implements Journal {
  readonly #wal: Wal;
  readonly #path: string;
  readonly #minBytes: number;
  #storage: Storage | undefined;
  /** A record's version less its index. */
  #offset = 0;
  #logged = 0;
  #snapshotSize = 0;
  #snapshot: Promise<void> | undefined;

  private constructor(wal: Wal, { dir, snapshotBytes }: DiskOptions) {
    this.#wal = wal;
    this.#path = join(dir, "snapshot");
    this.#minBytes = snapshotBytes;
  }

  static async open(options: DiskOptions): Promise<DiskJournal> {
    await mkdir(options.dir, { recursive: true, mode: 0o700 });
    return new DiskJournal(await openWal({ dir: join(options.dir, "log"), segmentBytes }), options);
  }

  /** Brings `storage` to where the last run left it, and takes its changes from then on. */
  async recover(storage: Storage): Promise<void> {
    await readSnapshot(this.#path, {
      begin: (version) => storage.startAt(version),
      object: (resource, object) => storage.load(resource, object),
    });
    for (let index = this.#wal.firstIndex; index <= this.#wal.lastIndex; ) {
      const records = await this.#wal.read(index, readBytes);
      for (const bytes of records) this.#replay(storage, bytes);
      index += records.length;
    }
    this.#offset = storage.version - this.#wal.lastIndex;
    this.#storage = storage;
  }

  #replay(storage: Storage, bytes: Uint8Array): void {
    const record = decodeRecord(bytes);
    const version = Number(record.object.metadata.resourceVersion);
    this.#logged += bytes.length;
    if (version <= storage.version) return;
    if (version !== storage.version + 1)
      throw unreadable(`changes ${storage.version + 1} to ${version - 1} are missing`);
    storage.replay(record);
  }

  async append(record: JournalRecord): Promise<void> {
    const bytes = encodeRecord(record);
    try {
      await this.#wal.append([bytes]);
    } catch (error) {
      throw new StatusError("InternalError", `the change could not be made durable: ${(error as Error).message}`);
    }
    this.#logged += bytes.length;
    if (this.#logged > Math.max(this.#minBytes, logToSnapshot * this.#snapshotSize)) this.#startSnapshot();
  }

  #startSnapshot(): void {
    this.#snapshot ??= this.#takeSnapshot()
      .catch((error: Error) => process.emitWarning(`No snapshot of the cluster's state was taken: ${error.message}`))
      .finally(() => {
        this.#snapshot = undefined;
      });
  }

  /** The state is captured at once, as references to objects that never change; the writing takes its time. */
  async #takeSnapshot(): Promise<void> {
    const storage = this.#storage;
    if (!storage) return;
    const { version } = storage;
    const entries = capture(storage);
    this.#logged = 0;
    this.#snapshotSize = await writeSnapshot(this.#path, version, entries);
    await this.#wal.dropBefore(version - this.#offset + 1);
  }

  async close(): Promise<void> {
    await this.#snapshot;
    await this.#wal.close();
  }
}

function capture(storage: Storage): Iterable<SnapshotEntry> {
  const lists = storage.resources().map((resource) => ({ resource, items: storage.collection(resource).list() }));
  return entriesOf(storage, lists);
}

function* entriesOf(storage: Storage, lists: readonly { resource: string; items: readonly Item[] }[]) {
  for (const { resource, items } of lists) for (const item of items) yield { resource, json: storage.json(item) };
}

type Item = Parameters<Storage["json"]>[0];
