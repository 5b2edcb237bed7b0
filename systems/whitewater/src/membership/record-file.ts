/** The disk's record as a file, replaced as a whole and synced before it counts. */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { systemCode, WhitewaterError } from "../errors.ts";
import { parseRecord } from "./parse.ts";
import { type DiskRecord, NO_BALLOT } from "./types.ts";

const FILE = "membership.json";

/** 16 hex digits, as members' ids are. */
export const newDiskId = (): string => randomBytes(8).toString("hex");

/** The record of the disk at `dir`; a new one where there is none. Rejects with `corrupt` when it can't be understood. */
export async function readRecord(dir: string): Promise<DiskRecord> {
  const path = join(dir, FILE);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (text !== undefined) return parseFile(path, text);
  const record: DiskRecord = { disk: newDiskId(), promised: NO_BALLOT };
  await mkdir(dir, { recursive: true });
  await writeRecord(dir, record);
  return record;
}

function parseFile(path: string, text: string): DiskRecord {
  try {
    return parseRecord(JSON.parse(text));
  } catch (cause) {
    throw new WhitewaterError(
      "corrupt",
      `${path} is damaged, so this pod does not know which cluster it belongs to, and does not start. ` +
        "Restore the file, or empty the data folder: the pod then joins its peers with an empty disk.",
      { cause },
    );
  }
}

/** Resolves when `record` survives a crash. */
export async function writeRecord(dir: string, record: DiskRecord): Promise<void> {
  const path = join(dir, FILE);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(dir);
}

/** A rename survives a crash only once its folder is synced. */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
