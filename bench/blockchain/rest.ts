/**
 * REST requests a second at a node: without rate limits, with local buckets, with buckets in Redis; and Node's bare HTTP server with an answer of
 * the same size, which is the bound. The client is a few raw sockets with one request at a time each, so that it costs little beside.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Row, table } from "../parts/report.ts";
import { measure, percent, Rounds } from "./measure.ts";
import { freePort, OurNode, until } from "./ours.ts";
import { cpuOfTree } from "./peer.ts";

const PATH = "/api/v1/blockchain";
const REQUESTS = 4000;
const CONNECTIONS = 16;
const WARM_UP = 2;
const ROUNDS = 5;

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly rounds: Rounds;
  stop(): Promise<void>;
}

/** One answer after the other on one connection; resolves with the size of the last body. */
async function drive(port: number, count: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  const request = `GET ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
  let size = 0;
  let left = count;
  let text = "";
  await once(socket, "connect");
  const done = new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (part) => {
      text += part.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      if (head === -1) return;
      size = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
      if (!text.startsWith("HTTP/1.1 200") || Number.isNaN(size)) return reject(new TypeError(text.slice(0, 300)));
      if (text.length < head + 4 + size) return;
      text = "";
      left--;
      if (left === 0) resolve();
      else socket.write(request);
    });
  });
  socket.write(request);
  await done.finally(() => socket.destroy());
  return size;
}

async function load(port: number): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, () => drive(port, REQUESTS / CONNECTIONS)));
}

function limitsFile(dir: string, redisPort: number | undefined): string {
  const path = join(dir, "Settings.toml");
  // More tokens than the benchmark takes: what counts is the drawing of them.
  writeFileSync(
    path,
    `[rate_limiter]
${redisPort === undefined ? "" : `redis_addr = "127.0.0.1:${redisPort}"`}
ip_whitelist = []
[[rate_limiter.limiter]]
strategy = "ip"
global_bucket = { tokens_count = 1000000, add_tokens_every = 1 }
`,
  );
  return path;
}

async function nodeWith(name: string, parent: string, limits: boolean, redisPort?: number): Promise<Contender> {
  const dir = join(parent, name.replace(/\W+/g, "-"));
  mkdirSync(dir);
  const settings = limits ? { RL_SETTINGS_PATH: limitsFile(dir, redisPort) } : {};
  const node = await OurNode.start(dir, { NODE_IS_WEB_SERVER: "true", ...settings });
  return { name, port: node.webPort, pid: node.pid, rounds: new Rounds(), stop: () => node.stop() };
}

async function child(command: string, args: readonly string[], port: number): Promise<ChildProcess> {
  const started = spawn(command, args, { stdio: "ignore" });
  await once(started, "spawn");
  await until(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1");
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      }),
    `${command} on port ${port}`,
  );
  return started;
}

async function ended(process_: ChildProcess): Promise<void> {
  const exit = once(process_, "exit");
  process_.kill("SIGKILL");
  await exit;
}

async function startRedis(dir: string): Promise<{ readonly port: number; readonly process: ChildProcess } | undefined> {
  const port = await freePort();
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir];
  const started = await child("redis-server", args, port).catch(() => undefined);
  return started && { port, process: started };
}

async function bareServer(bytes: number): Promise<Contender> {
  const port = await freePort();
  const program = fileURLToPath(new URL("rest-server.js", import.meta.url));
  const server = await child(process.execPath, [program, `${port}`, `${bytes}`], port);
  const name = "bare node:http, the bound";
  return { name, port, pid: server.pid as number, rounds: new Rounds(), stop: () => ended(server) };
}

export async function run(): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), "bench-rest-"));
  const redis = await startRedis(dir);
  const all: Contender[] = [];
  try {
    all.push(await nodeWith("without limits", dir, false));
    all.push(await nodeWith("limits in local buckets", dir, true));
    if (redis) all.push(await nodeWith("limits in Redis", dir, true, redis.port));
    all.unshift(await bareServer(await drive(all[0]!.port, 1)));
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const { port, pid, rounds } of all) {
        const measured = await measure(
          () => load(port),
          () => cpuOfTree(pid),
        );
        if (round >= 0) rounds.add(measured, REQUESTS);
      }
    }
  } finally {
    for (const one of all) await one.stop();
    if (redis) await ended(redis.process);
    rmSync(dir, { recursive: true });
  }
  return report(all, redis !== undefined);
}

function report(all: readonly Contender[], hasRedis: boolean): string[] {
  const bound = all[0]!.rounds;
  const plain = all[1]!.rounds;
  const rows = all.map(
    ({ name, rounds }): Row => [
      name,
      Math.round(rounds.rate),
      percent(rounds.rate / bound.rate),
      percent(rounds.rate / plain.rate),
      Math.round(rounds.cpuMicros),
    ],
  );
  return [
    `GET ${PATH}, ${CONNECTIONS} connections; median of ${ROUNDS} rounds of ${REQUESTS}.`,
    table(["server", "requests/s", "of the bound", "of no limits", "µs of its CPU per request"], rows),
    ...(hasRedis ? [] : ["**redis-server is missing here, so shared limits are not measured.**"]),
  ];
}
