/**
 * The log: a row of segments, and one queue of operations so that appends, truncations and drops take effect in call order.
 * Indexes move synchronously with each call; the disk follows. Appends that wait together are written and synced together (group commit).
 */
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { WalError } from "./errors.ts";
import { lockFolder } from "./lock.ts";
import { encodeRecord } from "./record.ts";
import { Segment } from "./segment.ts";
import type { Wal, WalOptions } from "./types.ts";

const mebibyte = 1 << 20;

/**
 * Opens the log in a folder, recovering it: a torn tail is cut. Rejects with WalError `corrupt` (an acknowledged record is unreadable; nothing was
 * changed), or `locked` (another process has the folder).
 */
export async function openWal(options: WalOptions): Promise<Wal> {
  const { dir, segmentBytes = 64 * mebibyte, maxRecordBytes = 64 * mebibyte } = options;
  const { onFull = () => {}, retryMs = 250 } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(dir);
  try {
    return new SegmentedWal({ dir, segmentBytes, maxRecordBytes, onFull, retryMs }, await recoverSegments(dir), unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function recoverSegments(dir: string): Promise<Segment[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(".wal")).sort();
  const segments: Segment[] = [];
  try {
    for (const [position, name] of names.entries()) {
      const segment = await Segment.recover(join(dir, name), position === names.length - 1);
      if (!segment) {
        await rm(join(dir, name));
        continue;
      }
      const previous = segments.at(-1);
      segments.push(segment);
      if (previous && previous.nextIndex !== segment.firstIndex)
        throw new WalError(
          "corrupt",
          `The log in ${dir} lacks records ${previous.nextIndex} to ${segment.firstIndex - 1}: a segment file is missing before ${name}. Put it back, or move the folder away and copy from another member.`,
        );
    }
    if (segments.length === 0) segments.push(await Segment.create(dir, 1));
    await syncFolder(dir);
    return segments;
  } catch (error) {
    await Promise.all(segments.map((segment) => segment.close()));
    throw error;
  }
}

/** A queued operation; `records` make it an append that may share its sync with its neighbours. */
interface Operation {
  readonly records?: readonly Uint8Array[];
  readonly firstIndex: number;
  readonly run?: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class SegmentedWal implements Wal {
  readonly #options: Required<WalOptions>;
  readonly #segments: Segment[];
  readonly #unlock: () => Promise<void>;
  #queue: Operation[] = [];
  #draining: Promise<void> | undefined;
  /** The batch on its way to the disk; never rejects. */
  #batch: Promise<void> = Promise.resolve();
  #failure: WalError | undefined;
  #isClosing = false;
  /** Ends the pause before a full disk is tried again. */
  #tryAgain: (() => void) | undefined;
  #nextIndex: number;
  #durableIndex: number;

  constructor(options: Required<WalOptions>, segments: Segment[], unlock: () => Promise<void>) {
    this.#options = options;
    this.#segments = segments;
    this.#unlock = unlock;
    this.#nextIndex = this.#last.nextIndex;
    this.#durableIndex = this.lastIndex;
  }

  get firstIndex(): number {
    return (this.#segments[0] as Segment).firstIndex;
  }

  get lastIndex(): number {
    return this.#nextIndex - 1;
  }

  get durableIndex(): number {
    return this.#durableIndex;
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.end, 0);
  }

  get #last(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  async append(records: readonly Uint8Array[]): Promise<number> {
    const oversized = records.find((record) => record.length > this.#options.maxRecordBytes);
    if (oversized)
      throw new WalError(
        "too-large",
        `A record of ${oversized.length} bytes is over the limit of ${this.#options.maxRecordBytes}; nothing was written.`,
      );
    if (records.length === 0) return this.lastIndex;
    const firstIndex = this.#nextIndex;
    const last = firstIndex + records.length - 1;
    await this.#enqueue({ records, firstIndex }, () => {
      this.#nextIndex = last + 1;
    });
    return last;
  }

  async read(from: number, maxBytes: number): Promise<Uint8Array[]> {
    this.#check();
    if (from < this.firstIndex)
      throw new WalError(
        "compacted",
        `Records before ${this.firstIndex} are gone (${from} was asked for); use a snapshot.`,
      );
    if (from > this.lastIndex) return [];
    while (from >= this.#last.nextIndex && this.#draining) await this.#batch;
    const segment = this.#segments.findLast(({ firstIndex, nextIndex }) => firstIndex <= from && from < nextIndex);
    return segment ? this.#readFrom(segment, from, maxBytes) : [];
  }

  truncateAfter(index: number): Promise<void> {
    if (index >= this.lastIndex) return this.#enqueue({ firstIndex: 0, run: async () => {} });
    return this.#enqueue({ firstIndex: 0, run: () => this.#truncate(index) }, () => {
      this.#nextIndex = Math.max(index + 1, this.firstIndex);
    });
  }

  dropBefore(index: number): Promise<void> {
    return this.#enqueue({ firstIndex: 0, run: () => this.#drop(index) });
  }

  reset(nextIndex: number): Promise<void> {
    return this.#enqueue({ firstIndex: 0, run: () => this.#reset(nextIndex) }, () => {
      this.#nextIndex = nextIndex;
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#tryAgain?.();
    await this.#draining;
    if (this.#failure?.code === "closed") return;
    this.#failure = new WalError("closed", `The log in ${this.#options.dir} is closed.`);
    await Promise.all(this.#segments.map((segment) => segment.close()));
    await this.#unlock();
  }

  async #readFrom(segment: Segment, from: number, maxBytes: number): Promise<Uint8Array[]> {
    try {
      return await segment.read(from, maxBytes);
    } catch (error) {
      if (this.#segments.includes(segment)) throw error;
      throw new WalError("compacted", `Record ${from} was dropped while it was being read; use a snapshot.`, {
        cause: error,
      });
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }

  #enqueue(operation: Pick<Operation, "records" | "firstIndex" | "run">, move?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#check();
      move?.();
      this.#queue.push({ ...operation, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Everything that is called in this turn of the event loop joins the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      this.#batch = this.#runBatch(this.#takeBatch());
      await this.#batch;
    }
    this.#draining = undefined;
  }

  /** The next operation, with all the appends that stand directly behind it when it is one. */
  #takeBatch(): Operation[] {
    const boundary = this.#queue.findIndex((operation) => operation.run);
    return this.#queue.splice(0, boundary === -1 ? this.#queue.length : Math.max(boundary, 1));
  }

  async #runBatch(batch: Operation[]): Promise<void> {
    try {
      this.#check();
      const run = batch[0]?.run;
      await (run ? run() : this.#commitWhenRoom(batch));
      for (const operation of batch) operation.resolve();
    } catch (error) {
      this.#failure ??= new WalError(
        "failed",
        `The log in ${this.#options.dir} could not be written: ${(error as Error).message}. What was acknowledged is safe; nothing more is accepted until a restart on a disk that works.`,
        { cause: error },
      );
      for (const operation of batch) operation.reject(this.#failure);
    }
  }

  /** Nothing of the batch counts before all of it is durable, so a full disk can be waited for: nobody was told anything. */
  async #commitWhenRoom(batch: Operation[]): Promise<void> {
    for (let wasFull = false; ; wasFull = true) {
      try {
        await this.#commit(batch);
        if (wasFull) this.#options.onFull(false);
        return;
      } catch (error) {
        if (!isNoSpace(error) || this.#isClosing) throw error;
        if (!wasFull) this.#options.onFull(true);
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryMs);
      this.#tryAgain = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #commit(batch: Operation[]): Promise<void> {
    if (this.#last.end >= this.#options.segmentBytes) await this.#roll();
    const encoded: Buffer[] = [];
    for (const { records = [], firstIndex } of batch)
      for (const [position, record] of records.entries()) {
        const index = firstIndex + position;
        encoded.push(encodeRecord(index, index - 1 - this.#durableIndex, record));
      }
    const segment = this.#last;
    await segment.append(encoded);
    this.#durableIndex = segment.nextIndex - 1;
  }

  async #roll(): Promise<void> {
    this.#segments.push(await Segment.create(this.#options.dir, this.#last.nextIndex));
    await syncFolder(this.#options.dir);
  }

  async #truncate(index: number): Promise<void> {
    this.#durableIndex = Math.min(this.#durableIndex, Math.max(index, this.firstIndex - 1));
    // Last first, each made durable: a crash in between leaves a shorter log, never one with a hole.
    while (this.#segments.length > 1 && this.#last.firstIndex > index)
      await this.#remove(this.#segments.pop() as Segment);
    if (this.#last.nextIndex > index + 1) await this.#last.truncateAfter(Math.max(index, this.#last.firstIndex - 1));
  }

  async #drop(index: number): Promise<void> {
    while (this.#segments.length > 1 && (this.#segments[1] as Segment).firstIndex <= index)
      await this.#remove(this.#segments.shift() as Segment);
  }

  async #reset(nextIndex: number): Promise<void> {
    const old = this.#segments.splice(0);
    while (old.length > 0) await this.#remove(old.pop() as Segment);
    this.#segments.push(await Segment.create(this.#options.dir, nextIndex));
    await syncFolder(this.#options.dir);
    this.#durableIndex = nextIndex - 1;
  }

  async #remove(segment: Segment): Promise<void> {
    await segment.close();
    await rm(segment.path);
    await syncFolder(this.#options.dir);
  }
}

const isNoSpace = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
