/** The program as people run it: started, killed, started again, asked by its own client. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askOnce, Client } from "../src/cli/client.ts";
import { cleanEnv, PROGRAM, type ServerProcess, startProcess } from "./support/server-process.ts";

let dir: string;
let data: string;
let running: ServerProcess | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvstore-process-"));
  data = join(dir, "data");
});
afterEach(async () => {
  await running?.kill("SIGKILL");
  running = undefined;
  await rm(dir, { recursive: true, force: true });
});

const start = async (...flags: string[]) => {
  running = await startProcess(data, ...flags);
  return running;
};
const target = (port: number) => ({ host: "127.0.0.1", port, timeoutMs: 5000 });
function kvstore(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: "utf8",
    env: cleanEnv(),
  });
  return { stdout, stderr, status };
}

/** Asks a server on a damaged file for everything, which ends it or is refused. */
async function asked(server: ServerProcess): Promise<string> {
  const answer = await askOnce(target(server.port), "KEYS", "*").then(String, String);
  await server.kill("SIGKILL");
  return answer;
}

describe("kill -9 in the middle of writing", () => {
  it("loses nothing that was acknowledged, three times in a row", async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round++) {
      const server = await start();
      const writer = async (name: number) => {
        await using client = await Client.open(target(server.port));
        for (let i = 0; ; i++) {
          await client.ask("SET", `r${round}w${name}i${i}`, "v");
          acknowledged.push(`r${round}w${name}i${i}`);
        }
      };
      const ended = Promise.allSettled([1, 2, 3, 4].map(writer));
      const before = acknowledged.length;
      await expect.poll(() => acknowledged.length - before, { timeout: 15_000 }).toBeGreaterThan(200);
      await server.kill("SIGKILL");
      await ended;
    }
    const server = await start();
    const values = (await askOnce(target(server.port), "MGET", ...acknowledged)) as readonly unknown[];
    expect(values.filter((value) => value === null)).toHaveLength(0);
    expect(values.length).toBeGreaterThan(600);
  });
});

describe("a server", () => {
  it("stops with code 0 when told to, and finds its data again", async () => {
    const first = await start();
    await askOnce(target(first.port), "SET", "a", "1");
    expect(await first.kill("SIGTERM")).toBe(0);
    const second = await start();
    expect(await askOnce(target(second.port), "GET", "a")).toEqual(Buffer.from("1"));
  });

  it("refuses a folder that another process uses", async () => {
    await start();
    await expect(startProcess(data)).rejects.toThrow(
      /exited with 1.*is in use by another process. Nothing was changed.*choose another/s,
    );
  });

  it("refuses a damaged data file and says what to do", async () => {
    const first = await start();
    for (let i = 0; i < 50; i++) await askOnce(target(first.port), "SET", `k${i}`, "v".repeat(1000));
    await first.kill("SIGTERM");
    await truncate(join(data, "state", "data.mdb"), 10_000);
    await expect(startProcess(data)).rejects.toThrow(/exited with 1.*is damaged.*restore the last backup/s);
  });

  it("tells of damage inside the data file that ends it again and again without a word", async () => {
    const first = await start();
    const pairs = Array.from({ length: 3000 }, (_, i) => [`k${i}`, "v".repeat(200)]).flat();
    await askOnce(target(first.port), "MSET", ...pairs);
    await first.kill("SIGTERM");
    const file = join(data, "state", "data.mdb");
    const bytes = await readFile(file);
    // All but the two meta pages: whatever LMDB follows from there leads nowhere.
    bytes.fill(0xfe, 3 * 4096);
    await writeFile(file, bytes);
    const words: string[] = [];
    for (let i = 0; i < 3; i++) words.push(await startProcess(data).then(asked, String));
    expect(words.at(-1)).toMatch(/exited with 1.*is damaged: .*move this member's whole data folder away/s);
  }, 60_000);

  it("refuses settings that make no sense, naming each", async () => {
    await expect(startProcess(data, "--replication-mode", "maybe", "--max-clients", "x")).rejects.toThrow(
      /exited with 2.*replication-mode.*max-clients/s,
    );
  });
});

describe("the command line", () => {
  it("puts, reads, lists, deletes, with exit codes", async () => {
    const { port } = await start();
    const run = (...args: string[]) => {
      const { stdout, status } = kvstore(...args, "--port", String(port));
      return [stdout, status];
    };
    expect(run("put", "testkey", "testvalue")).toEqual(["OK\n", 0]);
    expect(run("read", "testkey")).toEqual(["testvalue\n", 0]);
    expect(run("read", "nothing")).toEqual(["NOT_FOUND\n", 1]);
    expect(run("batchput", "a,b", "1,2")).toEqual(["OK\n", 0]);
    expect(run("readrange", "a", "b")).toEqual(["a: 1\nb: 2\n", 0]);
    expect(run("delete", "a")).toEqual(["OK\n", 0]);
    expect(run("delete", "a")).toEqual(["NOT_FOUND\n", 1]);
    expect(run("status")[0]).toMatch(/role +primary/);
  });

  it("says what is wrong", () => {
    expect(kvstore("read", "a", "--port", "1")).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("Can't reach a kvstore at 127.0.0.1:1"),
    });
    expect(kvstore("batchput", "a,b", "1")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("2 keys but 1 values"),
    });
    expect(kvstore("reed", "a")).toMatchObject({ status: 2, stderr: expect.stringContaining("read") });
    expect(kvstore("read", "a", "--port", "x").status).toBe(2);
    expect(kvstore("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("readrange") });
    expect(kvstore("server", "--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("--data-dir") });
  });

  it("notes the initial role for the init container", async () => {
    const env = { ...cleanEnv(), POD_NAME: "kvstore-1", MASTER_ORDINAL: "1" };
    const run = (extra: object) =>
      spawnSync(process.execPath, [PROGRAM, "init-role", "--dir", dir], {
        encoding: "utf8",
        env: { ...env, ...extra },
      });
    expect(run({}).stdout).toMatch(/Initial role: MASTER/);
    expect(await readFile(join(dir, "role"), "utf8")).toBe("MASTER\n");
    expect(run({ MASTER_ORDINAL: "0" }).stdout).toMatch(/Initial role: REPLICA/);
    expect(run({ MASTER_ORDINAL: "first" })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("must be a pod's number"),
    });
  });

  it("backs up, checks what it wrote, and keeps as many as it was told", async () => {
    const { port } = await start();
    for (let i = 0; i < 10; i++) await askOnce(target(port), "SET", `k${i}`, "v");
    const folder = join(dir, "backups");
    await writeFile(join(dir, "unrelated"), "");
    for (const old of ["20200101T000000Z", "20210101T000000Z"]) {
      kvstore("backup", folder, "--port", String(port));
      await writeFile(join(folder, `kvstore-${old}-e1-i1.kvbackup`), "old");
    }
    const { stdout, status } = kvstore("backup", folder, "--keep", "2", "--port", String(port));
    expect([status, stdout]).toEqual([0, expect.stringContaining("10 keys")]);
    const kept = (await readdir(folder)).filter((name) => name.endsWith(".kvbackup"));
    expect(kept).toHaveLength(2);
    expect(kept.join()).not.toContain("2020");
  });
});
