/**
 * Entries as bytes: a block is a run of `length u32 | record`, and a record is `kind u8 | epoch u48 | command`. A block is built once per batch and is at
 * the same time what the log writes, what replicas are sent, and what the cache keeps.
 */
import { WireError } from "@coracle/wire";
import type { Entry, Position } from "../types.ts";

const LENGTH_BYTES = 4;
const RECORD_HEADER_BYTES = 7;
/** What an entry costs beyond its command. */
export const ENTRY_OVERHEAD_BYTES = LENGTH_BYTES + RECORD_HEADER_BYTES;

const ENTRY_KIND = 0;
/** The first record of a log that begins after a snapshot: its position, no entry. */
const BASE_KIND = 1;

export interface Block {
  readonly first: number;
  readonly count: number;
  readonly bytes: Buffer;
}

export function encodeBlock(first: number, epoch: number, commands: readonly Uint8Array[]): Block {
  let size = 0;
  for (const command of commands) size += ENTRY_OVERHEAD_BYTES + command.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const command of commands) {
    bytes.writeUInt32BE(RECORD_HEADER_BYTES + command.length, at);
    bytes[at + 4] = ENTRY_KIND;
    bytes.writeUIntBE(epoch, at + 5, 6);
    bytes.set(command, at + ENTRY_OVERHEAD_BYTES);
    at += ENTRY_OVERHEAD_BYTES + command.length;
  }
  return { first, count: commands.length, bytes };
}

/** A block of records as the log holds them. */
export function blockOf(first: number, records: readonly Uint8Array[]): Block {
  const parts = records.flatMap((record) => {
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE(record.length, 0);
    return [length, record];
  });
  return { first, count: records.length, bytes: Buffer.concat(parts) };
}

/** Checks that the bytes of a peer are `count` whole records. Throws WireError `protocol`. */
export function checkBlock(first: number, count: number, bytes: Buffer): Block {
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = at + LENGTH_BYTES <= bytes.length ? bytes.readUInt32BE(at) : 0;
    at += LENGTH_BYTES + length;
    if (length < RECORD_HEADER_BYTES || at > bytes.length)
      throw new WireError("protocol", "entries that make no sense");
  }
  if (at !== bytes.length) throw new WireError("protocol", "entries and something after them");
  return { first, count, bytes };
}

export function recordsOf(block: Block): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at < block.bytes.length; ) {
    const end = at + LENGTH_BYTES + block.bytes.readUInt32BE(at);
    records.push(block.bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return records;
}

/** Adds entries `from..to` of the block to `entries`. */
export function collectEntries(block: Block, from: number, to: number, entries: Entry[]): void {
  const { bytes } = block;
  let at = 0;
  for (let index = block.first; index <= to && at < bytes.length; index++) {
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    if (index >= from) {
      entries.push({
        epoch: bytes.readUIntBE(at + 5, 6),
        index,
        command: bytes.subarray(at + ENTRY_OVERHEAD_BYTES, end),
      });
    }
    at = end;
  }
}

/** The part of a block within `from..to`; the block itself when it is all of it. */
export function sliceBlock(block: Block, from: number, to: number): Block {
  const last = block.first + block.count - 1;
  if (from <= block.first && to >= last) return block;
  const first = Math.max(from, block.first);
  const start = offsetOf(block, first);
  const end = to >= last ? block.bytes.length : offsetOf(block, to + 1);
  return { first, count: Math.min(to, last) - first + 1, bytes: block.bytes.subarray(start, end) };
}

/** The longest beginning of a block that is no longer than `maxBytes`, at least one entry. */
export function headOf(block: Block, maxBytes: number): Block {
  if (block.bytes.length <= maxBytes) return block;
  let at = 0;
  let count = 0;
  while (count < block.count) {
    const end = at + LENGTH_BYTES + block.bytes.readUInt32BE(at);
    if (count > 0 && end > maxBytes) break;
    at = end;
    count++;
  }
  return { first: block.first, count, bytes: block.bytes.subarray(0, at) };
}

function offsetOf({ first, bytes }: Block, index: number): number {
  let at = 0;
  for (let i = first; i < index; i++) at += LENGTH_BYTES + bytes.readUInt32BE(at);
  return at;
}

export function encodeBase(base: Position): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  record[0] = BASE_KIND;
  record.writeUIntBE(base.epoch, 1, 6);
  return record;
}

export function epochOf(record: Uint8Array): number {
  return Buffer.from(record.buffer, record.byteOffset, record.length).readUIntBE(1, 6);
}

export function isBase(record: Uint8Array): boolean {
  return record[0] === BASE_KIND;
}
