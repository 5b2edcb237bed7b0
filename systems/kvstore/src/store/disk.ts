/** Room on the disk: errors that say so, and a guard that stops writes before the disk is full. */
import { statfs } from "node:fs/promises";
import { KvStoreError, messageOf, systemCode } from "../errors.ts";
import { corrupt } from "./datafile.ts";

/** LMDB's own error codes for a damaged file, by message prefix. */
const DAMAGED = /^MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|PANIC)/;
const NO_SPACE = /No space left on device|MDB_MAP_FULL|ENOSPC/;

/** Turns what LMDB throws into an error that says what to do; anything else comes back as it was. */
export function asDiskError(error: unknown, dir: string): unknown {
  if (error instanceof KvStoreError) return error;
  const message = messageOf(error);
  if (systemCode(error) === "ENOSPC" || NO_SPACE.test(message)) return diskFull(dir, error);
  return DAMAGED.test(message) ? corrupt(dir, message, error) : error;
}

export const diskFull = (dir: string, cause?: unknown): KvStoreError =>
  new KvStoreError(
    "disk-full",
    `The disk that holds ${dir} is full. Nothing of this write was stored and everything stored before is safe. ` +
      "Free space or enlarge the volume; writes go on by themselves then.",
    { cause },
  );

export interface DiskGuard {
  /** Bytes free at the last look. */
  readonly freeBytes: number;
  /** Why ordinary writes are refused now, if they are. Removals are let through until half of the reserve is gone. */
  refusal(frees: boolean): string | undefined;
  check(): Promise<void>;
}

/** `reserveBytes` are kept free: the log and the tree need room even to remove something. */
export function createDiskGuard(
  dir: string,
  reserveBytes: number,
  freeBytesOf: (dir: string) => Promise<number> = freeBytesOn,
): DiskGuard {
  let free = Number.POSITIVE_INFINITY;
  return {
    get freeBytes() {
      return free;
    },
    refusal: (frees) =>
      free < (frees ? reserveBytes / 2 : reserveBytes) ? refusalText(free, reserveBytes) : undefined,
    check: async () => {
      free = await freeBytesOf(dir);
    },
  };
}

const mib = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MiB`;

const refusalText = (free: number, reserve: number): string =>
  `The data disk has ${mib(free)} free and ${mib(reserve)} are kept in reserve, so nothing was written. ` +
  "Reads go on. Free space or enlarge the volume; writes go on by themselves then.";

async function freeBytesOn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
