/**
 * How long `coracle up kvstore` takes, what it costs in memory, and how long writes stop when the leader goes. Run: npm run bench -- up
 *
 * The cluster is started on its own first, so that its time and the pods' are told apart. Each failover is the longest gap between two
 * acknowledged writes of one client that writes all the time through the Service. redis-benchmark asks the leader at its pod's own address and
 * through the Service in turns: the difference is what the cluster's service proxy costs.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publish, type Row, table } from "./parts/report.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "coracle-bench-"));
const env = { ...process.env, CORACLE_HOME: home, KUBECONFIG: join(home, "kubeconfig") };
const rounds = Number(process.argv[2] ?? 5);

const run = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const coracle = (...args: string[]): string => run(process.execPath, join(root, "packages/cli/dist/main.js"), ...args);
const kubectl = (...args: string[]): string => run("kubectl", "-n", "kvstore", ...args);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds from the start of the cluster's process until its API says that it is ready. */
async function timeCluster(): Promise<{ readonly ms: number; readonly daemon: ChildProcess }> {
  const startedAt = performance.now();
  const daemon = spawn(process.execPath, [join(root, "packages/cli/dist/daemon.js"), "{}"], {
    env,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  await new Promise((resolve, reject) => {
    daemon.once("message", resolve);
    daemon.once("exit", reject);
  });
  return { ms: performance.now() - startedAt, daemon };
}

/** Writes one key after the other and remembers the longest time without an acknowledgement. */
class Writer {
  acknowledged = 0;
  longestGapMs = 0;
  #lastAt = performance.now();
  #isStopping = false;
  readonly #host: string;

  constructor(host: string) {
    this.#host = host;
  }

  async run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#session();
      await sleep(5);
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  #session(): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(5555, this.#host);
      socket.setTimeout(1000, () => socket.destroy());
      socket.on("connect", () => this.#write(socket));
      socket.on("data", (answer) => {
        if (answer[0] !== 0x2b) return void socket.destroy();
        const now = performance.now();
        this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAt);
        this.#lastAt = now;
        this.acknowledged++;
        if (this.#isStopping) socket.destroy();
        else this.#write(socket);
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
    });
  }

  #write(socket: Socket): void {
    const key = `bench-${this.acknowledged}`;
    socket.write(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$1\r\nv\r\n`);
  }
}

const leader = (): string => kubectl("get", "pods", "-l", "role=master", "-o", "jsonpath={.items[*].metadata.name}");

const strikes: Readonly<Record<string, (pod: string) => void>> = {
  "leader's process killed (-9)": (pod) => {
    const { pid } = JSON.parse(kubectl("exec", pod, "-c", "kvstore", "--", "kvstore", "status", "--json")) as {
      pid: number;
    };
    try {
      kubectl("exec", pod, "-c", "kvstore", "--", "kill", "-9", String(pid));
    } catch {
      // The kill may take the exec itself with it.
    }
  },
  "leader's pod deleted": (pod) => void kubectl("delete", "pod", pod, "--wait=false"),
  "leader's pod deleted without grace": (pod) => void kubectl("delete", "pod", pod, "--grace-period=0", "--force"),
};

async function settled(): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const text = kubectl("get", "statefulset", "kvstore", "-o", "jsonpath={.status.readyReplicas}");
    const lease = kubectl(
      "get",
      "lease",
      "kvstore-leader",
      "-o",
      "jsonpath={.metadata.annotations.coracle\\.dev/in-sync}",
    );
    if (text === "3" && (JSON.parse(lease) as { members: string[] }).members.length === 3) return;
    await sleep(100);
  }
}

async function timeFailover(strike: (pod: string) => void, host: string): Promise<number> {
  await settled();
  const writer = new Writer(host);
  const running = writer.run();
  await sleep(1000);
  const before = leader();
  strike(before);
  for (let attempt = 0; attempt < 300 && leader() === before; attempt++) await sleep(100);
  const until = writer.acknowledged + 100;
  while (writer.acknowledged < until) await sleep(20);
  writer.stop();
  await running;
  return writer.longestGapMs;
}

function memoryOf(pid: number | string): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1000;
}

/** The servers of this cluster's pods: found by their address, which is in their environment. */
function serverPids(): string[] {
  const addresses = kubectl("get", "pods", "-l", "app=kvstore", "-o", "jsonpath={.items[*].status.podIP}").split(" ");
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      const variables = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      return (
        /node$/.test(words[0] ?? "") &&
        words.includes("server") &&
        addresses.some((each) => variables.includes(`POD_IP=${each}`))
      );
    } catch {
      return false;
    }
  });
}

const LOADS = [
  ["SET, 50 clients", "-t", "set", "-n", "50000", "-c", "50"],
  ["GET, 50 clients", "-t", "get", "-n", "50000", "-c", "50"],
  ["SET, 50 clients, 16 at once", "-t", "set", "-n", "200000", "-c", "50", "-P", "16"],
  ["GET, 50 clients, 16 at once", "-t", "get", "-n", "200000", "-c", "50", "-P", "16"],
] as const;

/** Requests per second, of redis-benchmark. */
function rateAt(host: string, words: readonly string[]): number {
  const lines = run("redis-benchmark", "-h", host, "-p", "5555", "--csv", ...words)
    .trim()
    .split("\n");
  return Number((lines.at(-1) ?? "").split(",")[1]?.replaceAll('"', ""));
}

function compareWays(serviceHost: string): Row[] {
  const podHost = kubectl("get", "pod", leader(), "-o", "jsonpath={.status.podIP}");
  return LOADS.map(([name, ...words]) => {
    rateAt(podHost, words);
    const pairs = Array.from({ length: rounds }, () => [rateAt(podHost, words), rateAt(serviceHost, words)] as const);
    const [direct, proxied, ratio] = [
      pairs.map(([each]) => each),
      pairs.map(([, each]) => each),
      pairs.map(([a, b]) => b / a),
    ].map(median) as [number, number, number];
    return [name, `${Math.round(direct)}/s`, `${Math.round(proxied)}/s`, ratio.toFixed(2)];
  });
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const results: Row[] = [];
const ways: Row[] = [];
const row = (name: string, value: string): void => {
  results.push([name, value]);
  process.stderr.write(`${name}: ${value}\n`);
};

const loadBefore = loadavg()[0] as number;
const { ms: clusterMs, daemon } = await timeCluster();
try {
  const startedAt = performance.now();
  coracle("up", "kvstore");
  const podsMs = performance.now() - startedAt;
  await sleep(3000);
  row("cluster answers after", `${Math.round(clusterMs)} ms`);
  row("three pods ready, leader named, after further", `${Math.round(podsMs)} ms`);
  row("memory of the cluster's process", `${Math.round(memoryOf(daemon.pid as number))} MB`);
  row(
    "memory of each kvstore server",
    serverPids()
      .map((pid) => `${Math.round(memoryOf(pid))} MB`)
      .join(", "),
  );
  const host = kubectl("get", "svc", "kvstore-master", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}");
  ways.push(...compareWays(host));
  for (const [name, strike] of Object.entries(strikes)) {
    const gaps: number[] = [];
    for (let round = 0; round < rounds; round++) gaps.push(await timeFailover(strike, host));
    row(
      `${name}: longest pause of writes, ${rounds} rounds`,
      `median ${Math.round(median(gaps))} ms, worst ${Math.round(Math.max(...gaps))} ms`,
    );
  }
} finally {
  daemon.kill("SIGTERM");
  await new Promise((resolve) => daemon.once("exit", resolve));
  rmSync(home, { recursive: true, force: true });
}
publish("up", `npm run bench -- up ${rounds}`, loadBefore, [
  table(["what", "measured"], results),
  table(["redis-benchmark, sync mode, three replicas", "leader's pod address", "through the Service", "ratio"], ways),
  "A process that is killed again and again meets the kubelet's restart back-off, as on any Kubernetes; from then on the Lease has to expire first.",
]);
