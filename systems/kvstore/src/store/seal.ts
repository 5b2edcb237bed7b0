/**
 * Rows as the tree's file holds them: the stored value, and a checksum of key and value. LMDB checks nothing that it reads; without this a
 * damaged disk's bytes would be answered to clients, and copied to other members, as if somebody had written them.
 */
import { crc32 } from "node:zlib";

const SEAL_BYTES = 4;

/** Up to this many bytes are faster here than two calls of native code. */
const SHORT_BYTES = 200;
/** Of the polynomial 0xedb88320, as zlib's crc32 has it. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 of key and value behind each other. */
export function checksum(key: Uint8Array, stored: Uint8Array): number {
  if (key.length + stored.length > SHORT_BYTES) return crc32(stored, crc32(key));
  return ~advance(advance(-1, key), stored) >>> 0;
}

function advance(crc: number, bytes: Uint8Array): number {
  let next = crc;
  for (let i = 0; i < bytes.length; i++) next = (TABLE[(next ^ (bytes[i] as number)) & 0xff] as number) ^ (next >>> 8);
  return next;
}

export function sealed(key: Uint8Array, stored: Uint8Array): Buffer {
  const row = Buffer.allocUnsafe(stored.length + SEAL_BYTES);
  row.set(stored);
  row.writeUInt32BE(checksum(key, stored), stored.length);
  return row;
}

/** A view of the stored value; undefined when the checksum is wrong. */
export function unsealed(key: Uint8Array, row: Buffer): Buffer | undefined {
  const end = row.length - SEAL_BYTES;
  if (end < 0) return undefined;
  const stored = row.subarray(0, end);
  return row.readUInt32BE(end) === checksum(key, stored) ? stored : undefined;
}
