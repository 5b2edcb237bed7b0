/**
 * What the way through a Service's address costs, against going straight to its endpoint, in the same run. Run: npm run bench -- proxy [rounds]
 *
 * Client, proxy and server have a process each; the proxy's thread is the one that a cluster has. Direct and proxied rounds alternate, so
 * that what else the machine does falls on both; the median of the rounds counts. On a busy machine the rates tell little, since a
 * connection through the proxy needs three processes to be scheduled instead of two: the proxy's own CPU time tells more.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { addressPlan } from "../packages/cluster/dist/network/addresses.js";
import { claimNetwork } from "../packages/cluster/dist/network/claim.js";
import { startServiceProxy } from "../packages/cluster/dist/network/proxy/service-proxy.js";
import { publish, type Row, table } from "./parts/report.ts";

interface Target {
  readonly host: string;
  readonly port: number;
}

const rounds = Number(process.argv[2] ?? 9);
const port = 7777;

/** Sends back what comes in. */
function serve(host: string): void {
  createServer({ noDelay: true }, (socket) => socket.on("error", () => {}).pipe(socket)).listen(port, host, () =>
    process.send?.("ready"),
  );
}

/** The proxy of a cluster with one Service; says its CPU time when asked. */
async function proxy(net: number): Promise<void> {
  const plan = addressPlan(net);
  const store = oneService(plan.pods.at(0), plan.services.at(0));
  await startServiceProxy({ store, plan, loopbackLoadBalancer: false });
  process.on("message", () => process.send?.(process.cpuUsage()));
  process.send?.("ready");
}

async function open(target: Target): Promise<Socket> {
  const socket = connect({ ...target, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Resolves when `bytes` more bytes have come. */
const received = (socket: Socket, bytes: number): Promise<void> =>
  new Promise((resolve) => {
    let left = bytes;
    const take = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left > 0) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
  });

async function roundTrip(socket: Socket, bytes: Buffer): Promise<void> {
  const answer = received(socket, bytes.length);
  socket.write(bytes);
  await answer;
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (count * 1000) / (performance.now() - startedAt);
}

const inParallel = (width: number, work: () => Promise<void>): Promise<unknown> =>
  Promise.all(Array.from({ length: width }, work));

const small = Buffer.alloc(64, "x");

/** Connects, gets an answer, closes: what a client without a pool does. */
async function visit(target: Target): Promise<void> {
  const socket = await open(target);
  await roundTrip(socket, small);
  socket.destroy();
}

const connections =
  (width: number, each: number) =>
  (target: Target): Promise<number> =>
    perSecond(width * each, async () => {
      await inParallel(width, async () => {
        for (let i = 0; i < each; i++) await visit(target);
      });
    });

const exchanges =
  (width: number, each: number) =>
  async (target: Target): Promise<number> => {
    const sockets = await Promise.all(Array.from({ length: width }, () => open(target)));
    const rate = await perSecond(width * each, async () => {
      await Promise.all(
        sockets.map(async (socket) => {
          for (let i = 0; i < each; i++) await roundTrip(socket, small);
        }),
      );
    });
    for (const socket of sockets) socket.destroy();
    return rate;
  };

/** Megabytes per second there and back. */
async function bulk(target: Target): Promise<number> {
  const megabytes = 128;
  const socket = await open(target);
  const chunk = Buffer.alloc(1 << 20);
  const rate = await perSecond(megabytes, async () => {
    const all = received(socket, megabytes << 20);
    for (let sent = 0; sent < megabytes; sent++) if (!socket.write(chunk)) await once(socket, "drain");
    await all;
  });
  socket.destroy();
  return rate;
}

interface Measure {
  readonly name: string;
  readonly unit: string;
  /** How many units one run is. */
  readonly units: number;
  /** Units per second. */
  run(target: Target): Promise<number>;
}

const measures: readonly Measure[] = [
  { name: "new connections, one after another", unit: "connection", units: 400, run: connections(1, 400) },
  { name: "new connections, 32 at a time", unit: "connection", units: 960, run: connections(32, 30) },
  { name: "64 bytes there and back, 1 connection", unit: "round trip", units: 3000, run: exchanges(1, 3000) },
  { name: "64 bytes there and back, 32 connections", unit: "round trip", units: 9600, run: exchanges(32, 300) },
  { name: "bulk there and back, 1 connection", unit: "MB", units: 128, run: bulk },
];

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function compare(
  { name, unit, units, run }: Measure,
  direct: Target,
  proxied: Target,
  cpuUs: () => Promise<number>,
): Promise<Row> {
  const pairs: [direct: number, proxied: number, cpuUs: number][] = [];
  await run(proxied);
  for (let round = 0; round < rounds; round++) {
    const straight = await run(direct);
    const before = await cpuUs();
    pairs.push([straight, await run(proxied), (await cpuUs()) - before]);
  }
  const ratios = pairs.map(([a, b]) => b / a);
  return [
    name,
    `${Math.round(median(pairs.map(([rate]) => rate)))}/s`,
    `${Math.round(median(pairs.map(([, rate]) => rate)))}/s`,
    `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`,
    `${Math.round(median(pairs.map(([, , us]) => us)) / units)} µs per ${unit}`,
  ];
}

/** A registry of one Service with one endpoint. */
function oneService(address: string, clusterIP: string) {
  const metadata = { name: "echo", namespace: "default", labels: { "kubernetes.io/service-name": "echo" } };
  const ports = [{ name: "", port, protocol: "TCP" }];
  const endpoints = [{ addresses: [address], conditions: { ready: true } }];
  const objects: Record<string, object> = {
    services: { metadata, spec: { type: "ClusterIP", clusterIP, ports } },
    "endpointslices.discovery.k8s.io": { metadata, addressType: "IPv4", ports, endpoints },
  };
  const store = {
    get: () => undefined,
    modify: async () => undefined,
    subscribe(resource: string, listener: (change: object) => void) {
      const object = objects[resource];
      if (object) listener({ type: "ADDED", object });
      return () => {};
    },
  };
  return store as unknown as Parameters<typeof startServiceProxy>[0]["store"];
}

async function child(role: Record<string, string>): Promise<ChildProcess> {
  const started = fork(fileURLToPath(import.meta.url), { env: { ...process.env, ...role } });
  await once(started, "message");
  return started;
}

async function main(): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const claim = await claimNetwork({ preferred: 200 });
  const plan = addressPlan(claim.net);
  const children = [await child({ ECHO_AT: plan.pods.at(0) }), await child({ PROXY_NET: String(claim.net) })];
  const cpuUs = async (): Promise<number> => {
    children[1]?.send("cpu");
    const [{ user, system }] = await once(children[1] as ChildProcess, "message");
    return user + system;
  };
  try {
    const rows: Row[] = [];
    const [direct, proxied] = [plan.pods.at(0), plan.services.at(0)].map((host) => ({ host, port })) as [
      Target,
      Target,
    ];
    for (const measure of measures) rows.push(await compare(measure, direct, proxied, cpuUs));
    const head = ["measure", "direct", "through the Service", "ratio (range)", "CPU of the proxy"];
    publish("proxy", `npm run bench -- proxy ${rounds}`, loadBefore, [table(head, rows)]);
  } finally {
    for (const process of children) process.kill();
    await claim.release();
  }
}

process.once("disconnect", () => process.exit());
if (process.env.ECHO_AT) serve(process.env.ECHO_AT);
else if (process.env.PROXY_NET) await proxy(Number(process.env.PROXY_NET));
else await main();
