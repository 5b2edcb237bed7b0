/** One file of the log: a 16-byte header (magic, first index), then records. */
import { constants, write } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, join } from "node:path";
import { WalError } from "./errors.ts";
import { readHeader, readIndex, recordHeaderBytes, verifyRecord, writeIndex } from "./record.ts";
import { type Mark, markEveryBytes, scanSegment } from "./scan.ts";

const magic = Buffer.from("CORACLE1", "latin1");
export const segmentHeaderBytes = 16;

/**
 * Each write is durable when it returns: writing and syncing are one call, and so one trip to a thread instead of two. Linux only: on
 * macOS the flag leaves the drive's own cache unflushed, while Node's datasync asks for F_FULLFSYNC.
 */
const DURABLE_WRITES = process.platform === "linux" ? constants.O_DSYNC : 0;
const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | DURABLE_WRITES;
const OPEN = constants.O_RDWR | DURABLE_WRITES;

/**
 * Zeros are written so far ahead of the records; as far as the records reach already, within these bounds. A write into room that the file has
 * already changes nothing in the file system's own records, so that making it durable costs no entry of its journal, which all files share.
 */
const AHEAD_MIN_BYTES = 4096;
const AHEAD_MAX_BYTES = 256 << 10;

export const segmentName = (firstIndex: number): string => `${firstIndex.toString(16).padStart(14, "0")}.wal`;

export class Segment {
  readonly firstIndex: number;
  readonly path: string;
  /** Offset after the last record. */
  end: number;
  /** Index after the last record. */
  nextIndex: number;
  readonly #file: FileHandle;
  #marks: Mark[];
  /** Size of the file: what is not records is zeros. */
  #fileBytes: number;

  private constructor(
    file: FileHandle,
    path: string,
    firstIndex: number,
    nextIndex: number,
    end: number,
    marks: Mark[],
    fileBytes: number,
  ) {
    this.#file = file;
    this.path = path;
    this.firstIndex = firstIndex;
    this.nextIndex = nextIndex;
    this.end = end;
    this.#marks = marks;
    this.#fileBytes = fileBytes;
  }

  static async create(dir: string, firstIndex: number): Promise<Segment> {
    const path = join(dir, segmentName(firstIndex));
    const file = await open(path, CREATE, 0o600);
    const header = Buffer.alloc(segmentHeaderBytes);
    header.set(magic);
    writeIndex(header, firstIndex, 8);
    try {
      await file.write(header, 0, header.length, 0);
      await file.sync();
    } catch (error) {
      await file.close();
      throw error;
    }
    return new Segment(file, path, firstIndex, firstIndex, segmentHeaderBytes, [], segmentHeaderBytes);
  }

  /**
   * Opens an existing segment. A torn tail is cut where `mayBeTorn` (the last segment); any other damage rejects with `corrupt`.
   * Resolves with undefined when the file's creation itself was torn.
   */
  static async recover(path: string, mayBeTorn: boolean): Promise<Segment | undefined> {
    const file = await open(path, OPEN);
    try {
      return await Segment.#recover(file, path, mayBeTorn);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  static async #recover(file: FileHandle, path: string, mayBeTorn: boolean): Promise<Segment | undefined> {
    const bytes = await file.readFile();
    if (bytes.length < segmentHeaderBytes && mayBeTorn) {
      await file.close();
      return undefined;
    }
    if (!bytes.subarray(0, magic.length).equals(magic)) throw corrupt(path, 0, "it does not begin as a log segment");
    const firstIndex = readIndex(bytes, 8);
    if (basename(path) !== segmentName(firstIndex)) throw corrupt(path, 8, "its name and its first index differ");
    const scan = scanSegment(bytes, segmentHeaderBytes, firstIndex);
    if (scan.tail === "corrupt" || (scan.tail === "torn" && !mayBeTorn))
      throw corrupt(path, scan.end, `record ${scan.nextIndex} is unreadable although it had been acknowledged`);
    if (scan.tail === "torn") {
      await file.truncate(scan.end);
      await file.sync();
    }
    const fileBytes = scan.tail === "torn" ? scan.end : bytes.length;
    return new Segment(file, path, firstIndex, scan.nextIndex, scan.end, scan.marks, fileBytes);
  }

  /** Writes whole, encoded records at the end; durable when it resolves. When it rejects, the segment ends where it did before. */
  async append(records: readonly Buffer[]): Promise<void> {
    const batch = records.length === 1 ? (records[0] as Buffer) : Buffer.concat(records);
    if (this.end + batch.length > this.#fileBytes) await this.#extend(this.end + batch.length);
    await this.#writeAll(batch, this.end);
    if (DURABLE_WRITES === 0) await this.#file.datasync();
    for (const record of records) this.#advance(record.length);
  }

  /** Only to be quick later: on a disk that is too full for it, records are still appended. */
  async #extend(needed: number): Promise<void> {
    const from = this.#fileBytes;
    const to = needed + Math.min(Math.max(needed, AHEAD_MIN_BYTES), AHEAD_MAX_BYTES);
    this.#fileBytes = to;
    await this.#writeAll(Buffer.alloc(to - from), from).catch(() => {});
  }

  async #writeAll(bytes: Buffer, position: number): Promise<void> {
    let written = 0;
    while (written < bytes.length) written += await this.#write(bytes, written, position + written);
  }

  /** Without the promises of `FileHandle`, whose cost is felt at thousands of writes a second. */
  #write(bytes: Buffer, from: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#file.fd, bytes, from, bytes.length - from, position, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  }

  /** Payloads from `from` to the segment's end: the first whatever its size, then as many as fit into `maxBytes` with it. */
  async read(from: number, maxBytes: number): Promise<Uint8Array[]> {
    const start = await this.#offsetOf(from);
    let window = await this.#window(start, maxBytes + recordHeaderBytes);
    const firstBytes = recordHeaderBytes + (readHeader(window, 0)?.length ?? 0);
    if (firstBytes > window.length) window = await this.#window(start, firstBytes);
    const payloads: Uint8Array[] = [];
    for (let at = 0; from + payloads.length < this.nextIndex; ) {
      const end = at + recordHeaderBytes + (readHeader(window, at)?.length ?? window.length);
      if (end > window.length && payloads.length > 0) break;
      const header = verifyRecord(window, at, from + payloads.length);
      if (!header) throw corrupt(this.path, start + at, `record ${from + payloads.length} is unreadable`);
      payloads.push(window.subarray(at + recordHeaderBytes, end));
      at = end;
    }
    return payloads;
  }

  /** Cuts every record after `index`; durable when it resolves. */
  async truncateAfter(index: number): Promise<void> {
    this.end = await this.#offsetOf(index + 1);
    this.nextIndex = index + 1;
    this.#marks = this.#marks.filter((mark) => mark.index <= index);
    await this.#file.truncate(this.end);
    await this.#file.sync();
    this.#fileBytes = this.end;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The nearest known record start at or before `index`. */
  #before(index: number): Mark {
    let low = 0;
    let high = this.#marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#marks[middle] as Mark).index <= index) low = middle + 1;
      else high = middle;
    }
    return this.#marks[low - 1] ?? { index: this.firstIndex, offset: segmentHeaderBytes };
  }

  /** Marks stand so densely that the start of any record lies within one window behind the mark before it. */
  async #offsetOf(index: number): Promise<number> {
    if (index === this.nextIndex) return this.end;
    const mark = this.#before(index);
    const window = await this.#window(mark.offset, markEveryBytes + recordHeaderBytes);
    let at = 0;
    for (let passed = mark.index; passed < index; passed++) {
      const header = readHeader(window, at);
      if (!header) throw corrupt(this.path, mark.offset + at, `record ${passed} is unreadable`);
      at += recordHeaderBytes + header.length;
    }
    return mark.offset + at;
  }

  #advance(recordBytes: number): void {
    if (this.end - (this.#marks.at(-1)?.offset ?? -markEveryBytes) >= markEveryBytes)
      this.#marks.push({ index: this.nextIndex, offset: this.end });
    this.end += recordBytes;
    this.nextIndex += 1;
  }

  async #window(offset: number, size: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(size, this.end - offset));
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, offset);
    return buffer.subarray(0, bytesRead);
  }
}

const corrupt = (path: string, offset: number, what: string): WalError =>
  new WalError(
    "corrupt",
    `The log ${path} is damaged at byte ${offset}: ${what}. Nothing was changed. Move the data folder away and let this member copy from another, or restore a backup.`,
  );
