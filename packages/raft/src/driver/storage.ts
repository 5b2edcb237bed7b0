/**
 * Hard state and entries on disk: one write-ahead log, whose order says what replaces what. Its records:
 *
 *     hard state     1 | JSON
 *     entries        2 | first index u48 | entries      replaces everything from the first index on
 *     base           3 | JSON of position and membership    the log begins anew after a snapshot that was installed
 *
 * Compaction writes the hard state anew before it drops segments, so that the newest one is always in what is left.
 */
import { join } from "node:path";
import { openWal, type Wal, WalError } from "@coracle/wal";
import { NOBODY } from "../core/membership.ts";
import type { HardState, LogEntry, Restored, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../errors.ts";
import { decodeEntries, encodeEntries } from "./codec.ts";
import { CORRUPT_ADVICE, type LogRecord, Replay } from "./replay.ts";

const HARD_STATE_KIND = 1;
const ENTRIES_KIND = 2;
const BASE_KIND = 3;
const ENTRIES_HEAD_BYTES = 7;
const READ_BYTES = 4 << 20;

export class Storage {
  readonly #wal: Wal;
  /** Records of entries, oldest first: where the entries from `first` on are. */
  #places: { readonly first: number; readonly record: number }[] = [];

  private constructor(wal: Wal) {
    this.#wal = wal;
  }

  static async open(dir: string, segmentBytes: number, onFull: (isFull: boolean) => void): Promise<Storage> {
    const options = { dir: join(dir, "log"), segmentBytes, onFull };
    const wal = await openWal(options).catch((error: unknown) => {
      throw storageFailure(error);
    });
    return new Storage(wal);
  }

  get isEmpty(): boolean {
    return this.#wal.lastIndex === 0;
  }

  get sizeBytes(): number {
    return this.#wal.sizeBytes;
  }

  /** What the disk holds, with `snapshot` as the state. Rejects with RaftError `corrupt`. */
  async recover(snapshot: SnapshotMeta | undefined): Promise<Restored & { readonly isCut: boolean }> {
    const replay = new Replay();
    for (let record = this.#wal.firstIndex; record <= this.#wal.lastIndex; ) {
      const records = await this.#wal.read(record, READ_BYTES).catch((error: unknown) => {
        throw storageFailure(error);
      });
      for (const bytes of records) this.#replay(replay, record++, bytes);
    }
    return replay.result(snapshot ?? { index: 0, term: 0, membership: NOBODY });
  }

  #replay(replay: Replay, record: number, bytes: Uint8Array): void {
    try {
      const read = decodeRecord(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      replay.take(read);
      const first = read.entries?.[0]?.index;
      if (first !== undefined) this.#note(first, record);
    } catch (cause) {
      throw new RaftError(
        "corrupt",
        `record ${record} of the log makes no sense: ${String(cause)}. ${CORRUPT_ADVICE}`,
        {
          cause,
        },
      );
    }
  }

  /** Takes effect in call order; resolves once durable. */
  async append(
    hardState: HardState | undefined,
    base: SnapshotMeta | undefined,
    entries: readonly LogEntry[],
  ): Promise<void> {
    const records: Uint8Array[] = [];
    if (base) records.push(json(BASE_KIND, base));
    if (hardState) records.push(json(HARD_STATE_KIND, hardState));
    const first = entries[0]?.index;
    if (first !== undefined) {
      this.#note(first, this.#wal.lastIndex + records.length + 1);
      const bytes = encodeEntries(entries, ENTRIES_HEAD_BYTES);
      bytes.writeUIntBE(first, bytes.writeUInt8(ENTRIES_KIND, 0), 6);
      records.push(bytes);
    }
    await this.#wal.append(records).catch((error: unknown) => {
      throw storageFailure(error);
    });
  }

  #note(first: number, record: number): void {
    while ((this.#places.at(-1)?.first ?? 0) >= first) this.#places.pop();
    this.#places.push({ first, record });
  }

  /** Drops what is needed only for entries up to `index`, in whole segments. */
  async compact(index: number, hardState: HardState): Promise<void> {
    const keep = this.#places.findLast((place) => place.first <= index + 1);
    if (!keep) return;
    await this.append(hardState, undefined, []);
    await this.#wal.dropBefore(keep.record);
    this.#places = this.#places.filter((place) => place.record >= keep.record);
  }

  close(): Promise<void> {
    return this.#wal.close();
  }
}

function json(kind: number, value: object): Buffer {
  return Buffer.concat([Buffer.of(kind), Buffer.from(JSON.stringify(value))]);
}

function decodeRecord(record: Buffer): LogRecord {
  const kind = record.readUInt8(0);
  if (kind === ENTRIES_KIND) return { entries: decodeEntries(record, ENTRIES_HEAD_BYTES, record.readUIntBE(1, 6)) };
  const value: unknown = JSON.parse(record.toString("utf8", 1));
  if (kind === HARD_STATE_KIND) return { hardState: value as HardState };
  if (kind === BASE_KIND) return { base: value as SnapshotMeta };
  throw new RangeError(`an unknown kind ${kind}`);
}

export function storageFailure(error: unknown): RaftError {
  if (error instanceof RaftError) return error;
  const code =
    error instanceof WalError && (error.code === "corrupt" || error.code === "locked") ? error.code : "failed";
  return new RaftError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
