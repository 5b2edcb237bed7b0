/**
 * A look at LMDB's file before LMDB maps it. LMDB trusts its file: a foreign or shortened one ends the process with SIGSEGV or
 * SIGBUS instead of an error. The two meta pages say what the file must be; this checks them, and what they promise against the size.
 */
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KvStoreError, systemCode } from "../errors.ts";

const FILE = "data.mdb";
/** The kernel boot during which the file was last open. */
const BOOT_FILE = "boot-id";
const MAGIC = 0xbeefc0de;
/** Offsets inside a meta page. */
const AT = { magic: 24, version: 28, pageBytes: 48, lastPage: 144, transaction: 152 } as const;
const META_BYTES = 160;
const FORMAT_VERSION = 2;
const PAGE_SIZES = [4096, 8192, 16384, 32768, 65536];

interface Meta {
  readonly transaction: bigint;
  readonly sizeBytes: number;
}

/** Rejects with `damaged` when the folder holds a data file that must not be opened. A folder without one is fine. */
export async function checkDataFile(dir: string): Promise<void> {
  const file = await open(join(dir, FILE), "r").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return;
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const metas = await readMetas(dir, (length, position) => readAt(file, length, position));
    await checkSize(dir, size, metas);
  } finally {
    await file.close();
  }
}

/** Notes the running kernel, once the file is open. */
export const markBoot = async (dir: string): Promise<void> => writeFile(join(dir, BOOT_FILE), await bootId());

type ReadAt = (length: number, position: number) => Promise<Buffer>;

async function readAt(file: Awaited<ReturnType<typeof open>>, length: number, position: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function readMetas(dir: string, read: ReadAt): Promise<Meta[]> {
  const first = await read(META_BYTES, 0);
  const pageBytes = first.length === META_BYTES ? first.readUInt32LE(AT.pageBytes) : 0;
  if (!PAGE_SIZES.includes(pageBytes)) throw corrupt(dir, "its first page is not one of a data file");
  return [first, await read(META_BYTES, pageBytes)].map((page) => readMeta(dir, page, pageBytes));
}

function readMeta(dir: string, page: Buffer, pageBytes: number): Meta {
  if (page.length < META_BYTES || page.readUInt32LE(AT.magic) !== MAGIC)
    throw corrupt(dir, "one of its two meta pages is damaged");
  const version = page.readUInt32LE(AT.version) & 0xffff;
  if (version !== FORMAT_VERSION) throw corrupt(dir, `its format is version ${version}, not ${FORMAT_VERSION}`);
  return {
    transaction: page.readBigUInt64LE(AT.transaction),
    sizeBytes: (Number(page.readBigUInt64LE(AT.lastPage)) + 1) * pageBytes,
  };
}

/**
 * After a power failure the newest transaction may not have reached the disk; LMDB then falls back to the one before, whose pages
 * must be there. Without one, a file shorter than its newest transaction says was cut.
 */
async function checkSize(dir: string, size: number, metas: readonly Meta[]): Promise<void> {
  const [newest, older] = metas.toSorted((a, b) => (a.transaction < b.transaction ? 1 : -1));
  const needed = (await hasRebooted(dir)) ? older : newest;
  if (needed && size < needed.sizeBytes)
    throw corrupt(dir, `it has ${size} bytes where ${needed.sizeBytes} were written`);
}

async function hasRebooted(dir: string): Promise<boolean> {
  const last = await readFile(join(dir, BOOT_FILE), "utf8").catch(() => undefined);
  return last !== undefined && last !== (await bootId());
}

const bootId = (): Promise<string> => readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "unknown");

export const corrupt = (dir: string, what: string, cause?: unknown): KvStoreError =>
  new KvStoreError(
    "damaged",
    `The data file ${join(dir, FILE)} is damaged: ${what}. Nothing was changed. ` +
      "With replicas, move this member's whole data folder away and start again: it copies everything from the primary. " +
      "Alone, restore the last backup.",
    { cause },
  );
