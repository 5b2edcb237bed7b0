/**
 * whitewater against Debian's etcd: three members of each side by side on this machine, in the same run, with the same clients. Both make every write durable on a
 * majority before they answer it. Run: npm run bench -- whitewater
 *
 *     npm run bench -- whitewater [--seconds 3] [--kills 5] [--loads s,m,l] [--clients 1,16,100,1000] [--large 200000] [--only etcd]
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { publish, type Row, table } from "./parts/report.js";
import { LARGE_HEAD, large } from "./whitewater/large.js";
import { Caller, type LoadResult, load, PUT, putOf, RANGE, rangeOf } from "./whitewater/load.js";
import { cpuMs, endpointsOf, rssMb, type System, sleep, startEtcd, startWhitewater, V3 } from "./whitewater/servers.js";

const { values: options } = parseArgs({
  // The runner may pass the benchmark's own name first.
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "3" },
    kills: { type: "string", default: "5" },
    loads: { type: "string", default: "s,m,l" },
    clients: { type: "string", default: "1,16,100,1000" },
    large: { type: "string", default: "0" },
    /** One system alone, where both take longer than the machine is quiet. */
    only: { type: "string", default: "" },
  },
});
const seconds = Number(options.seconds);
const loads = options.loads.split(",").filter(Boolean);
const clientCounts = options.clients.split(",").filter(Boolean).map(Number);
const VALUE = Buffer.alloc(1024, "v");
const KEYS = 10_000;
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const whole = (value: number): string => Math.round(value).toLocaleString("en");

interface Measured extends LoadResult {
  /** Of all three members' processors, for each answered question. */
  readonly cpuUs: number;
}

async function measured(system: System, run: () => Promise<LoadResult>): Promise<Measured> {
  const before = cpuMs(system.pids());
  const result = await run();
  return { ...result, cpuUs: ((cpuMs(system.pids()) - before) * 1000) / result.done };
}

/** Each system in turn, and so twice: what else the machine does falls on both. The round with the higher rate counts. */
async function best(systems: readonly System[], run: (system: System) => Promise<LoadResult>): Promise<Measured[]> {
  const found: Measured[][] = systems.map(() => []);
  for (let round = 0; round < 2; round++)
    for (const [i, system] of systems.entries()) found[i]?.push(await measured(system, () => run(system)));
  return found.map((rounds) => rounds.reduce((a, b) => (b.done / b.seconds > a.done / a.seconds ? b : a)));
}

const cellsOf = (
  what: string,
  name: string,
  { done, seconds, p50Ms, p99Ms, slowestMs, cpuUs, failed }: Measured,
): Row => [
  `${what}, ${name}`,
  whole(done / seconds),
  p50Ms.toFixed(1),
  p99Ms.toFixed(1),
  whole(slowestMs),
  whole(cpuUs),
  failed,
];

const LOAD_HEAD = ["", "per second", "p50 ms", "p99 ms", "slowest ms", "CPU µs each", "failed"];

async function questions(systems: readonly System[]): Promise<Row[]> {
  const rows: Row[] = [];
  const kinds: readonly (readonly [string, string, (n: number) => Buffer])[] = [
    ["put of 1 KiB", PUT, (n) => putOf(`bench/${n % KEYS}`, VALUE)],
    ["linearizable get", RANGE, (n) => rangeOf(`bench/${n % KEYS}`, false)],
    ["serializable get", RANGE, (n) => rangeOf(`bench/${n % KEYS}`, true)],
  ];
  for (const [kind, method, messageOf] of kinds)
    for (const clients of kind.startsWith("put") ? clientCounts : clientCounts.slice(-2, -1)) {
      const what = `${kind}, ${clients} ${clients === 1 ? "client" : "clients"}`;
      const results = await best(systems, ({ ports }) => load(ports, clients, seconds, method, messageOf));
      systems.forEach(({ name }, i) => {
        rows.push(cellsOf(what, name, results[i] as Measured));
      });
      console.error(what, results.map(({ done, seconds: took }) => whole(done / took)).join(" : "));
    }
  return rows;
}

/** etcd's own check, which asks for a rate and says whether it was kept up; it prefixes its keys and deletes them afterwards. */
async function checkPerf(system: System, size: string): Promise<Row> {
  const before = cpuMs(system.pids());
  const words = [
    "--endpoints",
    endpointsOf(system.ports),
    "check",
    "perf",
    `--load=${size}`,
    "--prefix",
    `/perf-${size}/`,
  ];
  const child = spawn("etcdctl", [...words, "--auto-compact"], { env: V3, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      text += chunk;
    });
  await new Promise((resolve) => child.once("close", resolve));
  const of = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const rate = of(/(?:Throughput is|Throughput too low:) (\d+) writes\/s/);
  const slowest = of(/[Ss]lowest request took(?: too long:)? ([\d.]+)/);
  const deviation = of(/Stddev(?: is| too high:) ([\d.]+)/);
  // The check lasts a minute.
  const cpuUs = ((cpuMs(system.pids()) - before) * 1000) / (rate * 60);
  const verdict = /^PASS$/m.test(text) ? "PASS" : "FAIL";
  console.error(`check perf ${size}, ${system.name}: ${rate} writes/s, ${verdict}`);
  return [`${size}, ${system.name}`, whole(rate), slowest.toFixed(2), deviation.toFixed(3), whole(cpuUs), verdict];
}

/** From the death of the leader to the next acknowledged write through a member that is left, asked again and again. */
async function killed(system: System): Promise<number> {
  const dead = await system.killLeader();
  const diedAt = performance.now();
  const left = system.ports.filter((port) => port !== dead);
  const ms = await Promise.race(left.map((port) => untilWritten(port, diedAt)));
  await system.heal();
  await sleep(1500);
  return ms;
}

async function untilWritten(port: number, since: number): Promise<number> {
  while (performance.now() - since < 30_000) {
    const caller = await Caller.open(port, PUT);
    // One that hangs is given up, as a client with a deadline would; another is asked at once.
    const timer = setTimeout(() => caller.close(), 500);
    const isWritten = await caller.ask(putOf("bench/after-kill", VALUE));
    clearTimeout(timer);
    caller.close();
    if (isWritten) return performance.now() - since;
    await sleep(5);
  }
  return Number.NaN;
}

async function kills(systems: readonly System[]): Promise<Row[]> {
  const found = systems.map((): number[] => []);
  for (let round = 0; round < Number(options.kills); round++)
    for (const [i, system] of systems.entries()) found[i]?.push(await killed(system));
  return systems.map(({ name }, i) => {
    const times = found[i] ?? [];
    return [name, times.map(whole).join(", "), whole(median(times)), whole(Math.max(...times))];
  });
}

const memoryOf = (systems: readonly System[]): string =>
  systems.map((system) => `${system.name} ${system.pids().map(rssMb).join(", ")}`).join("; ");

const loadBefore = loadavg()[0] ?? 0;
const etcdVersion = execFileSync("etcd", ["--version"], { encoding: "utf8" }).split("\n")[0];
const dir = mkdtempSync(join(tmpdir(), "whitewater-bench-"));
const systems: System[] = [];
try {
  if (options.only !== "etcd") systems.push(await startWhitewater(dir));
  if (options.only !== "whitewater") systems.push(await startEtcd(dir));
  const idle = memoryOf(systems);
  // V8 compiles what it runs while it runs: what is measured is a server that has been up for a moment.
  for (const { ports } of systems) await load(ports, 100, seconds, PUT, (n) => putOf(`bench/${n % KEYS}`, VALUE));
  const asked = await questions(systems);
  const killRows = await kills(systems);
  const checks: Row[] = [];
  for (const size of loads) for (const system of systems) checks.push(await checkPerf(system, size));
  const largeRows: Row[] = [];
  if (Number(options.large) > 0)
    for (const system of systems) largeRows.push(...(await large(system, Number(options.large), dir)));
  const memory = `Resident memory in MB, idle: ${idle}. At the end: ${memoryOf(systems)}.`;
  publish("whitewater", `npm run bench -- whitewater ${process.argv.slice(2).join(" ")}`.trim(), loadBefore, [
    `Three members of whitewater and three of etcd (${etcdVersion}, its own defaults but for the quota) on one machine, clients included; every acknowledged write is synced by a majority. CPU: user and system time of all three members together.`,
    `## \`etcdctl check perf\`\n\nEtcd's clients ask all three members in turn. It asks for 150 (s), 1,000 (m) and 8,000 (l) writes a second for a minute, and fails below 90 % of that, at a request of more than 0.5 s or a standard deviation of more than 0.1 s.`,
    table(["load", "writes/s", "slowest s", "deviation s", "CPU µs per write", "verdict"], checks),
    `## Questions from many connections\n\nConnections are spread over the members, each has one question under way. The better of two rounds of ${seconds} s.`,
    table(LOAD_HEAD, asked),
    `## Very many keys at once\n\n${options.large} keys of 1 KiB, and one client that writes all the time, one write after the other, each through the next member.`,
    table(LARGE_HEAD, largeRows),
    "## `kill -9` of the leader to the next acknowledged write, ms",
    table(["", "each round", "median", "longest"], killRows),
    memory,
    readFileSync(new URL("./whitewater/bounds.md", import.meta.url), "utf8").trim(),
  ]);
} finally {
  for (const system of systems) await system.stop();
  await sleep(200);
  rmSync(dir, { recursive: true, force: true });
}
