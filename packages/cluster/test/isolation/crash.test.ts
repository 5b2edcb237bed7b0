/** The cluster's process is killed again and again while objects are written: what was acknowledged stays, and pods go on serving. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterEach, describe, expect, it } from "vitest";
import { isolationLevels } from "../kubelet/cluster-fixture.ts";

const script = fileURLToPath(new URL("./cluster-process.mjs", import.meta.url));
const rounds = 4;
const writers = 8;
const limitMs = 120_000;
/** Not the first free one: between two rounds it belongs to nobody, and other tests run beside this one. */
const net = 60 + (process.pid % 40);
/** An argument by which the pods' processes are told from all others. */
const mark = String(1_000_000 + process.pid);

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly agent: Agent;
  readonly adminToken: string;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const pid of podProcesses()) process.kill(pid, "SIGKILL");
});

async function start(dir: string, level: string): Promise<Running> {
  const child = spawn(process.execPath, [script, dir, level, String(net)], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const said = createInterface(child.stdout as NodeJS.ReadableStream);
  const [line] = (await Promise.race([once(said, "line"), once(said, "close")])) as [string?];
  if (line === undefined) expect.fail("the cluster did not start; see above why");
  const { url, caPem, adminToken } = JSON.parse(line) as { url: string; caPem: string; adminToken: string };
  return { child, url, adminToken, agent: new Agent({ ca: caPem, keepAlive: true }) };
}

interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

function call<T>(
  { url, agent, adminToken }: Running,
  method: string,
  path: string,
  object?: unknown,
): Promise<Answer<T>> {
  const headers = { authorization: `Bearer ${adminToken}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/api/v1/namespaces/default/${path}`, { method, agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as T }));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(object && JSON.stringify(object));
  });
}

/** Writes until the connection breaks, which it must; adds the names of what has been acknowledged. */
async function write(cluster: Running, prefix: string, acknowledged: Set<string>, onWrite: () => void): Promise<void> {
  for (let count = 0; ; count++) {
    const name = `${prefix}-${count}`;
    try {
      const { status } = await call(cluster, "POST", "configmaps", { metadata: { name }, data: { name } });
      expect(status).toBe(201);
    } catch {
      return;
    }
    acknowledged.add(name);
    onWrite();
  }
}

/** Kills the cluster in the midst of `writers` writers. */
async function crash(cluster: Running, round: number, acknowledged: Set<string>): Promise<void> {
  const exited = once(cluster.child, "exit");
  let left = 25 + round * 40;
  const onWrite = (): void => {
    if (--left === 0) cluster.child.kill("SIGKILL");
  };
  const names = Array.from({ length: writers }, (_, writer) => `r${round}-w${writer}`);
  await Promise.all([...names.map((prefix) => write(cluster, prefix, acknowledged, onWrite)), exited]);
  cluster.agent.destroy();
}

/** Programs of the pods, as the machine sees them. */
function podProcesses(): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => argumentsOf(pid).some((each, at, all) => each === mark && /sleep$/.test(all[at - 1] ?? "")))
    .map(Number);
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** Only the program itself: unshare and the shim have its words among theirs. */
const programs = (): number[] => podProcesses().filter((pid) => /^(sleep|busybox)$/.test(commandOf(pid)));

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trim();
  } catch {
    return "";
  }
}

const containers = (...command: string[]) => [{ name: "main", image: "busybox", command }];
const metadata = (name: string) => ({ name, namespace: "default" });
const sleeper = (name: string) => ({ metadata: metadata(name), spec: { containers: containers("sleep", mark) } });
const server = {
  metadata: metadata("server"),
  spec: { containers: [{ name: "main", image: "hashicorp/http-echo", args: ["-text=still here"] }] },
};

const get = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve(text));
    });
    outgoing.on("error", reject).end();
  });

describe.each(isolationLevels)("a cluster that is killed, with isolation %s", (level) => {
  it("loses nothing that it acknowledged, and no pod", { timeout: limitMs }, async () => {
    const dir = mkdtempSync(join(tmpdir(), "coracle-crash-"));
    const acknowledged = new Set<string>();
    let cluster = await start(dir, level);
    for (const pod of [sleeper("one"), sleeper("two"), server]) await call(cluster, "POST", "pods", pod);
    const read = async (name: string) => (await call<Pod>(cluster, "GET", `pods/${name}`)).body;
    const address = async () => (await read("server")).status?.podIP ?? "";
    await expect.poll(() => programs().length, { timeout: 20_000 }).toBe(2);
    await expect
      .poll(async () => await get(`http://${await address()}:5678/`), { timeout: 20_000 })
      .toBe("still here\n");
    const [before, serverIp] = [programs().sort(), await address()];
    for (let round = 0; round < rounds; round++) {
      await crash(cluster, round, acknowledged);
      expect(await get(`http://${serverIp}:5678/`)).toBe("still here\n");
      cluster = await start(dir, level);
      const list = await call<{ items: { metadata: { name: string } }[] }>(cluster, "GET", "configmaps");
      const present = new Set(list.body.items.map((each) => each.metadata.name));
      expect([...acknowledged].filter((name) => !present.has(name))).toEqual([]);
      expect(programs().sort()).toEqual(before);
      expect(await get(`http://${serverIp}:5678/`)).toBe("still here\n");
    }
    expect(acknowledged.size).toBeGreaterThan(25 * rounds);
    expect((await read("one")).status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, ready: true });
    await call(cluster, "DELETE", "pods/one?gracePeriodSeconds=0");
    await expect.poll(() => programs().length, { timeout: 20_000 }).toBe(1);
    cluster.child.kill("SIGTERM");
    await once(cluster.child, "exit");
    cluster.agent.destroy();
    expect(programs()).toEqual([]);
    rmSync(dir, { recursive: true });
    expect(existsSync(dir)).toBe(false);
  });

  it("ends what a cluster left that was killed while pods were starting", { timeout: limitMs }, async () => {
    const dir = mkdtempSync(join(tmpdir(), "coracle-crash-"));
    let cluster = await start(dir, level);
    const names = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(names.map((name) => call(cluster, "POST", "pods", sleeper(name))));
    await expect.poll(() => programs().length, { interval: 1, timeout: 20_000 }).toBeGreaterThan(0);
    cluster.child.kill("SIGKILL");
    await once(cluster.child, "exit");
    cluster.agent.destroy();
    cluster = await start(dir, level);
    const isRunning = async () => {
      const { body } = await call<{ items: Pod[] }>(cluster, "GET", "pods");
      return body.items.filter(({ status }) => status?.containerStatuses?.[0]?.ready).length;
    };
    await expect.poll(isRunning, { timeout: 30_000 }).toBe(names.length);
    expect(programs().length).toBe(names.length);
    cluster.child.kill("SIGTERM");
    await once(cluster.child, "exit");
    cluster.agent.destroy();
    expect(programs()).toEqual([]);
    rmSync(dir, { recursive: true });
  });
});
