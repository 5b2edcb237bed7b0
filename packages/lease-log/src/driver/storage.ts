/** Log and meta file of one node on disk, with the newest entries in memory; recovery at open. */
import { join } from "node:path";
import { openWal, type Wal, WalError } from "@coracle/wal";
import type { Meta, Restored } from "../core/types.ts";
import { LeaseLogError } from "../errors.ts";
import type { LogLimits } from "../options.ts";
import type { Position } from "../types.ts";
import { EntryCache } from "./cache.ts";
import { type Block, blockOf, encodeBase, epochOf, isBase, recordsOf } from "./entries.ts";
import { emptyMeta, readMeta, writeMeta } from "./meta-file.ts";

const READ_BYTES = 4 << 20;
/** Positions are remembered about this far apart, to know how many bytes a range has. */
const MARK_BYTES = 256 << 10;

type StorageLimits = Pick<LogLimits, "maxCommandBytes" | "cacheBytes">;

export class Storage {
  readonly cache: EntryCache;
  readonly #wal: Wal;
  readonly #metaPath: string;
  #marks: { readonly index: number; readonly bytes: number }[] = [];
  #totalBytes = 0;

  private constructor(wal: Wal, metaPath: string, limits: StorageLimits) {
    this.#wal = wal;
    this.#metaPath = metaPath;
    this.cache = new EntryCache(limits.cacheBytes);
  }

  /** `onFull` is told when writes begin to wait because the disk is full, and when they go on. */
  static async open(dir: string, limits: StorageLimits, onFull: (isFull: boolean) => void): Promise<Storage> {
    const maxRecordBytes = limits.maxCommandBytes + 1024;
    const options = { dir: join(dir, "log"), segmentBytes: 32 << 20, maxRecordBytes, onFull };
    const wal = await openWal(options).catch((error: unknown) => {
      throw walFailure(error);
    });
    return new Storage(wal, join(dir, "meta.json"), limits);
  }

  get durableIndex(): number {
    return this.#wal.durableIndex;
  }

  get firstIndex(): number {
    return this.#wal.firstIndex;
  }

  get sizeBytes(): number {
    return this.#wal.sizeBytes;
  }

  /**
   * What the disk holds, put in order: when the state is not within the log (an interrupted snapshot, or files that were lost), the log starts anew at
   * the state, and the disk counts as incomplete until a primary says otherwise. `freshDataId` is noted on an empty disk.
   */
  async recover(
    applied: Position,
    freshDataId: string,
  ): Promise<{ readonly restored: Restored; readonly warning: string | undefined }> {
    const found = await readMeta(this.#metaPath);
    const meta = found ?? emptyMeta(freshDataId);
    const log = await this.#scan(applied.index);
    if (!found && (log.last > 0 || applied.index > 0)) {
      throw new LeaseLogError(
        "corrupt",
        `${this.#metaPath} is missing while there is data beside it: empty the folder to copy from the primary`,
      );
    }
    if (!found) await this.writeMeta(meta);
    const isWithin = applied.index >= log.base.index && log.epochAt(applied.index) === applied.epoch;
    const isLost = meta.isComplete && log.last === 0;
    if (isWithin && !isLost) return { restored: { ...log, meta, applied: applied.index }, warning: undefined };
    await this.reset(applied);
    const incomplete = { ...meta, isComplete: false };
    await this.writeMeta(incomplete);
    const restored = { meta: incomplete, base: applied, runs: [], last: applied.index, applied: applied.index };
    return {
      restored,
      warning: "log and state do not meet: this replica copies from the primary before it counts again",
    };
  }

  async #scan(applied: number) {
    const first = this.#wal.firstIndex;
    let base: Position = { epoch: 0, index: 0 };
    const runs: { epoch: number; first: number }[] = [];
    for (let index = first; index <= this.#wal.lastIndex; ) {
      const records = await this.#wal.read(index, READ_BYTES);
      for (const [i, record] of records.entries()) {
        const epoch = epochOf(record);
        const isFirst = index + i === first && (first > 1 || isBase(record));
        if (isFirst) base = { epoch, index: first };
        else if ((runs.at(-1)?.epoch ?? base.epoch) !== epoch) runs.push({ epoch, first: index + i });
      }
      const skipped = Math.max(0, applied + 1 - index);
      if (skipped < records.length) this.#remember(blockOf(index + skipped, records.slice(skipped)));
      index += records.length;
    }
    const last = this.#wal.lastIndex;
    const epochAt = (index: number) =>
      index > last ? undefined : (runs.findLast((run) => run.first <= index)?.epoch ?? base.epoch);
    return { base, runs, last, epochAt };
  }

  /** Begins to write; resolves once durable. */
  append(block: Block): Promise<unknown> {
    this.#remember(block);
    return this.#wal.append(recordsOf(block));
  }

  #remember(block: Block): void {
    this.cache.push(block);
    this.#totalBytes += block.bytes.length;
    if (this.#totalBytes - (this.#marks.at(-1)?.bytes ?? -Infinity) < MARK_BYTES) return;
    this.#marks.push({ index: block.first + block.count - 1, bytes: this.#totalBytes });
  }

  async truncateAfter(index: number): Promise<void> {
    this.cache.truncateAfter(index);
    while ((this.#marks.at(-1)?.index ?? 0) > index) this.#marks.pop();
    await this.#wal.truncateAfter(index);
  }

  /** Starts the log anew after `base`. */
  async reset(base: Position): Promise<void> {
    this.cache.clear();
    this.#marks = [];
    this.#totalBytes = 0;
    await this.#wal.reset(Math.max(1, base.index));
    if (base.index > 0) await this.#wal.append([encodeBase(base)]);
  }

  async read(from: number, maxBytes: number): Promise<Block> {
    return blockOf(from, await this.#wal.read(from, maxBytes));
  }

  /** Drops entries before `index`, in whole segments. */
  async dropBefore(index: number): Promise<void> {
    await this.#wal.dropBefore(index);
    const first = this.#wal.firstIndex;
    this.#marks = this.#marks.filter((mark) => mark.index >= first);
  }

  /** The oldest index of the newest `bytes` of the log, as far as known. */
  indexOfLast(bytes: number): number {
    return this.#marks.findLast((mark) => this.#totalBytes - mark.bytes >= bytes)?.index ?? 0;
  }

  /** About how many bytes follow `index`. */
  bytesAfter(index: number): number {
    const mark = this.#marks.findLast((candidate) => candidate.index <= index);
    return mark ? this.#totalBytes - mark.bytes : this.#totalBytes;
  }

  writeMeta(meta: Meta): Promise<void> {
    return writeMeta(this.#metaPath, meta);
  }

  close(): Promise<void> {
    return this.#wal.close();
  }
}

function walFailure(error: unknown): LeaseLogError {
  const code =
    error instanceof WalError && (error.code === "corrupt" || error.code === "locked") ? error.code : "failed";
  return new LeaseLogError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
