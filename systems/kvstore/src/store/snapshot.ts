/**
 * A snapshot or backup as bytes. Frames, each with its own checksum, so that damage is found where it is and before it is used:
 *
 *     frame = payload length (32 bit) | CRC-32 of the payload (32 bit) | payload
 *     payload = "H" magic, version, epoch, index, time (48 bit each)      first
 *             | "R" (key, stored value)*, each length-prefixed            any number
 *             | "E" number of rows (48 bit)                               last: without it the snapshot was cut short
 */
import { crc32 } from "node:zlib";
import { KvStoreError } from "../errors.ts";
import { ByteReader, sizedLength, writeSized } from "./bytes.ts";
import type { Row } from "./keyspace.ts";

const MAGIC = Buffer.from("KVSTORE\x01");
const PREFIX_BYTES = 8;
const TAG = { header: 0x48, rows: 0x52, end: 0x45 } as const;
/** Rows are gathered up to this size. */
const FRAME_BYTES = 256 * 1024;
/** The longest frame that is read: one row of the largest value. */
const MAX_FRAME_BYTES = 80 * 1024 * 1024;

export interface SnapshotHeader {
  readonly epoch: number;
  readonly index: number;
  /** The time of the last entry included; expiry goes by it. */
  readonly timeMs: number;
}

/** Yields one frame at a time, so that a slow reader holds back the walk. */
export function* encodeSnapshot(header: SnapshotHeader, rows: Iterable<Row>): Generator<Buffer> {
  yield headerFrame(header);
  let count = 0;
  let gathered: Row[] = [];
  let size = 0;
  for (const row of rows) {
    gathered.push(row);
    count++;
    size += sizedLength(row.key) + sizedLength(row.stored);
    if (size < FRAME_BYTES) continue;
    yield rowsFrame(gathered, size);
    gathered = [];
    size = 0;
  }
  if (gathered.length > 0) yield rowsFrame(gathered, size);
  yield endFrame(count);
}

function headerFrame({ epoch, index, timeMs }: SnapshotHeader): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + 1 + MAGIC.length + 18);
  frame[PREFIX_BYTES] = TAG.header;
  let at = PREFIX_BYTES + 1 + MAGIC.copy(frame, PREFIX_BYTES + 1);
  for (const value of [epoch, index, timeMs]) at = frame.writeUIntBE(value, at, 6);
  return sealed(frame);
}

function rowsFrame(rows: readonly Row[], size: number): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + 1 + size);
  frame[PREFIX_BYTES] = TAG.rows;
  let at = PREFIX_BYTES + 1;
  for (const { key, stored } of rows) at = writeSized(frame, stored, writeSized(frame, key, at));
  return sealed(frame);
}

function endFrame(count: number): Buffer {
  const frame = Buffer.alloc(PREFIX_BYTES + 7);
  frame[PREFIX_BYTES] = TAG.end;
  frame.writeUIntBE(count, PREFIX_BYTES + 1, 6);
  return sealed(frame);
}

function sealed(frame: Buffer): Buffer {
  frame.writeUInt32BE(frame.length - PREFIX_BYTES, 0);
  frame.writeUInt32BE(crc32(frame.subarray(PREFIX_BYTES)), 4);
  return frame;
}

export type SnapshotPart = { readonly header: SnapshotHeader } | { readonly rows: readonly Row[] };

/**
 * Reads a snapshot from chunks of any size: the header first, then rows. Ends normally only if the snapshot is whole;
 * otherwise rejects with `bad-snapshot`. Bytes behind the end are refused too.
 */
export async function* decodeSnapshot(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SnapshotPart> {
  let count = 0;
  let state: "start" | "rows" | "ended" = "start";
  for await (const payload of payloads(chunks)) {
    const tag = payload[0];
    if (state === "start" && tag === TAG.header) {
      state = "rows";
      yield { header: readHeader(payload) };
    } else if (state === "rows" && tag === TAG.rows) {
      const rows = readRows(payload);
      count += rows.length;
      yield { rows };
    } else if (state === "rows" && tag === TAG.end) {
      state = "ended";
      checkCount(payload, count);
    } else throw bad("its parts are not in order");
  }
  if (state !== "ended") throw bad("it is cut short");
}

function readHeader(payload: Buffer): SnapshotHeader {
  if (!payload.subarray(1, 1 + MAGIC.length).equals(MAGIC))
    throw bad("it is not a snapshot of this version of kvstore");
  const reader = new ByteReader(payload, 1 + MAGIC.length);
  return { epoch: reader.uint48(), index: reader.uint48(), timeMs: reader.uint48() };
}

function readRows(payload: Buffer): Row[] {
  const reader = new ByteReader(payload, 1);
  const rows: Row[] = [];
  while (!reader.atEnd) rows.push({ key: reader.sized(), stored: reader.sized() });
  return rows;
}

function checkCount(payload: Buffer, count: number): void {
  const expected = new ByteReader(payload, 1).uint48();
  if (expected !== count) throw bad(`it holds ${count} keys where ${expected} were written`);
}

async function* payloads(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let neededBytes = PREFIX_BYTES;
  let isBegun = false;
  for await (const chunk of chunks) {
    held.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    heldBytes += chunk.length;
    if (heldBytes < neededBytes) continue;
    let rest = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held, heldBytes);
    for (neededBytes = frameBytes(rest); rest.length >= neededBytes; neededBytes = frameBytes(rest)) {
      yield openFrame(rest.subarray(0, neededBytes));
      isBegun = true;
      rest = rest.subarray(neededBytes);
    }
    held = [rest];
    heldBytes = rest.length;
  }
  if (heldBytes > 0)
    throw bad(isBegun ? "it is cut short" : "it is of another kind, or cut short before its first part");
}

/** Bytes that the first frame takes as far as that is known. */
function frameBytes(bytes: Buffer): number {
  if (bytes.length < PREFIX_BYTES) return PREFIX_BYTES;
  const payloadBytes = bytes.readUInt32BE(0);
  if (payloadBytes === 0 || payloadBytes > MAX_FRAME_BYTES) throw bad("the length of a part is impossible");
  return PREFIX_BYTES + payloadBytes;
}

function openFrame(frame: Buffer): Buffer {
  const payload = frame.subarray(PREFIX_BYTES);
  if (crc32(payload) !== frame.readUInt32BE(4)) throw bad("a checksum does not match: it was altered or damaged");
  return payload;
}

const bad = (why: string): KvStoreError =>
  new KvStoreError("bad-snapshot", `The snapshot can't be used: ${why}. Take a new one, or use an older backup.`);
