/** `kvstore backup`: a consistent copy of all data in a folder, complete or not there at all; the newest few are kept. */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { KvStoreError } from "../errors.ts";
import { type Reply, Status } from "../reply.ts";
import { decodeSnapshot } from "../store/snapshot.ts";
import { type BackupKind, backupName, listBackups, PARTIAL } from "./backup-file.ts";
import { Client, type Target } from "./client.ts";
import { findReplica } from "./members.ts";

export interface BackupOptions {
  readonly target: Target;
  readonly dir: string;
  /** Backups kept, this one included. */
  readonly keep: number;
  /** Copy an in-sync replica, so that the primary is left alone; `target.host` then stands for all members. */
  readonly fromReplica?: boolean;
  /** Default `kvstore`. */
  readonly kind?: BackupKind;
  readonly now?: Date;
}

export interface BackupResult {
  readonly file: string;
  /** Address of the member that was copied. */
  readonly from: string;
  readonly keys: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly removed: readonly string[];
}

/** A partial file older than this was left by a backup that was cut off. */
const ABANDONED_MS = 24 * 3600_000;

/** The copy is checked frame by frame while it comes in, reaches the disk, and only then gets its name. */
export async function backup(options: BackupOptions): Promise<BackupResult> {
  const { dir, keep, fromReplica = false, kind = "kvstore", now = new Date() } = options;
  const target = fromReplica ? await findReplica(options.target) : options.target;
  await mkdir(dir, { recursive: true });
  await using client = await Client.open(target);
  const [, epoch = "", index = ""] = position(await client.ask("SNAPSHOT"));
  const file = join(dir, backupName(kind, now, epoch, index));
  const partial = `${file}${PARTIAL}`;
  try {
    const written = await writeChecked(partial, chunksFrom(client));
    // The sum first: a backup with a name has its sum beside it.
    await writeFile(`${file}.sha256`, `${written.sha256}  ${basename(file)}\n`, { flush: true });
    await rename(partial, file);
    await syncFolder(dir);
    return { file, from: target.host, ...written, removed: await prune(dir, keep, kind) };
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, "r");
  await folder.sync().finally(() => folder.close());
}

function position(reply: Reply): RegExpExecArray {
  const match = reply instanceof Status && /^SNAPSHOT (\d+) (\d+)$/.exec(reply.text);
  if (!match) throw new KvStoreError("protocol", "The server does not know SNAPSHOT. Is it a kvstore of this version?");
  return match;
}

/** What follows the answer to SNAPSHOT. */
export async function* chunksFrom(client: Client): AsyncGenerator<Buffer> {
  for (;;) {
    const chunk = await client.next();
    if (!(chunk instanceof Uint8Array)) throw new KvStoreError("protocol", "The server broke off the snapshot.");
    if (chunk.length === 0) return;
    yield Buffer.from(chunk);
  }
}

async function writeChecked(
  path: string,
  chunks: AsyncIterable<Buffer>,
): Promise<Omit<BackupResult, "file" | "from" | "removed">> {
  const file = await open(path, "wx");
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let keys = 0;
  const tee = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  try {
    for await (const part of decodeSnapshot(tee())) if ("rows" in part) keys += part.rows.length;
    await file.sync();
  } finally {
    await file.close();
  }
  return { keys, sizeBytes, sha256: hash.digest("hex") };
}

/** Removes the oldest beyond `keep`, and what backups that were cut off have left. */
async function prune(dir: string, keep: number, kind: BackupKind): Promise<readonly string[]> {
  const surplus = (await listBackups(dir, kind)).slice(0, -keep);
  for (const name of surplus) {
    await rm(join(dir, name), { force: true });
    await rm(join(dir, `${name}.sha256`), { force: true });
  }
  for (const name of await readdir(dir)) if (name.endsWith(PARTIAL)) await removeAbandoned(join(dir, name));
  return surplus;
}

async function removeAbandoned(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info && Date.now() - info.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
}
