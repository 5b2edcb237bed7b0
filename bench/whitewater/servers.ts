/** Three members of either kind on loopback, each with a disk folder of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, ProcessGroup } from "../../systems/whitewater/dist/testing/process-group.js";
import { Caller, PUT, putOf } from "./load.js";

export interface System {
  readonly name: string;
  readonly ports: readonly number[];
  pids(): readonly number[];
  /** Ends the leader with SIGKILL; resolves with its port as soon as the process is gone. */
  killLeader(): Promise<number>;
  /** Starts what was killed again; resolves when all members serve. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves once the condition holds; gives up after a minute. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await holds().catch(() => false)) return;
    await sleep(100);
  }
  throw new RangeError(`gave up waiting: ${what}`);
}

async function serves(port: number): Promise<boolean> {
  const caller = await Caller.open(port, PUT);
  const timer = setTimeout(() => caller.close(), 1000);
  const isServing = await caller.ask(putOf("bench/serves", Buffer.from("x")));
  clearTimeout(timer);
  caller.close();
  return isServing;
}

async function allServe(ports: readonly number[]): Promise<void> {
  for (const port of ports) await until(`the member at ${port}`, () => serves(port));
}

export async function startWhitewater(
  dir: string,
  name = "whitewater",
  flags: readonly string[] = [],
): Promise<System> {
  const group = new ProcessGroup({ dir: join(dir, name), flags: ["--quota-mib", "0", ...flags] });
  await group.startAll();
  const portOf = (address: string): number => Number(address.split(":").at(-1));
  const names = group.members.map((member) => member.name);
  const ports = group.members.map(({ etcdAddress }) => portOf(etcdAddress));
  await allServe(ports);
  return {
    name,
    ports,
    pids: () => group.members.map(({ pid }) => pid),
    async killLeader() {
      const { leader } = await group.until((answer) => answer.leader !== null);
      const member = group.members.find(({ name }) => name === leader?.name);
      if (!member) throw new RangeError("no process leads");
      await member.kill("SIGKILL");
      return portOf(member.etcdAddress);
    },
    async heal() {
      for (const each of names) await group.start(each);
      await allServe(ports);
    },
    stop: () => group[Symbol.asyncDispose](),
  };
}

/** Debian's etcd with its own defaults; only its quota is lifted. */
export async function startEtcd(dir: string): Promise<System> {
  const places: { readonly name: string; readonly port: number; readonly peerPort: number }[] = [];
  for (let i = 0; i < 3; i++) places.push({ name: `e${i}`, port: await freePort(), peerPort: await freePort() });
  const cluster = places.map(({ name, peerPort }) => `${name}=http://${HOST}:${peerPort}`).join(",");
  const running: (ChildProcess | undefined)[] = [];
  const start = (i: number): void => {
    const { name, port, peerPort } = places[i] as (typeof places)[number];
    const urls = ["client", "peer"].flatMap((kind) => {
      const url = `http://${HOST}:${kind === "peer" ? peerPort : port}`;
      const told = kind === "peer" ? "initial-advertise-peer" : "advertise-client";
      return [`--listen-${kind}-urls=${url}`, `--${told}-urls=${url}`];
    });
    const rest = [`--initial-cluster=${cluster}`, `--quota-backend-bytes=${8 * 2 ** 30}`];
    running[i] = spawn("etcd", [`--name=${name}`, `--data-dir=${join(dir, name)}`, ...urls, ...rest], {
      stdio: "ignore",
    });
  };
  places.forEach((_, i) => {
    start(i);
  });
  const ports = places.map(({ port }) => port);
  await allServe(ports);
  return {
    name: "etcd",
    ports,
    pids: () => running.flatMap((child) => child?.pid ?? []),
    async killLeader() {
      const i = ports.indexOf(leaderPort(ports));
      await ended(running[i], "SIGKILL");
      running[i] = undefined;
      return ports[i] as number;
    },
    async heal() {
      for (const [i, child] of running.entries()) if (!child) start(i);
      await allServe(ports);
    },
    stop: async () => void (await Promise.all(running.map((child) => ended(child, "SIGTERM")))),
  };
}

interface EndpointStatus {
  readonly Endpoint: string;
  readonly Status: { readonly header: { readonly member_id: number }; readonly leader: number };
}

function leaderPort(ports: readonly number[]): number {
  const words = ["--endpoints", endpointsOf(ports), "endpoint", "status", "-w", "json"];
  const found = JSON.parse(execFileSync("etcdctl", words, { encoding: "utf8", env: V3 })) as EndpointStatus[];
  const leading = found.find(({ Status }) => Status.header.member_id === Status.leader);
  return Number(leading?.Endpoint.split(":").at(-1));
}

export const V3 = { ...process.env, ETCDCTL_API: "3" };
export const endpointsOf = (ports: readonly number[]): string => ports.map((port) => `${HOST}:${port}`).join(",");

function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<unknown> {
  if (!child) return Promise.resolve();
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  return gone;
}

/** Processor time of all together, user and system, in milliseconds. */
export function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10;
}

export const rssMb = (pid: number): number =>
  Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1000);
