/** A disk that is really full: a small tmpfs, which only root may mount. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Client, show } from "../src/cli/client.ts";
import { readStatus } from "../src/cli/status.ts";
import { ProcessGroup } from "../src/testing/process-group.ts";
import { type ServerProcess, startProcess } from "./support/server-process.ts";

const SOON = { timeout: 30_000, interval: 100 };
const SIZE_MIB = 24;
let dir: string;
let disk: string;
let isMounted = false;
let server: ServerProcess | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvstore-full-"));
  disk = dir;
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "tmpfs", dir]);
  isMounted = status === 0;
  if (!isMounted) console.warn(`SKIPPED: tests of a full disk need to mount a tmpfs: ${stderr}`);
});
afterEach(async () => {
  await server?.kill("SIGKILL");
  server = undefined;
  if (isMounted) execFileSync("umount", ["-l", disk]);
  await rm(dir, { recursive: true, force: true });
});

const target = (port: number) => ({ host: "127.0.0.1", port, timeoutMs: 20_000 });
const open = (port: number) => Client.open(target(port));
/** Takes all the room there is. */
const fill = () => spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "filler")}`, "bs=4k"]);
const empty = () => rm(join(disk, "filler"));

it("is announced by the reserve: writes are refused, reads and removals go on, nothing is lost, writes come back", async (context) => {
  if (!isMounted) return context.skip();
  server = await startProcess(join(disk, "data"), "--disk-reserve-mib", "8");
  const client = await open(server.port);
  await client.ask("SET", "before", "1");
  await writeFile(join(disk, "filler"), Buffer.alloc(11 * 2 ** 20));
  await expect
    .poll(() => client.ask("SET", "a", "x".repeat(100_000)).then(show, String), SOON)
    .toMatch(/MISCONF.*reserve/);
  expect(show(await client.ask("GET", "before"))).toBe("1");
  expect(await client.ask("DEL", "before")).toBe(1);
  await empty();
  await expect.poll(() => client.ask("SET", "after", "1").then(show, String), SOON).toBe("OK");
});

it("met without warning makes writes wait or be refused, never lost, and they go on once there is room", {
  timeout: 60_000,
}, async (context) => {
  if (!isMounted) return context.skip();
  server = await startProcess(join(disk, "data"), "--disk-reserve-mib", "0");
  const { port } = server;
  const client = await open(port);
  const acknowledged: string[] = [];
  for (let i = 0; i < 200; i++) {
    await client.ask("SET", `before${i}`, "v".repeat(1000));
    acknowledged.push(`before${i}`);
  }
  fill();
  // Held back, not refused: it was begun before anybody knew that the disk is full. Longer than the room that the log has made ahead.
  const waiting = await open(port);
  const held = waiting.ask("SET", "held", "v".repeat(2_000_000)).then(show, String);
  await expect.poll(async () => (await readStatus(target(port))).blocked, SOON).toMatch(/full/);
  expect(await client.ask("SET", "refused", "1").then(show, String)).toMatch(/MISCONF.*disk.*full/);
  expect(show(await client.ask("GET", "before7"))).toBe("v".repeat(1000));
  await empty();
  expect(await held).toBe("OK");
  await expect.poll(() => client.ask("SET", "after", "1").then(show, String), SOON).toBe("OK");
  await server.kill("SIGKILL");
  server = await startProcess(join(disk, "data"), "--disk-reserve-mib", "0");
  const again = await open(server.port);
  const values = (await again.ask("MGET", ...acknowledged, "held", "after")) as readonly unknown[];
  expect(values.filter((value) => value === null)).toEqual([]);
  expect(await again.ask("GET", "refused")).toBeNull();
});

it("under one of three: it stops counting, writes go on with the others, and it catches up", {
  timeout: 120_000,
}, async (context) => {
  if (!isMounted) return context.skip();
  const others = await mkdtemp(join(tmpdir(), "kvstore-roomy-"));
  try {
    // The first member's folder is on the small disk.
    await using group = new ProcessGroup({
      dir: others,
      dirs: { "kvstore-0": join(disk, "kvstore-0") },
      flags: ["--disk-reserve-mib", "0"],
    });
    for (const id of ["kvstore-0", "kvstore-1", "kvstore-2"]) await group.start(id);
    await expect.poll(async () => (await group.status())?.inSync.length, SOON).toBe(3);
    fill();
    const written = async (key: string) => {
      const holder = await group.holder();
      if (!holder) return "none";
      await using client = await open(holder.port);
      return await client.ask("SET", key, "v".repeat(100_000)).then(show, String);
    };
    await expect.poll(() => written("while-full"), SOON).toBe("OK");
    expect((await group.status())?.primary).not.toBe("kvstore-0");
    await expect.poll(async () => (await group.status())?.inSync, SOON).not.toContain("kvstore-0");
    // It asks to join again and again while its disk stays full; nobody waits for it.
    for (let i = 0; i < 10; i++) expect(await written(`meanwhile-${i}`)).toBe("OK");
    await empty();
    await expect.poll(async () => (await group.status())?.inSync.length, SOON).toBe(3);
  } finally {
    await rm(others, { recursive: true });
  }
});
