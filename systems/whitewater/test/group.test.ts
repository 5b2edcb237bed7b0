/** Real processes on loopback: first boot in any order, restarts, lost disks, foreign disks. */
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { program } from "../../../scripts/testing/programs.ts";
import { ask, askJson, type Target } from "../src/cli/client.ts";
import { restore, save } from "../src/cli/snapshot.ts";
import { ProcessGroup, type ProcessGroupOptions } from "../src/testing/process-group.ts";

const etcdctl = program("etcdctl");

let dir: string;
let open: ProcessGroup[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "whitewater-"));
});
afterEach(async () => {
  await Promise.all(open.map((group) => group[Symbol.asyncDispose]()));
  open = [];
  await rm(dir, { recursive: true, force: true });
});

function groupIn(name: string, options: Partial<ProcessGroupOptions> = {}): ProcessGroup {
  const group = new ProcessGroup({ dir: join(dir, name), ...options });
  open.push(group);
  return group;
}

const target = (group: ProcessGroup): Target => ({ endpoints: group.endpoints, timeoutMs: 10_000 });
const put = (group: ProcessGroup, key: string, body: string) =>
  ask(target(group), { method: "PUT", path: `/v1/kv/${key}`, body });
const get = async (group: ProcessGroup, key: string) =>
  (await askJson<{ value: string }>(target(group), { path: `/v1/kv/${key}` })).value;
const idOf = async (group: ProcessGroup, name: string): Promise<string> =>
  JSON.parse(await readFile(join(group.dirOf(name), "membership.json"), "utf8")).disk;

it("forms one cluster whatever the order, keeps it over a restart of all, and replaces a lost disk", async () => {
  const group = groupIn("a");
  // The two higher ones first: nothing may happen without w-0.
  await group.start("w-2");
  await group.start("w-1");
  const early = await fetch(`http://${group.endpoints[0]}/v1/cluster`).then(
    (response) => response.status,
    () => 503,
  );
  expect(early).toBe(503);
  await group.startAll();
  const first = await group.status();
  await put(group, "kept", "here");
  expect(group.members[0]?.output()).toMatch(/^I am: w-2 \(127\.0\.0\.1\)$/m);
  expect(group.members[0]?.output()).toMatch(/^Peers: \["127\.0\.0\.1:\d+".*\]$/m);

  await Promise.all(group.members.map((member) => member.kill("SIGKILL")));
  await group.startAll();
  expect((await group.status()).clusterId).toBe(first.clusterId);
  expect(await get(group, "kept")).toBe("here");

  const old = await idOf(group, "w-0");
  await group.members.find(({ name }) => name === "w-0")?.kill("SIGKILL");
  await group.wipe("w-0");
  await group.start("w-0");
  const healed = await group.until(
    ({ members }) => members.length === 3 && members.every(({ role, id }) => role !== "learner" && id !== old),
  );
  expect(healed.clusterId).toBe(first.clusterId);
  expect(healed.members.find(({ name }) => name === "w-0")?.id).toBe(await idOf(group, "w-0"));
  expect(await get(group, "kept")).toBe("here");
}, 120_000);

it("hands over when the leader is told to stop, and goes on", async () => {
  const group = groupIn("a");
  await group.startAll();
  const { leader } = await group.status();
  const stopping = group.members.find(({ name }) => name === leader?.name);
  expect(await stopping?.kill("SIGTERM")).toBe(0);
  await put(group, "after", "stop");
  expect((await group.status()).leader?.name).not.toBe(leader?.name);
}, 60_000);

it("adds a pod of a higher ordinal as learner, then lets it vote", async () => {
  const group = groupIn("a");
  await group.startAll(3);
  await group.start("w-3");
  const { members } = await group.until(
    (answer) => answer.members.length === 4 && answer.members.every(({ role }) => role !== "learner"),
  );
  expect(members.map(({ name }) => name).sort()).toEqual(["w-0", "w-1", "w-2", "w-3"]);
}, 60_000);

it("refuses to start with a disk of another cluster, and changes nothing", async () => {
  const [a, b] = [groupIn("a"), groupIn("b", { size: 1 })];
  await Promise.all([a.startAll(), b.startAll(1)]);
  await b.members[0]?.kill("SIGTERM");
  const lost = a.members.find(({ name }) => name === "w-2");
  await lost?.kill("SIGKILL");
  await a.wipe("w-2");
  await cp(b.dirOf("w-0"), a.dirOf("w-2"), { recursive: true });
  const foreign = await a.start("w-2");
  const code = await new Promise((resolve) => foreign.child.once("exit", resolve));
  expect(code).not.toBe(0);
  expect(foreign.output()).toMatch(/belongs to cluster \w+, but the peers form cluster \w+\. Nothing was changed\./);
}, 60_000);

it("refuses a log with a flipped bit, naming the place; without its disk the pod comes back as a new member", async () => {
  const group = groupIn("a");
  await group.startAll();
  for (let n = 0; n < 20; n++) await put(group, `key-${n}`, "x".repeat(200));
  const old = await idOf(group, "w-2");
  await group.members.find(({ name }) => name === "w-2")?.kill("SIGKILL");
  const folder = join(group.dirOf("w-2"), "raft", "log");
  const [segment = ""] = (await readdir(folder)).filter((name) => /\d/.test(name)).sort();
  const bytes = await readFile(join(folder, segment));
  const middle = bytes.indexOf("key-9");
  expect(middle).toBeGreaterThan(0);
  bytes[middle] = (bytes[middle] as number) ^ 1;
  await writeFile(join(folder, segment), bytes);
  const damaged = await group.start("w-2");
  const code = await new Promise((resolve) => damaged.child.once("exit", resolve));
  expect(code).not.toBe(0);
  expect(damaged.output()).toContain(segment);
  await group.wipe("w-2");
  await group.start("w-2");
  const { members } = await group.until(
    (answer) =>
      answer.members.every(({ role }) => role !== "learner") &&
      answer.members.length === 3 &&
      answer.members.every(({ id }) => id !== old),
  );
  expect(members.map(({ name }) => name).sort()).toEqual(["w-0", "w-1", "w-2"]);
  expect(await get(group, "key-9")).toBe("x".repeat(200));
}, 60_000);

it.runIf(etcdctl)(
  "restores what etcdctl saved, and etcdctl reads it",
  async () => {
    const group = groupIn("a", { size: 1 });
    await group.startAll(1);
    const run = (...args: string[]): string =>
      execFileSync(etcdctl as string, ["--endpoints", group.members[0]?.etcdAddress ?? "", ...args], {
        env: { ...process.env, ETCDCTL_API: "3" },
        encoding: "utf8",
      });
    const file = join(dir, "backup.db");
    run("put", "saved", "yes");
    run("snapshot", "save", file);
    run("put", "saved", "overwritten");
    expect(await restore(target(group), file, true)).toMatchObject({ keys: 1 });
    expect(run("get", "saved")).toBe("saved\nyes\n");
  },
  60_000,
);

it("saves a copy and brings it back, and refuses an altered one", async () => {
  const group = groupIn("a", { size: 1 });
  await group.startAll(1);
  for (const key of ["a", "b", "c"]) await put(group, key, `value of ${key}`);
  const file = join(dir, "copy");
  expect((await save(target(group), file)).revision).toBe(4);
  await put(group, "a", "changed");
  await put(group, "later", "gone");
  await expect(restore(target(group), file, false)).rejects.toMatchObject({ code: "conflict" });
  expect(await restore(target(group), file, true)).toEqual({ keys: 3, revision: 4 });
  expect(await get(group, "a")).toBe("value of a");
  await expect(get(group, "later")).rejects.toMatchObject({ code: "not-found" });
  const bytes = await readFile(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  const altered = join(dir, "altered");
  await writeFile(altered, bytes);
  await expect(restore(target(group), altered, true)).rejects.toMatchObject({ code: "corrupt" });
  expect(await get(group, "b")).toBe("value of b");
}, 60_000);

it("takes a member in as a new one that was removed while it was away", async () => {
  const group = groupIn("a");
  await group.startAll(4);
  const old = await idOf(group, "w-3");
  await group.until(({ members }) => members.every(({ role }) => role !== "learner"));
  await group.members.find(({ name }) => name === "w-3")?.kill("SIGKILL");
  await ask(target(group), { method: "DELETE", path: "/v1/members/w-3" });
  await put(group, "meanwhile", "written");
  await group.start("w-3");
  const { members } = await group.until(
    (answer) => answer.members.length === 4 && answer.members.every(({ role }) => role !== "learner"),
  );
  expect(members.find(({ name }) => name === "w-3")?.id).not.toBe(old);
}, 60_000);
