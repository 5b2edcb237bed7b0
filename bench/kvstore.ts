/**
 * kvstore against Redis (its primary with `appendfsync always` and two replicas), on this machine, in the same run. Run: npm run bench -- kvstore
 *
 * Three systems of three processes each stand side by side: Redis, kvstore in sync and in async mode. Rounds alternate between them, so that
 * what else the machine does falls on all; what counts is the median of the rounds' ratios. The Lease is kept in this process.
 *
 *     npm run bench -- kvstore [--rounds 5] [--keys 1000000,10000000] [--only '500,000 keys'] [--out bench/results/kvstore.md]
 *
 * A part of it: `--only` takes the workloads whose names match, `--keys ''` leaves the many keys of one member out.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { arch, cpus, release, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { askOnce } from "../systems/kvstore/dist/index.js";
import { type MemberProcess, ProcessGroup } from "../systems/kvstore/dist/testing/process-group.js";

const { values: options } = parseArgs({
  // The runner may pass the benchmark's own name first.
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    keys: { type: "string", default: "1000000,10000000" },
    only: { type: "string", default: "" },
    out: { type: "string", default: "bench/results/kvstore.md" },
  },
});
const rounds = Number(options.rounds);
const HOST = "127.0.0.1";
const dir = mkdtempSync(join(tmpdir(), "kvstore-bench-"));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

interface System {
  readonly name: string;
  readonly port: number;
  /** The primary first. */
  readonly pids: readonly number[];
  /** What makes a write as safe as kvstore's sync mode: sent behind each SET. */
  readonly barrier: string;
  stop(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, HOST, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Resolves once the condition holds; gives up after half a minute. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await holds().catch(() => false)) return;
    await sleep(50);
  }
  throw new RangeError(`gave up waiting: ${what}`);
}

const ask = (port: number, ...words: string[]) => askOnce({ host: HOST, port, timeoutMs: 30_000 }, ...words);

async function startRedis(): Promise<System> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const servers = ports.map((port, i) => {
    const folder = join(dir, `redis-${i}`);
    mkdirSync(folder);
    const settings = [
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
      "--save",
      "",
      "--repl-diskless-sync-delay",
      "0",
    ];
    const role = i === 0 ? [] : ["--replicaof", `${HOST} ${ports[0]}`];
    const words = ["--port", String(port), "--bind", HOST, "--dir", folder, ...settings, ...role];
    return spawn("redis-server", words, { stdio: "ignore" });
  });
  await until("Redis' replicas", async () => String(await ask(ports[0] as number, "WAIT", "2", "100")) === "2");
  return {
    name: "Redis",
    port: ports[0] as number,
    pids: servers.map(({ pid }) => pid ?? 0),
    barrier: "WAIT 1 0\r\n",
    stop: async () => void (await Promise.all(servers.map(ended))),
  };
}

function ended(server: ChildProcess): Promise<unknown> {
  const gone = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  return gone;
}

async function startKvstore(mode: "sync" | "async", members = 3): Promise<System & { readonly group: ProcessGroup }> {
  const flags = ["--replication-mode", mode];
  const group = new ProcessGroup({ dir: join(dir, `${mode}-${members}`), leaseMs: 15_000, flags });
  for (let i = 0; i < members; i++) await group.start(`kvstore-${i}`);
  let primary: MemberProcess | undefined;
  await until("kvstore in sync", async () => {
    primary = await group.holder();
    const status = JSON.parse(String(await ask(primary?.port ?? 0, "STATUS")));
    return status.role === "primary" && status.inSync.length === members;
  });
  const first = primary as MemberProcess;
  return {
    name: `kvstore ${mode}`,
    port: first.port,
    pids: [first, ...group.members.filter((member) => member !== first)].map(({ pid }) => pid),
    barrier: "",
    group,
    stop: () => group[Symbol.asyncDispose](),
  };
}

interface Result {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const execute = promisify(execFile);

async function redisBenchmark(system: System, words: readonly string[]): Promise<Result> {
  const { stdout } = await execute("redis-benchmark", ["-h", HOST, "-p", String(system.port), "--csv", ...words]);
  const cells = (stdout.trim().split("\n").at(-1) ?? "").split(",").map((cell) => Number(cell.replaceAll('"', "")));
  return { perSecond: cells[1] ?? 0, p50Ms: cells[4] ?? 0, p99Ms: cells[6] ?? 0 };
}

const SAFE_WRITES = 20_000;
const SAFE_CLIENTS = 50;

/** One client after another write: SET and, on Redis, WAIT in one packet; both answers are awaited. */
async function safeWrites(system: System): Promise<Result> {
  const command = Buffer.from(`*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\nxxx\r\n${system.barrier}`);
  const lines = system.barrier === "" ? 1 : 2;
  const latencies: number[] = [];
  let left = SAFE_WRITES;
  const startedAt = performance.now();
  const one = async (): Promise<void> => {
    const socket = await open(system.port);
    while (left-- > 0) {
      const sentAt = performance.now();
      socket.write(command);
      await linesOf(socket, lines);
      latencies.push(performance.now() - sentAt);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: SAFE_CLIENTS }, one));
  const seconds = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { perSecond: SAFE_WRITES / seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

const open = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: HOST, port, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });

function linesOf(socket: Socket, count: number): Promise<void> {
  return new Promise((resolve) => {
    let missing = count;
    const take = (chunk: Buffer): void => {
      for (const byte of chunk) if (byte === 10) missing--;
      if (missing > 0) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
  });
}

interface Workload {
  readonly name: string;
  readonly operations: number;
  readonly systems: readonly string[];
  run(system: System): Promise<Result>;
}

const benchmark = (name: string, operations: number, ...words: string[]): Workload => ({
  name,
  operations,
  systems: ["Redis", "kvstore sync", "kvstore async"],
  run: (system) => redisBenchmark(system, [...words, "-n", String(operations)]),
});

const WORKLOADS: readonly Workload[] = [
  benchmark("SET, 50 clients", 100_000, "-t", "set", "-c", "50"),
  benchmark("GET, 50 clients", 100_000, "-t", "get", "-c", "50"),
  benchmark("SET, 50 clients, 16 at once", 400_000, "-t", "set", "-c", "50", "-P", "16"),
  benchmark("GET, 50 clients, 16 at once", 400_000, "-t", "get", "-c", "50", "-P", "16"),
  // Those above are of one key. These are of 500,000: more than kvstore keeps in memory of its own.
  benchmark("SET of 500,000 keys, 16 at once", 400_000, "-t", "set", "-c", "50", "-P", "16", "-r", "500000"),
  benchmark("GET of 500,000 keys, 50 clients", 100_000, "-t", "get", "-c", "50", "-r", "500000"),
  benchmark("GET of 500,000 keys, 16 at once", 400_000, "-t", "get", "-c", "50", "-P", "16", "-r", "500000"),
  {
    name: "SET on a second disk: Redis SET + WAIT 1, kvstore SET",
    operations: SAFE_WRITES,
    systems: ["Redis", "kvstore sync"],
    run: safeWrites,
  },
];

/** Milliseconds of processor time so far. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const rssMb = (pid: number): number =>
  Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1000);

/** What the process holds itself, and beside it the pages of the map's file that the system keeps cached for as long as it has room. */
function memoryOf(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mb = (field: string): number =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1000);
  return `${mb("RssAnon")} MB (+ ${mb("RssFile")} MB of cached files)`;
}

interface Series {
  readonly results: Result[];
  /** Microseconds of processor per operation: the primary, one replica. */
  readonly cpu: (readonly [number, number])[];
}

async function measure(systems: readonly System[], { name, operations, systems: names, run }: Workload) {
  const found = new Map<string, Series>();
  for (let round = -1; round < rounds; round++)
    for (const system of systems.filter((candidate) => names.includes(candidate.name))) {
      const before = system.pids.map(cpuMs);
      const result = await run(system);
      const used = system.pids.map((pid, i) => ((cpuMs(pid) - (before[i] ?? 0)) * 1000) / operations);
      // The first round warms up.
      if (round < 0) continue;
      const series = found.get(system.name) ?? { results: [], cpu: [] };
      found.set(system.name, series);
      series.results.push(result);
      series.cpu.push([used[0] ?? 0, used[1] ?? 0]);
    }
  console.error(
    name,
    [...found].map(([who, { results }]) => [who, Math.round(median(results.map((r) => r.perSecond)))]),
  );
  return found;
}

function rowsOf(workload: Workload, found: ReadonlyMap<string, Series>): string[] {
  const redis = found.get("Redis");
  return [...found].map(([name, { results, cpu }]) => {
    const ratios = results.map((result, i) => result.perSecond / (redis?.results[i]?.perSecond ?? Number.NaN));
    const of = (pick: (result: Result) => number): number => median(results.map(pick));
    const cells = [
      workload.name,
      name,
      Math.round(of((result) => result.perSecond)).toLocaleString("en"),
      name === "Redis" ? "1" : median(ratios).toFixed(2),
      of((result) => result.p50Ms).toFixed(2),
      of((result) => result.p99Ms).toFixed(2),
      median(cpu.map(([primary]) => primary)).toFixed(1),
      median(cpu.map(([, replica]) => replica)).toFixed(1),
    ];
    return `| ${cells.join(" | ")} |`;
  });
}

const VALUE = "x".repeat(100);
const LOAD_BATCH = 1000;

const SIZE_ROWS = [
  `loading, 16 clients with ${LOAD_BATCH} SETs at once`,
  "memory after it",
  "on disk, the log included",
  "a whole snapshot, streamed to a client",
  "memory after it",
  "kill -9, then from the start of the process until it listens",
  "memory after it",
];

/** One member, many keys of 100 bytes: memory, start after kill -9, a whole snapshot. One cell for each of `SIZE_ROWS`. */
async function measureSize(keys: number): Promise<string[]> {
  const system = await startKvstore("sync", 1);
  const { group } = system;
  const loadMs = await timed(() => load(system.port, keys));
  const loaded = memoryOf(system.pids[0] as number);
  const snapshotMs = await timed(() => readSnapshot(system.port));
  const snapshot = memoryOf(system.pids[0] as number);
  const diskMb = Number(execFileSync("du", ["-sm", join(dir, "sync-1")], { encoding: "utf8" }).split("\t")[0]);
  await group.members[0]?.kill("SIGKILL");
  let again: MemberProcess | undefined;
  const listeningMs = await timed(async () => {
    again = await group.start("kvstore-0");
  });
  const restarted = memoryOf(again?.pid ?? 0);
  await until("the data again", async () => Number(await ask(again?.port ?? 0, "DBSIZE")) === keys);
  await system.stop();
  rmSync(join(dir, "sync-1"), { recursive: true });
  const rate = Math.round(keys / (loadMs / 1000)).toLocaleString("en");
  return [
    `${(loadMs / 1000).toFixed(1)} s (${rate} keys/s)`,
    loaded,
    `${diskMb} MB`,
    `${(snapshotMs / 1000).toFixed(1)} s`,
    snapshot,
    `${Math.round(listeningMs)} ms`,
    restarted,
  ];
}

async function sizeTable(): Promise<string[]> {
  const sizes = options.keys.split(",").filter(Boolean).map(Number);
  const columns: string[][] = [];
  for (const keys of sizes) columns.push(await measureSize(keys));
  const head = `| | ${sizes.map((keys) => keys.toLocaleString("en")).join(" | ")} |\n|---|${sizes.map(() => "---|").join("")}`;
  return [head, ...SIZE_ROWS.map((row, i) => `| ${row} | ${columns.map((cells) => cells[i]).join(" | ")} |`)];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function load(port: number, keys: number): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    const socket = await open(port);
    while (next < keys) {
      const first = next;
      next = Math.min(keys, first + LOAD_BATCH);
      let text = "";
      for (let i = first; i < next; i++) {
        // Scattered over the map, as real keys are.
        const key = `key:${((i * 7_919) % keys).toString().padStart(10, "0")}`;
        text += `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$100\r\n${VALUE}\r\n`;
      }
      socket.write(text);
      await linesOf(socket, next - first);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

/** Until the empty bulk string at its end. */
async function readSnapshot(port: number): Promise<void> {
  const socket = await open(port);
  let tail = "";
  socket.write("SNAPSHOT\r\n");
  for await (const chunk of socket) {
    tail = (tail + (chunk as Buffer).toString("latin1")).slice(-10);
    if (tail.endsWith("\r\n$0\r\n\r\n")) break;
  }
  socket.destroy();
}

const version = (program: string): string => execFileSync(program, ["--version"], { encoding: "utf8" }).trim();

function page(rows: readonly string[], memory: readonly string[], size: readonly string[], load1: string): string {
  const [cpu] = cpus();
  return `# kvstore against Redis

Written by \`bench/kvstore.ts\`: \`npm run bench -- kvstore --rounds ${rounds} --keys ${options.keys}\`, ${new Date().toISOString().slice(0, 16)}Z.
${cpus().length} processors (${cpu?.model.trim()}, ${arch()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node.js ${process.version}. ${version("redis-server")}.
Load average when it began: ${load1}. Redis: \`appendonly yes\`, \`appendfsync always\`, two replicas; it answers before its replicas have the write.
kvstore: three processes; sync answers when the disks of all three have it, async when the primary's has. Client and servers share the processors.

Medians of ${rounds} rounds; the ratio is the median of the rounds' own ratios. Processor time is microseconds per command.

| workload | system | per second | to Redis | p50 ms | p99 ms | primary's CPU | a replica's CPU |
|---|---|---|---|---|---|---|---|
${rows.join("\n")}

${memory.join("\n")}

## What bounds it

The processors: the client and three servers share them, so what counts is the sum over all of them. Of a GET, half is the kernel's work on the socket, the same as
Redis has; the rest is Node's streams. A key read lately is in memory (16 MiB of rows); one that is not costs a read of the map: compare one key with 500,000.
Of a SET, most is its share of a round: one entry in the log, one write to each disk, in sync mode one message to each replica and back. A round costs nearly the same
whatever it holds, so the more writes are under way at once, the cheaper each (compare 16 at once). In async mode replicas are sent many rounds at once.
Of a SET of many keys, each member also pays for the map on disk: a thread beside the serving one sorts, seals and writes every changed key, and there are three such threads here for two
processors. On machines of their own, members would share nothing but the network.

## Many keys of 100 bytes, one member

${size.join("\n")}
`;
}

const loadAverage = readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" ");
const systems: System[] = [];
try {
  systems.push(await startRedis(), await startKvstore("sync"), await startKvstore("async"));
  await sleep(1000);
  const idle = systems.map(({ name, pids }) => `${name} ${pids.map(rssMb).join(", ")}`);
  const rows: string[] = [];
  const workloads = WORKLOADS.filter(({ name }) => new RegExp(options.only).test(name));
  for (const workload of workloads) rows.push(...rowsOf(workload, await measure(systems, workload)));
  const after = systems.map(({ name, pids }) => `${name} ${pids.map(rssMb).join(", ")}`);
  const memory = [`Resident memory in MB, idle: ${idle.join("; ")}. After the load: ${after.join("; ")}.`];
  for (const system of systems.splice(0)) await system.stop();
  const text = page(rows, memory, await sizeTable(), loadAverage);
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, text);
  console.log(text);
} finally {
  for (const system of systems) await system.stop();
  rmSync(dir, { recursive: true, force: true });
}
