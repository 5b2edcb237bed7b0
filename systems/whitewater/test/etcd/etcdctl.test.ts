import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { createStore } from "../../src/store/store.ts";
import { type RunningServer, startServer } from "./testing.ts";

const etcdctl = program("etcdctl");

describe.skipIf(etcdctl === undefined)("etcdctl", () => {
  let server: RunningServer;
  let dir: string;

  beforeAll(async () => {
    server = await startServer();
    dir = await mkdtemp(join(tmpdir(), "whitewater-etcdctl-"));
  });
  afterAll(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  function start(args: readonly string[]) {
    return spawn(etcdctl!, [`--endpoints=127.0.0.1:${server.port}`, ...args], {
      env: { ...process.env, ETCDCTL_API: "3" },
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  async function run(args: string, input = ""): Promise<{ out: string; err: string; code: number | null }> {
    const child = start(args.split(" "));
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { out, err, code };
  }

  const ok = async (args: string, input = ""): Promise<string> => {
    const { out, err, code } = await run(args, input);
    expect({ args, code, err: code === 0 ? "" : err }).toEqual({ args, code: 0, err: "" });
    return out;
  };

  it("puts, gets and deletes", async () => {
    for (const [key, value] of [
      ["x/1", "one"],
      ["x/2", "two"],
      ["x/3", "three"],
      ["y", "z"],
    ])
      expect(await ok(`put ${key} ${value}`)).toBe("OK\n");
    expect(await ok("get x/1")).toBe("x/1\none\n");
    expect(await ok("get --prefix x/ --keys-only")).toBe("x/1\n\nx/2\n\nx/3\n\n");
    expect(await ok("get --prefix x/ --print-value-only --sort-by=VALUE --order=DESCEND")).toBe("two\nthree\none\n");
    expect(await ok("get --from-key x/3 --print-value-only")).toBe("three\nz\n");
    expect(await ok("get x/1 x/3 --limit=1 --print-value-only")).toBe("one\n");
    await ok("put x/1 changed");
    const { kvs } = JSON.parse(await ok("get x/1 -w json"));
    expect(kvs[0].version).toBe(2);
    expect(await ok(`get x/1 --rev=${kvs[0].create_revision} --print-value-only`)).toBe("one\n");
    expect(await ok("put --prev-kv x/1 again")).toBe("OK\nx/1\nchanged\n");
    expect(await ok("del --prefix x/")).toBe("3\n");
    expect(await ok("get --prefix x/")).toBe("");
  });

  it("compares and swaps", async () => {
    await ok("put t 1");
    const swap = 'value("t") = "1"\n\nput t 2\nget t\n\nput t failed\n\n';
    expect(await ok("txn -i", swap)).toMatch(/SUCCESS\n\nOK\n\nt\n2\n/);
    expect(await ok("txn -i", swap)).toMatch(/FAILURE\n\nOK\n/);
    expect(await ok("get t --print-value-only")).toBe("failed\n");
  });

  it("watches", async () => {
    await ok("put w/a 0");
    const child = start(["watch", "--prefix", "w/", "--prev-kv"]);
    const seen = new Promise<string>((resolve) => {
      let out = "";
      child.stdout.on("data", (chunk) => {
        out += chunk;
        if (out.split("\n").length >= 11) resolve(out);
      });
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    while (server.kv.status().watchers === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await ok("put w/a 1");
    await ok("put other 1");
    await ok("del w/a");
    expect(await seen).toBe("PUT\nw/a\n0\nw/a\n1\nDELETE\nw/a\n1\nw/a\n\n");
    child.kill();
    await ended;
  });

  it("leases", async () => {
    const id = /lease (\w+) granted/.exec(await ok("lease grant 100"))![1]!;
    await ok(`put --lease=${id} leased 1`);
    expect(await ok(`lease timetolive ${id} --keys`)).toMatch(
      /granted with TTL\(100s\), remaining\(9\ds\), attached keys\(\[leased\]\)/,
    );
    expect(await ok(`lease keep-alive --once ${id}`)).toBe(`lease ${id} keepalived with TTL(100)\n`);
    expect(await ok("lease list")).toContain(id);
    await ok(`lease revoke ${id}`);
    expect(await ok("get leased")).toBe("");
    expect(await ok(`lease timetolive ${id}`)).toContain("already expired");
  });

  it("compacts", async () => {
    await ok("put c 1");
    await ok("put c 2");
    const { header } = JSON.parse(await ok("get c -w json"));
    expect(await ok(`compaction ${header.revision}`)).toBe(`compacted revision ${header.revision}\n`);
    const { err, code } = await run(`get c --rev=${header.revision - 1}`);
    expect(code).not.toBe(0);
    expect(err).toContain("etcdserver: mvcc: required revision has been compacted");
    expect((await run(`compaction ${header.revision}`)).err).toContain("has been compacted");
    expect((await run(`watch --rev=1 c`)).err).toContain("compacted");
  });

  it("shows members, status and health", async () => {
    expect(await ok("member list")).toBe(
      "a1, started, whitewater-0, http://127.0.0.1:1, http://127.0.0.1:2379, false\n",
    );
    expect(await ok("endpoint status -w table")).toMatch(/a1 \| 3\.5\.0\+whitewater \|.*\| {6}true \|/);
    expect((await run("endpoint health")).out + (await run("endpoint health")).err).toContain("is healthy");
    expect(await ok("endpoint hashkv")).toContain(`127.0.0.1:${server.port}, `);
    expect(await ok("alarm list")).toBe("");
    expect(await ok("defrag")).toContain("Finished defragmenting");
    expect((await run("move-leader 5")).err).toContain("bad leader transferee");
    expect((await run("member remove 5")).err).toContain("etcdserver: member not found");
    expect((await run("user add joe:secret")).err).toContain("etcdserver: authentication is not enabled");
  });

  it("says why a member is not added or removed", async () => {
    const added = await ok("member add any --peer-urls=http://other:1");
    expect((await run("member add any --peer-urls=http://other:2")).err).toContain("the name other is borne by");
    expect((await run("member remove a1")).err).toContain("not enough started members");
    const second = await ok("member add any --peer-urls=http://127.0.0.2:1");
    expect(await ok("member list")).toContain("started, 127.0.0.2:1, ");
    await ok(`member remove ${/Member +(\w+) added/.exec(second)![1]}`);
    await ok(`member remove ${/Member +(\w+) added/.exec(added)![1]}`);
  });

  it("saves snapshots that a store can be restored from", async () => {
    await ok("put saved yes");
    const file = join(dir, "backup.db");
    await ok(`snapshot save ${file}`);
    const content = await readFile(file);
    expect(content.length % 512).toBe(32);
    const restored = createStore();
    await restored.restore(
      1,
      (async function* () {
        yield content;
      })(),
    );
    expect(restored.hash(0)).toBe(server.store.hash(0));
    expect(restored.revision).toBe(server.store.revision);
  });

  it("locks and elects", async () => {
    expect(await ok("lock mine echo held")).toBe("held\n");
    const candidate = start(["elect", "office", "me"]);
    const ended = new Promise((resolve) => candidate.once("close", resolve));
    const out = await new Promise<string>((resolve) => {
      let seen = "";
      candidate.stdout.on("data", (chunk) => {
        seen += chunk;
        if (seen.includes("me\n")) resolve(seen);
      });
    });
    expect(out).toMatch(/^office\/\w+\nme\n/);
    candidate.kill("SIGINT");
    await ended;
  });
});
