/** Backup files: their names, and whether one is whole and what was written. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { KvStoreError, messageOf, systemCode } from "../errors.ts";
import type { Row } from "../store/keyspace.ts";
import { decodeSnapshot } from "../store/snapshot.ts";

const SUFFIX = ".kvbackup";
export const PARTIAL = ".partial";
/** Names sort by time. */
const NAME = /^kvstore-\d{8}T\d{6}Z-e\d+-i\d+\.kvbackup$/;
/** What a restore replaced. */
const REPLACED_NAME = /^replaced-\d{8}T\d{6}Z-e\d+-i\d+\.kvbackup$/;

export type BackupKind = "kvstore" | "replaced";

export const backupName = (kind: BackupKind, now: Date, epoch: string, index: string): string =>
  `${kind}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, "")}-e${epoch}-i${index}${SUFFIX}`;

/** Backups of a folder, the oldest first. */
export async function listBackups(dir: string, kind: BackupKind): Promise<string[]> {
  const name = kind === "kvstore" ? NAME : REPLACED_NAME;
  return (await readdir(dir)).filter((file) => name.test(file)).sort();
}

/** A file as it is, or of a folder the one called `from`, or its newest. Rejects with `bad-config` naming what there is. */
export async function findBackup(path: string, from: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new KvStoreError("bad-config", `${path} does not exist. Nothing was changed.`);
  if (!info.isDirectory()) return path;
  const names = [...(await listBackups(path, "replaced")), ...(await listBackups(path, "kvstore"))];
  const chosen = from === "latest" ? (await listBackups(path, "kvstore")).at(-1) : names.find((name) => name === from);
  if (chosen) return join(path, chosen);
  const known = names.length > 0 ? `It has: ${names.join(", ")}` : "It has none";
  throw new KvStoreError("bad-config", `${path} has no backup ${from}. ${known}. Nothing was changed.`);
}

export interface CheckedBackup {
  readonly file: string;
  readonly keys: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** When the newest entry in it was written, milliseconds since 1970. */
  readonly timeMs: number;
}

/**
 * Reads the whole file: every part by its own checksum, the number of keys, and all of it by the SHA-256 noted beside it, if it is there. Rejects with
 * `bad-snapshot` and the reason for a file that is cut short, altered or of another kind.
 */
export async function checkBackup(file: string): Promise<CheckedBackup> {
  const hash = createHash("sha256");
  let [keys, sizeBytes, timeMs] = [0, 0, 0];
  const tee = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of createReadStream(file)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  try {
    for await (const part of decodeSnapshot(tee()))
      if ("rows" in part) keys += part.rows.length;
      else timeMs = part.header.timeMs;
  } catch (error) {
    throw refused(file, messageOf(error), error);
  }
  const sha256 = hash.digest("hex");
  const noted = await notedSum(file);
  if (noted !== undefined && noted !== sha256)
    throw refused(
      file,
      `its SHA-256 is ${sha256} where ${noted} was noted when it was written: it was altered or replaced`,
    );
  return { file, keys, sizeBytes, sha256, timeMs };
}

const refused = (file: string, why: string, cause?: unknown): KvStoreError =>
  new KvStoreError("bad-snapshot", `${basename(file)} is refused, and nothing was changed. ${why}`, { cause });

async function notedSum(file: string): Promise<string | undefined> {
  const text = await readFile(`${file}.sha256`, "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
  return text?.split(" ")[0];
}

/** The rows of a file that was checked. */
export async function* backupRows(file: string): AsyncGenerator<readonly Row[]> {
  for await (const part of decodeSnapshot(createReadStream(file))) if ("rows" in part) yield part.rows;
}
