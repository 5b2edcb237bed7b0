/** Backups put back: read back and compared; refused, with the reason and nothing changed, when the file is not what was written. */
import { cp, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backup } from "../src/cli/backup.ts";
import { checkBackup } from "../src/cli/backup-file.ts";
import { askOnce } from "../src/cli/client.ts";
import { restore } from "../src/cli/restore.ts";
import { restoreOffline } from "../src/cli/restore-offline.ts";
import { startProcess } from "./support/server-process.ts";
import { type SoloServer, startSolo } from "./support/solo-server.ts";

let dir: string;
let solo: SoloServer;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvstore-restore-"));
  solo = await startSolo();
});
afterEach(async () => {
  await solo[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const targetOf = ({ server }: SoloServer) => ({ host: "127.0.0.1", port: server.port, timeoutMs: 5000 });
const ask = (...words: (string | Uint8Array)[]) => askOnce(targetOf(solo), ...words);
const KEYS = 500;
const BINARY = Buffer.from([0, 255, 13, 10, 36]);

/** A kvstore with plain, binary, expiring and expired keys, and its backup. */
async function backedUp(): Promise<string> {
  await ask("MSET", ...Array.from({ length: KEYS }, (_, n) => [`key${n}`, `value${n}`.repeat(20)]).flat());
  await ask("SET", BINARY, BINARY);
  await ask("SET", "later", "v", "PX", "100000000");
  return (await backup({ target: targetOf(solo), dir, keep: 3 })).file;
}
const again = (options: object = {}) =>
  restore({ target: targetOf(solo), path: dir, from: "latest", replace: true, ...options });

describe("a restore", () => {
  it("brings every key back as it was, expiry too, and removes what came since", async () => {
    const file = await backedUp();
    await ask("MSET", "key1", "changed", "since", "x");
    await ask("DEL", "key2");
    const result = await again();
    expect(result).toMatchObject({ file, keys: KEYS + 2, verified: KEYS + 2 });
    expect(await ask("GET", "key1")).toEqual(Buffer.from("value1".repeat(20)));
    expect(await ask("MGET", "since", "key2")).toEqual([null, Buffer.from("value2".repeat(20))]);
    expect(await ask("GET", BINARY)).toEqual(BINARY);
    expect(Number(await ask("PTTL", "later"))).toBeGreaterThan(90_000_000);
  });

  it("keeps what it replaced, which can be restored in turn", async () => {
    await backedUp();
    await ask("SET", "since", "x");
    const { replaced = "" } = await again();
    await again({ path: replaced });
    expect(await ask("GET", "since")).toEqual(Buffer.from("x"));
  });

  it("leaves out keys that have expired meanwhile", async () => {
    await backedUp();
    const { verified } = await again({ now: () => Date.now() + 200_000_000 });
    expect(verified).toBe(KEYS + 1);
    expect(await ask("EXISTS", "later")).toBe(0);
  });

  it("does not touch a kvstore that holds keys unless told to", async () => {
    await backedUp();
    await expect(again({ replace: false })).rejects.toThrow(`holds ${KEYS + 2} keys. Nothing was changed`);
    expect(await ask("DBSIZE")).toBe(KEYS + 2);
  });

  it("names what there is when the backup asked for is not", async () => {
    await backedUp();
    await expect(again({ from: "kvstore-other" })).rejects.toThrow(/no backup kvstore-other. It has: kvstore-2/);
    await expect(again({ path: join(dir, "nowhere") })).rejects.toThrow(/does not exist/);
  });
});

/** Changes one byte. */
async function alter(file: string, at: number): Promise<void> {
  const handle = await open(file, "r+");
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, at);
  await handle.write(Buffer.from([(byte[0] as number) ^ 1]), 0, 1, at);
  await handle.close();
}

describe("a damaged backup is refused, and nothing is changed", () => {
  it.each<[string, (file: string) => Promise<void>, RegExp]>([
    ["cut short", async (file) => truncate(file, (await readFile(file)).length - 40), /cut short|impossible/],
    ["cut at a boundary of its parts", async (file) => truncate(file, (await readFile(file)).length - 15), /cut short/],
    ["empty", (file) => truncate(file, 0), /cut short/],
    ["altered in a value", (file) => alter(file, 2000), /checksum does not match/],
    ["altered in its header", (file) => alter(file, 12), /checksum does not match/],
    [
      "of something else",
      (file) => writeFile(file, "PK\u0003\u0004 an archive of something".repeat(10)),
      /impossible|checksum/,
    ],
    ["of something else, and short", (file) => writeFile(file, "hello"), /of another kind/],
    ["longer than it was", (file) => writeFile(file, "more", { flag: "a" }), /cut short|not in order/],
  ])("%s", async (_, damage, reason) => {
    const file = await backedUp();
    await damage(file);
    await ask("SET", "since", "x");
    await expect(again()).rejects.toThrow(reason);
    await expect(again()).rejects.toThrow("is refused, and nothing was changed");
    expect(await ask("DBSIZE")).toBe(KEYS + 3);
  });

  it("whole, but another than the one that was written under this name", async () => {
    const file = await backedUp();
    await ask("SET", "since", "x");
    const other = (await backup({ target: targetOf(solo), dir: join(dir, "other"), keep: 1 })).file;
    await cp(other, file);
    await expect(again()).rejects.toThrow(/SHA-256.*was altered or replaced/);
  });
});

it("notes a sum beside every backup, and removes both together", async () => {
  const first = await backedUp();
  expect(await readFile(`${first}.sha256`, "utf8")).toContain((await checkBackup(first)).sha256);
  await backup({ target: targetOf(solo), dir, keep: 1, now: new Date("2100-01-01") });
  expect(await readdir(dir)).toEqual([
    expect.stringMatching(/^kvstore-2100.*kvbackup$/),
    expect.stringMatching(/sha256$/),
  ]);
});

describe("without a server", () => {
  it("fills an empty folder that a server then serves", async () => {
    await backedUp();
    const dataDir = join(dir, "data");
    expect(await restoreOffline({ dataDir, path: dir, from: "latest" })).toMatchObject({ verified: KEYS + 2 });
    const server = await startProcess(dataDir);
    try {
      const target = { host: "127.0.0.1", port: server.port, timeoutMs: 5000 };
      expect(await askOnce(target, "GET", "key7")).toEqual(Buffer.from("value7".repeat(20)));
    } finally {
      await server.kill("SIGTERM");
    }
  });

  it("refuses a folder that is not empty, and a damaged backup, leaving nothing behind", async () => {
    const file = await backedUp();
    await expect(restoreOffline({ dataDir: dir, path: file, from: "latest" })).rejects.toThrow(/not empty/);
    await alter(file, 2000);
    await expect(restoreOffline({ dataDir: join(dir, "data"), path: file, from: "latest" })).rejects.toThrow(
      /checksum/,
    );
    expect(await readdir(dir)).not.toContain("data");
  });
});
