/**
 * A segmented, checksummed, group-committed write-ahead log.
 *
 * Records are opaque bytes with dense indexes from 1. Appends made while an fdatasync is under way share the next one.
 */

export { WalError } from "./errors.ts";
export { lockFolder } from "./lock.ts";
export type { Wal, WalOptions } from "./types.ts";
export { openWal } from "./wal.ts";
