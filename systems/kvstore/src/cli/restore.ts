/**
 * `kvstore restore`: a backup's keys written as ordinary writes through the primary, then read back and compared. Why so, and not by putting files
 * under the members: docs/decisions/005-restore-goes-through-the-primary.md.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { KvStoreError, messageOf } from "../errors.ts";
import type { Row } from "../store/keyspace.ts";
import { decodeSnapshot } from "../store/snapshot.ts";
import { expiryIn, isExpired, valueIn } from "../store/value.ts";
import { backup, chunksFrom } from "./backup.ts";
import { backupRows, type CheckedBackup, checkBackup, findBackup } from "./backup-file.ts";
import { type Client, following, type Target } from "./client.ts";

export interface RestoreOptions {
  readonly target: Target;
  /** A backup, or a folder of them. */
  readonly path: string;
  /** In a folder: which one, or `latest`. */
  readonly from: string;
  /** Remove what is there now; without it only an empty kvstore is restored into. */
  readonly replace: boolean;
  readonly now?: () => number;
}

export interface RestoreResult extends CheckedBackup {
  /** Keys read back and found equal, expired ones left out. */
  readonly verified: number;
  /** Where what was there before is kept; undefined when nothing was. */
  readonly replaced: string | undefined;
}

/** Copies of replaced data kept. */
const KEEP_REPLACED = 2;
/** Keys that expire this soon are not compared: they may go while they are read. */
const SOON_MS = 60_000;

/** Rejects with `bad-snapshot` before anything is changed, and with `refused` when the kvstore is not empty or what was read back differs. */
export async function restore({ target, path, from, replace, now = Date.now }: RestoreOptions): Promise<RestoreResult> {
  const checked = await checkBackup(await findBackup(path, from));
  return following(target, async (client) => {
    const present = Number(await client.ask("DBSIZE"));
    if (present > 0 && !replace) throw notEmpty(present);
    // An empty transaction of the primary's: elsewhere it is answered by the primary's address, before anything was copied.
    await client.ask("DEL", PROBE_KEY);
    const kept = present > 0 ? await keepReplaced(target, path) : undefined;
    const verified = await load(client, checked, now).catch((error: unknown) => {
      throw cutOff(error, kept);
    });
    return { ...checked, verified, replaced: kept };
  });
}

/** Never set. */
const PROBE_KEY = "kvstore:restore:probe";

async function keepReplaced(target: Target, path: string): Promise<string> {
  const dir = path.endsWith(".kvbackup") ? dirname(path) : path;
  return (await backup({ target, dir, keep: KEEP_REPLACED, kind: "replaced" })).file;
}

async function load(client: Client, { file }: CheckedBackup, now: () => number): Promise<number> {
  await client.ask("FLUSHDB");
  for await (const rows of backupRows(file)) await putAll(client, rows, now());
  const cutoff = now() + SOON_MS;
  const [wanted, found] = [await digest(backupRows(file), cutoff), await digest(liveRows(client), cutoff)];
  if (wanted.sum !== found.sum)
    throw new KvStoreError(
      "refused",
      `${found.count} keys were read back where ${wanted.count} were restored, or they differ. Does somebody write meanwhile?`,
    );
  return found.count;
}

/** One part of a backup, at most 256 KiB or one row. */
async function putAll(client: Client, rows: readonly Row[], now: number): Promise<void> {
  const live = rows.filter(({ stored }) => !isExpired(stored, now));
  const plain = live.filter(({ stored }) => expiryIn(stored) === undefined);
  const expiring = live.filter(({ stored }) => expiryIn(stored) !== undefined);
  const commands = [
    ...(plain.length > 0 ? [["MSET", ...plain.flatMap(({ key, stored }) => [key, valueIn(stored)])]] : []),
    ...expiring.map(({ key, stored }) => ["SET", key, valueIn(stored), "PXAT", String(expiryIn(stored))]),
  ];
  if (commands.length > 0) await client.askAll(commands);
}

async function* liveRows(client: Client): AsyncGenerator<readonly Row[]> {
  await client.ask("SNAPSHOT");
  for await (const part of decodeSnapshot(chunksFrom(client))) if ("rows" in part) yield part.rows;
}

/** Both sides come in the order of their keys. */
async function digest(parts: AsyncIterable<readonly Row[]>, cutoff: number): Promise<{ sum: string; count: number }> {
  const hash = createHash("sha256");
  let count = 0;
  for await (const rows of parts)
    for (const { key, stored } of rows) {
      if (isExpired(stored, cutoff)) continue;
      hash.update(`${key.length}:${stored.length}:`).update(key).update(stored);
      count++;
    }
  return { sum: hash.digest("hex"), count };
}

const notEmpty = (keys: number): KvStoreError =>
  new KvStoreError("refused", `The kvstore holds ${keys} keys. Nothing was changed. To replace them all: --replace.`);

const cutOff = (error: unknown, kept: string | undefined): KvStoreError => {
  const where = kept === undefined ? "" : ` What was there before is in ${kept}.`;
  return new KvStoreError("refused", `The restore did not end well: ${messageOf(error)} Run it again.${where}`, {
    cause: error,
  });
};
