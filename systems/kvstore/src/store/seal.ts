/**
 * Rows as the tree's file holds them: the stored value, and a checksum of key and value. LMDB checks nothing that it reads; without this a
 * damaged disk's bytes would be answered to clients, and copied to other members, as if somebody had written them.
 */
import { crc32 } from "node:zlib";

const SEAL_BYTES = 4;

const checksum = (key: Uint8Array, stored: Uint8Array): number => crc32(stored, crc32(key));

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
