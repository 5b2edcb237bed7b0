/**
 * What the way through a Service's address costs, against going straight to its endpoint, in the same run. Run: npm run bench -- proxy
 *
 * Client, proxy and server have a thread each: this process, its worker (as in a cluster) and a child. Direct and proxied rounds
 * alternate, so that what else the machine does falls on both; the median of the rounds counts.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { addressPlan } from "../packages/cluster/dist/network/addresses.js";
import { claimNetwork } from "../packages/cluster/dist/network/claim.js";
import { startServiceProxy } from "../packages/cluster/dist/network/proxy/service-proxy.js";

interface Target {
  readonly host: string;
  readonly port: number;
}

const rounds = Number(process.argv[2] ?? 9);
const port = 7777;

/** Sends back what comes in, for as long as there is somebody to ask. */
function serve(host: string): void {
  process.once("disconnect", () => process.exit());
  createServer({ noDelay: true }, (socket) => socket.on("error", () => {}).pipe(socket)).listen(port, host, () =>
    process.send?.("listening"),
  );
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

const measures: readonly [name: string, unit: string, run: (target: Target) => Promise<number>][] = [
  ["new connections, one after another", "/s", connections(1, 400)],
  ["new connections, 32 at a time", "/s", connections(32, 30)],
  ["round trips of 64 bytes, one connection", "/s", exchanges(1, 3000)],
  ["round trips of 64 bytes, 32 connections", "/s", exchanges(32, 300)],
  ["megabytes echoed, one connection", "MB/s", bulk],
];

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function compare(direct: Target, proxied: Target): Promise<void> {
  console.log("| measure | direct | through the Service | ratio | rounds between |");
  console.log("|---|---|---|---|---|");
  for (const [name, unit, run] of measures) {
    const pairs: [number, number][] = [];
    await run(proxied);
    for (let round = 0; round < rounds; round++) pairs.push([await run(direct), await run(proxied)]);
    const ratios = pairs.map(([a, b]) => b / a);
    const [a, b] = [median(pairs.map(([rate]) => rate)), median(pairs.map(([, rate]) => rate))];
    const cells = [`${Math.round(a)} ${unit}`, `${Math.round(b)} ${unit}`, `${median(ratios).toFixed(2)}`];
    const spread = `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}`;
    console.log(`| ${[name, ...cells, spread].join(" | ")} |`);
  }
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

async function main(): Promise<void> {
  const claim = await claimNetwork({ preferred: 200 });
  const plan = addressPlan(claim.net);
  const [pod, clusterIP] = [plan.pods.at(0), plan.services.at(0)];
  const server: ChildProcess = fork(fileURLToPath(import.meta.url), { env: { ...process.env, ECHO_AT: pod } });
  await once(server, "message");
  const proxy = await startServiceProxy({ store: oneService(pod, clusterIP), plan, loopbackLoadBalancer: false });
  try {
    await compare({ host: pod, port }, { host: clusterIP, port });
  } finally {
    await proxy.stop();
    server.kill();
    await claim.release();
  }
}

if (process.env.ECHO_AT) serve(process.env.ECHO_AT);
else await main();
