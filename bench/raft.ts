/**
 * Proposals per second of a Raft group of three processes on this machine, every group of them durable (O_DSYNC) on a majority before it is answered, and what
 * bounds the rate: CPU time per proposal in leader and followers, and entries per durable write. At the end the leader is killed under load. Run: npm run bench -- raft
 *
 *     npm run bench -- raft [--clients 64,512] [--bytes 256] [--seconds 5]
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Entry, openRaft, type StateMachine } from "../packages/raft/dist/index.js";

interface Report {
  readonly done: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}
interface Usage {
  readonly isLeader: boolean;
  readonly cpuMs: number;
  readonly writes: number;
  readonly entries: number;
}

class Counter implements StateMachine {
  #applied = 0;
  applied = () => this.#applied;
  apply(entries: readonly Entry[]): readonly unknown[] {
    this.#applied = entries.at(-1)?.index ?? this.#applied;
    return entries.map(({ index }) => index);
  }
  snapshot() {
    async function* nothing() {}
    return { index: this.#applied, chunks: nothing() };
  }
  async restore(index: number): Promise<void> {
    this.#applied = index;
  }
}

const idOf = (number: number): string => number.toString(16).padStart(16, "0");

/** One member, told what to do by messages from the parent. */
async function member(number: number, dir: string, ports: readonly number[]): Promise<void> {
  const bootstrap = ports.map((port, i) => ({ id: idOf(i + 1), name: `pod-${i + 1}`, address: `127.0.0.1:${port}` }));
  const counts = { writes: 0, entries: 0 };
  const raft = await openRaft({
    id: idOf(number),
    clusterId: "bench",
    dir,
    stateMachine: new Counter(),
    bootstrap,
    listen: { host: "127.0.0.1", port: ports[number - 1] as number },
    metrics: {
      appended: (entries) => {
        counts.writes++;
        counts.entries += entries;
      },
    },
  });
  await raft.start();
  const usage = (): Usage => {
    const { user, system } = process.cpuUsage();
    return { isLeader: raft.status().role === "leader", cpuMs: (user + system) / 1000, ...counts };
  };
  const load = async (clients: number, bytes: number, ms: number): Promise<Report> => {
    const end = performance.now() + ms;
    const latencies: number[] = [];
    const client = async () => {
      while (performance.now() < end) {
        const begun = performance.now();
        await raft.propose(Buffer.alloc(bytes, 1));
        latencies.push(performance.now() - begun);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    latencies.sort((a, b) => a - b);
    const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? 0;
    return { done: latencies.length, p50: at(0.5), p99: at(0.99), longest: latencies.at(-1) ?? 0 };
  };
  process.on("message", async (order: { readonly kind: string; readonly args: [number, number, number] }) => {
    process.send?.(order.kind === "usage" ? usage() : await load(...order.args));
  });
  process.send?.("ready");
}

const ask = <R>(child: ChildProcess, kind: string, ...args: number[]): Promise<R> =>
  new Promise((resolve) => {
    child.once("message", (answer) => resolve(answer as R));
    child.send({ kind, args });
  });

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function main(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      clients: { type: "string", default: "64,512" },
      bytes: { type: "string", default: "256" },
      seconds: { type: "string", default: "5" },
    },
  });
  const dir = mkdtempSync(join(tmpdir(), "raft-bench-"));
  const ports = [await freePort(), await freePort(), await freePort()];
  const children = ports.map((_, i) =>
    fork(fileURLToPath(import.meta.url), ["member", String(i + 1), join(dir, String(i + 1)), ports.join()]),
  );
  try {
    await Promise.all(children.map((child) => new Promise((resolve) => child.once("message", resolve))));
    const usages = () => Promise.all(children.map((child) => ask<Usage>(child, "usage")));
    let leader = -1;
    while (leader < 0) leader = (await usages()).findIndex((usage) => usage.isLeader);
    const follower = (leader + 1) % 3;
    console.log("| at | clients | proposals/s | p50 ms | p99 ms | leader µs/op | follower µs/op | entries per write |");
    console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
    const ms = Number(values.seconds) * 1000;
    await ask(children[leader] as ChildProcess, "load", 64, Number(values.bytes), 2000);
    for (const clients of values.clients.split(",").map(Number))
      for (const at of [leader, follower]) {
        const before = await usages();
        const { done, p50, p99 } = await ask<Report>(
          children[at] as ChildProcess,
          "load",
          clients,
          Number(values.bytes),
          ms,
        );
        const after = await usages();
        const cpu = (i: number) => (((after[i] as Usage).cpuMs - (before[i] as Usage).cpuMs) * 1000) / done;
        const grown = (key: "entries" | "writes") => (after[leader] as Usage)[key] - (before[leader] as Usage)[key];
        const figures = [
          at === leader ? "leader" : "follower",
          clients,
          (done / ms) * 1000,
          p50,
          p99,
          cpu(leader),
          cpu(follower),
        ];
        const shown = [...figures, grown("entries") / grown("writes")].map((it) =>
          typeof it === "number" ? it.toFixed(1) : it,
        );
        console.log(`| ${shown.join(" | ")} |`);
      }
    const loaded = ask<Report>(children[follower] as ChildProcess, "load", 8, Number(values.bytes), 4000);
    setTimeout(() => children[leader]?.kill("SIGKILL"), 1000);
    const { longest } = await loaded;
    console.log(
      `\nLeader killed under 8 clients at a follower: the longest that one proposal took was ${longest.toFixed(0)} ms; none failed.`,
    );
  } finally {
    for (const child of children) child.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  }
}

const [role, number, dir, ports = ""] = process.argv.slice(2);
if (role === "member") await member(Number(number), dir as string, ports.split(",").map(Number));
else await main();
