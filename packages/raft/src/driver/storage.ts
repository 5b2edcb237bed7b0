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
      const first = replay.take(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
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

const CORRUPT_ADVICE = "Remove this member, empty its folder, and let it join under a new id.";

function json(kind: number, value: object): Buffer {
  return Buffer.concat([Buffer.of(kind), Buffer.from(JSON.stringify(value))]);
}

/** The log as its records build it up. */
class Replay {
  #hardState: HardState = { term: 0, vote: undefined };
  #base: SnapshotMeta | undefined;
  #entries: LogEntry[] = [];

  /** Returns the first index of a record of entries. */
  take(record: Buffer): number | undefined {
    const kind = record.readUInt8(0);
    if (kind === ENTRIES_KIND) return this.#takeEntries(record);
    const value: unknown = JSON.parse(record.toString("utf8", 1));
    if (kind === HARD_STATE_KIND) {
      const { term, vote } = value as HardState;
      this.#hardState = { term, vote };
    } else if (kind === BASE_KIND) {
      this.#base = value as SnapshotMeta;
      this.#entries = [];
    } else throw new RangeError(`an unknown kind ${kind}`);
    return undefined;
  }

  #takeEntries(record: Buffer): number {
    const first = record.readUIntBE(1, 6);
    const entries = decodeEntries(record, ENTRIES_HEAD_BYTES, first);
    const start = this.#entries[0]?.index ?? this.#base?.index;
    if (start === undefined || first <= start) this.#entries = entries;
    else {
      const held = this.#entries[0] ? first - this.#entries[0].index : 0;
      if (held > this.#entries.length || (!this.#entries[0] && first !== start + 1))
        throw new RangeError(`entries before ${first} are missing`);
      this.#entries.length = held;
      for (const entry of entries) this.#entries.push(entry);
    }
    return first;
  }

  /**
   * The log behind the snapshot. Where the snapshot is not on it, it was taken in and the note of that did not reach the disk: the log begins
   * anew (`isCut`), as figure 13 has it.
   */
  result(snapshot: SnapshotMeta): Restored & { readonly isCut: boolean } {
    const { index, term } = snapshot;
    const hardState = this.#hardState.term < term ? { term, vote: undefined } : this.#hardState;
    const first = this.#entries[0]?.index ?? index + 1;
    const last = this.#entries.at(-1)?.index ?? this.#base?.index ?? 0;
    if (first > index + 1 || (this.#base && this.#base.index > index))
      throw new RaftError("corrupt", `the log begins at ${first}, the snapshot ends at ${index}. ${CORRUPT_ADVICE}`);
    const held =
      index < first ? (this.#base?.index === index ? this.#base.term : undefined) : this.#entries[index - first]?.term;
    const isOn = index === 0 || held === term || (index === first - 1 && this.#base === undefined);
    const isCut = !isOn && last > 0;
    return {
      hardState,
      base: snapshot,
      entries: isOn ? this.#entries.slice(index + 1 - first) : [],
      applied: index,
      isCut,
    };
  }
}

export function storageFailure(error: unknown): RaftError {
  if (error instanceof RaftError) return error;
  const code =
    error instanceof WalError && (error.code === "corrupt" || error.code === "locked") ? error.code : "failed";
  return new RaftError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
