/** `kvstore backup`: a consistent copy of all data in a folder, complete or not there at all; the newest few are kept. */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { KvStoreError } from "../errors.ts";
import { type Reply, Status } from "../reply.ts";
import { decodeSnapshot } from "../store/snapshot.ts";
import { Client, type Target } from "./client.ts";

export interface BackupOptions {
  readonly target: Target;
  readonly dir: string;
  /** Backups kept, this one included. */
  readonly keep: number;
  readonly now?: Date;
}

export interface BackupResult {
  readonly file: string;
  readonly keys: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly removed: readonly string[];
}

const SUFFIX = ".kvbackup";
const NAME = /^kvstore-\d{8}T\d{6}Z-e\d+-i\d+\.kvbackup$/;

/** The copy is checked frame by frame while it comes in, reaches the disk, and only then gets its name. */
export async function backup({ target, dir, keep, now = new Date() }: BackupOptions): Promise<BackupResult> {
  await mkdir(dir, { recursive: true });
  await using client = await Client.open(target);
  const [, epoch, index] = position(await client.ask("SNAPSHOT"));
  const file = join(dir, `kvstore-${now.toISOString().replaceAll(/[-:]|\.\d+/g, "")}-e${epoch}-i${index}${SUFFIX}`);
  const partial = `${file}.partial`;
  try {
    const written = await writeChecked(partial, chunksFrom(client));
    await rename(partial, file);
    await writeFile(`${file}.sha256`, `${written.sha256}  ${basename(file)}\n`);
    return { file, ...written, removed: await prune(dir, keep) };
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function position(reply: Reply): RegExpExecArray {
  const match = reply instanceof Status && /^SNAPSHOT (\d+) (\d+)$/.exec(reply.text);
  if (!match) throw new KvStoreError("protocol", "The server does not know SNAPSHOT. Is it a kvstore of this version?");
  return match;
}

async function* chunksFrom(client: Client): AsyncGenerator<Buffer> {
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
): Promise<Omit<BackupResult, "file" | "removed">> {
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

/** Removes the oldest beyond `keep`; their names sort by time. */
async function prune(dir: string, keep: number): Promise<readonly string[]> {
  const backups = (await readdir(dir)).filter((name) => NAME.test(name)).sort();
  const surplus = backups.slice(0, Math.max(0, backups.length - keep));
  for (const name of surplus) {
    await rm(join(dir, name), { force: true });
    await rm(join(dir, `${name}.sha256`), { force: true });
  }
  return surplus;
}
