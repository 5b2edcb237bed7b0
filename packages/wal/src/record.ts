/**
 * One record on disk, little-endian:
 *
 *     crc32c u32 | length u32 | index u64 | undurable u32 | payload
 *
 * The checksum covers all that follows it. `undurable` is how many records before this one (at the time of its write) were not yet
 * durable. It is what lets recovery tell a torn tail, which may be cut, from damage to something acknowledged, which may not:
 * a record that is unreadable while a later, readable one says that it had been durable is corruption.
 */
import { crc32c } from "@node-rs/crc32";

export const recordHeaderBytes = 20;

export interface RecordHeader {
  readonly length: number;
  readonly index: number;
  readonly undurable: number;
}

export function encodeRecord(index: number, undurable: number, payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(recordHeaderBytes + payload.length);
  record.writeUInt32LE(payload.length, 4);
  writeIndex(record, index, 8);
  record.writeUInt32LE(Math.min(undurable, 0xffff_ffff), 16);
  record.set(payload, recordHeaderBytes);
  record.writeUInt32LE(crc32c(record.subarray(4)), 0);
  return record;
}

/** The header at `offset`, unchecked; undefined when the buffer ends within it. */
export function readHeader(buffer: Buffer, offset: number): RecordHeader | undefined {
  if (offset + recordHeaderBytes > buffer.length) return undefined;
  return {
    length: buffer.readUInt32LE(offset + 4),
    index: readIndex(buffer, offset + 8),
    undurable: buffer.readUInt32LE(offset + 16),
  };
}

/** The header at `offset` if a whole record with a right checksum and the given index stands there. */
export function verifyRecord(buffer: Buffer, offset: number, index: number): RecordHeader | undefined {
  const header = readHeader(buffer, offset);
  if (header?.index !== index) return undefined;
  const end = offset + recordHeaderBytes + header.length;
  if (end > buffer.length) return undefined;
  return buffer.readUInt32LE(offset) === crc32c(buffer.subarray(offset + 4, end)) ? header : undefined;
}

// Indexes stay below 2^53, so two 32-bit halves are exact and cheaper than BigInt.
export function writeIndex(buffer: Buffer, index: number, offset: number): void {
  buffer.writeUInt32LE(index % 0x1_0000_0000, offset);
  buffer.writeUInt32LE(Math.floor(index / 0x1_0000_0000), offset + 4);
}

export const readIndex = (buffer: Buffer, offset: number): number =>
  buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * 0x1_0000_0000;
