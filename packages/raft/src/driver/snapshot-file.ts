/**
 * A snapshot as a file:
 *
 *     magic "CRAFTSN1" | head length u32 | head crc u32 | head: JSON of cluster, position, membership
 *     then chunks: length u32 | crc u32 | bytes; a chunk of length 0 is the end, whose crc is that of all chunks' checksums
 *
 * It is sent to followers byte by byte, so that a broken transfer resumes at an offset; the end's checksum tells two snapshots of one position apart.
 */
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../errors.ts";
import { syncPiecewise } from "./files.ts";

const MAGIC = Buffer.from("CRAFTSN1", "latin1");
const HEAD_AT = MAGIC.length + 8;
const CHUNK_HEAD_BYTES = 8;
const CHUNK_BYTES = 256 << 10;
const MAX_HEAD_BYTES = 1 << 20;

export interface SnapshotHead extends SnapshotMeta {
  readonly clusterId: string;
}

/** Writes everything; what is behind the last piece is not synced yet. */
export async function writeSnapshot(
  file: Pick<FileHandle, "write" | "writev" | "datasync">,
  head: SnapshotHead,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const json = Buffer.from(JSON.stringify(head));
  const front = Buffer.alloc(HEAD_AT);
  front.set(MAGIC);
  front.writeUInt32BE(json.length, MAGIC.length);
  front.writeUInt32BE(crc32(json), MAGIC.length + 4);
  await file.writev([front, json]);
  let sum = 0;
  const wrote = syncPiecewise(file);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
      const part = chunk.subarray(at, at + CHUNK_BYTES);
      const partHead = chunkHead(part.length, crc32(part));
      sum = crc32(partHead.subarray(4), sum);
      await file.writev([partHead, part]);
      await wrote(part.length);
    }
  }
  await file.write(chunkHead(0, sum));
}

function chunkHead(length: number, sum: number): Buffer {
  const head = Buffer.alloc(CHUNK_HEAD_BYTES);
  head.writeUInt32BE(length, 0);
  head.writeUInt32BE(sum, 4);
  return head;
}

/** Reads the head. Throws RaftError `corrupt`. */
export async function readHead(path: string): Promise<SnapshotHead> {
  const reader = await Reader.open(path);
  try {
    return await reader.head();
  } finally {
    await reader.close();
  }
}

/** The chunks of the state, each checked before it is given out. Throws RaftError `corrupt` with the position. */
export async function* readChunks(path: string): AsyncIterable<Uint8Array> {
  const reader = await Reader.open(path);
  try {
    await reader.head();
    for (let sum = 0; ; ) {
      const chunk = await reader.chunk(sum);
      if (!chunk) break;
      sum = chunk.sum;
      yield chunk.bytes;
    }
    await reader.expectEnd();
  } finally {
    await reader.close();
  }
}

/** Reads it all, and keeps none of it. Throws RaftError `corrupt`. */
export async function checkSnapshot(path: string): Promise<void> {
  for await (const _ of readChunks(path));
}

/** Reads a file front to back in whole records. */
class Reader {
  readonly #path: string;
  readonly #file: FileHandle;
  #at = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<Reader> {
    return new Reader(path, await open(path, "r"));
  }

  async head(): Promise<SnapshotHead> {
    const front = await this.#read(HEAD_AT);
    const length = front.readUInt32BE(MAGIC.length);
    if (!front.subarray(0, MAGIC.length).equals(MAGIC) || length > MAX_HEAD_BYTES)
      throw this.#damage("no snapshot begins so");
    const json = await this.#read(length);
    if (crc32(json) !== front.readUInt32BE(MAGIC.length + 4)) throw this.#damage("its head is damaged");
    return JSON.parse(json.toString("utf8")) as SnapshotHead;
  }

  /** Undefined at the end. */
  async chunk(sumBefore: number): Promise<{ readonly bytes: Buffer; readonly sum: number } | undefined> {
    const head = await this.#read(CHUNK_HEAD_BYTES);
    const length = head.readUInt32BE(0);
    const sum = head.readUInt32BE(4);
    if (length > CHUNK_BYTES) throw this.#damage("a chunk is too long");
    if (length === 0) {
      if (sum !== sumBefore) throw this.#damage("its end is damaged");
      return undefined;
    }
    const bytes = await this.#read(length);
    if (crc32(bytes) !== sum) throw this.#damage("a chunk is damaged");
    return { bytes, sum: crc32(head.subarray(4), sumBefore) };
  }

  async expectEnd(): Promise<void> {
    const { bytesRead } = await this.#file.read(Buffer.alloc(1), 0, 1, this.#at);
    if (bytesRead > 0) throw this.#damage("bytes follow its end");
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #read(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.#file.read(bytes, 0, length, this.#at);
    if (bytesRead < length) throw this.#damage("it ends too early");
    this.#at += length;
    return bytes;
  }

  #damage(what: string): RaftError {
    return new RaftError("corrupt", `the snapshot ${this.#path} is damaged before byte ${this.#at}: ${what}`);
  }
}
