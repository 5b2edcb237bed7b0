/** Programs run as pods run them: a child process with the preload, in front of a real cluster DNS. */
import { type ExecFileException, execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addressPlan } from "../../src/network/addresses.ts";
import { claimNetwork, type NetworkClaim } from "../../src/network/claim.ts";
import { startDns } from "../../src/network/dns/server.ts";
import { preloadEnvironment } from "../../src/network/preload/environment.ts";
import type { AddressPlan } from "../../src/network/types.ts";
import { FakeRegistry } from "./fake-registry.ts";
import { service, slice } from "./objects.ts";

let claim: NetworkClaim;
let plan: AddressPlan;
let server: { stop(): Promise<void> };
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "preload-"));
  claim = await claimNetwork({ preferred: 130 });
  plan = addressPlan(claim.net, { dnsPort: claim.dnsPort });
  const store = new FakeRegistry();
  store.put("namespaces", { metadata: { name: "default" } });
  store.put("services", service("web", { clusterIP: plan.services.at(0), ports: [{ name: "http", port: 80 }] }));
  store.put("services", service("db", { clusterIP: "None" }));
  const pods = [0, 1].map((index) => ({ address: plan.pods.at(index), hostname: `db-${index}` }));
  store.put("endpointslices.discovery.k8s.io", slice("db", pods, [{ name: "client", port: 5555 }]));
  server = await startDns({ store: store.registry, plan, upstreams: [] });
});

afterAll(async () => {
  await server?.stop();
  await claim?.release();
  await rm(dir, { recursive: true, force: true });
});

const environment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  ...preloadEnvironment({
    plan,
    podIp: plan.pods.at(1),
    pod: {
      metadata: { name: "db-1", namespace: "default" },
      spec: { containers: [], hostAliases: [{ ip: plan.pods.at(9), hostnames: ["Legacy"] }] },
    },
  }),
});

/** Runs a program in the pod db-1; resolves with the JSON that it prints. */
async function inPod(program: string, name = "program.mjs"): Promise<unknown> {
  const file = join(dir, name);
  await writeFile(file, program);
  const [error, stdout, stderr] = await new Promise<[ExecFileException | null, string, string]>((resolve) =>
    execFile(process.execPath, [file], { env: environment(), timeout: 15_000 }, (...result) => resolve(result)),
  );
  expect(error, stderr).toBeNull();
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const code = (promise: string) => `await ${promise}.then(() => "found", (error) => error.code)`;

test("lookup knows the pod, its hosts, its namespace's services and their pods, in every spelling", async () => {
  const found = await inPod(`
    import dns, { lookup, promises } from "node:dns";
    import { promisify } from "node:util";
    const short = (name, options) => promisify(lookup)(name, options);
    console.log(JSON.stringify({
      service: await promises.lookup("web"),
      all: (await promises.lookup("db", { all: true })).map((entry) => entry.address).sort(),
      callback: await new Promise((resolve) => lookup("web.default", (error, address, family) => resolve([address, family]))),
      number: await new Promise((resolve) => dns.lookup("web", 4, (error, address) => resolve(address))),
      callbackAll: await short("db-0.db", { all: true, verbatim: true, family: 0 }),
      own: (await promises.lookup("db-1")).address,
      localhost: (await promises.lookup("localhost")).address,
      alias: (await promises.lookup("legacy", { family: "IPv4" })).address,
      literal: await promises.lookup("192.0.2.1"),
      six: ${code('promises.lookup("web", 6)')},
      missing: ${code('promises.lookup("nothing")')},
      missingAbsolute: ${code('promises.lookup("web.")')},
    }));`);
  expect(found).toEqual({
    service: { address: plan.services.at(0), family: 4 },
    all: [plan.pods.at(0), plan.pods.at(1)],
    callback: [plan.services.at(0), 4],
    number: plan.services.at(0),
    callbackAll: [{ address: plan.pods.at(0), family: 4 }],
    own: plan.pods.at(1),
    localhost: plan.pods.at(1),
    alias: plan.pods.at(9),
    literal: { address: "192.0.2.1", family: 4 },
    six: "ENOTFOUND",
    missing: "ENOTFOUND",
    missingAbsolute: "ENOTFOUND",
  });
});

test("resolve functions and new Resolvers ask cluster DNS", async () => {
  const found = await inPod(
    `
    const dns = require("dns");
    const { Resolver } = require("dns/promises");
    const name = "_client._tcp.db.default.svc.cluster.local";
    (async () => console.log(JSON.stringify({
      callback: await new Promise((resolve) => dns.resolveSrv(name, (error, records) => resolve(records.length))),
      promise: (await dns.promises.resolve4("web.default.svc.cluster.local")).length,
      resolver: (await new Resolver({ timeout: 1000 }).resolveSrv(name)).map((record) => record.port),
      isResolver: new dns.Resolver() instanceof dns.Resolver,
      servers: dns.getServers(),
    })))();`,
    "program.cjs",
  );
  const asShown = plan.dnsPort === 53 ? plan.dns : `${plan.dns}:${plan.dnsPort}`;
  expect(found).toEqual({ callback: 2, promise: 1, resolver: [5555, 5555], isResolver: true, servers: [asShown] });
});

test("unspecified and localhost mean the pod's address, and connections leave from it", async () => {
  const found = await inPod(`
    import { createServer, connect } from "node:net";
    import { once } from "node:events";
    const results = {};
    for (const host of [undefined, "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"]) {
      const server = createServer((socket) => socket.end(socket.remoteAddress)).listen({ port: 0, host });
      await once(server, "listening");
      const { address, port } = server.address();
      const callers = [];
      for (const target of [undefined, "localhost", "127.0.0.1", "::1", "db-1", "db-1.db"]) {
        const socket = connect({ port, host: target });
        const [chunk] = await once(socket, "data");
        callers.push(String(chunk));
        socket.destroy();
      }
      server.close();
      results[String(host)] = [address, ...new Set(callers)];
    }
    console.log(JSON.stringify(results));`);
  const pod = plan.pods.at(1);
  const hosts = ["undefined", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"];
  expect(found).toEqual(Object.fromEntries(hosts.map((host) => [host, [pod, pod]])));
});

test("two pods listen on the same port", async () => {
  const other = createServer();
  other.listen(45_555, plan.pods.at(0));
  await once(other, "listening");
  const found = await inPod(`
    import { createServer } from "node:http";
    createServer().listen(45555, function () { console.log(JSON.stringify(this.address())); this.close(); });`);
  expect(found).toMatchObject({ address: plan.pods.at(1), port: 45_555 });
  await new Promise((resolve) => other.close(resolve));
});

test("a peer outside the pod sees the pod's address; HTTP and fetch work by name", async () => {
  const callers: string[] = [];
  const peer = createServer((socket) => {
    callers.push(socket.remoteAddress ?? "");
    socket.resume().end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  });
  peer.listen(45_556, plan.pods.at(0));
  await once(peer, "listening");
  const found = await inPod(`
    import http from "node:http";
    import { once } from "node:events";
    const [response] = await once(http.get("http://db-0.db:45556/"), "response");
    response.resume();
    console.log(JSON.stringify([response.statusCode, await (await fetch("http://db-0.db:45556/")).text()]));`);
  expect(found).toEqual([200, "ok"]);
  expect(callers).toEqual([plan.pods.at(1), plan.pods.at(1)]);
  await new Promise((resolve) => peer.close(resolve));
});

test("UDP is bound to the pod and reaches it by localhost", async () => {
  const found = await inPod(`
    import { createSocket } from "node:dgram";
    import { once } from "node:events";
    const server = createSocket("udp4").bind(0);
    await once(server, "listening");
    const client = createSocket("udp4");
    client.send("hello", server.address().port, "localhost");
    const [bytes, from] = await once(server, "message");
    console.log(JSON.stringify([String(bytes), server.address().address, from.address]));
    server.close();
    client.close();`);
  expect(found).toEqual(["hello", plan.pods.at(1), plan.pods.at(1)]);
});

test("worker threads and child processes are in the pod, too", async () => {
  const found = await inPod(`
    import { execFileSync } from "node:child_process";
    import { once } from "node:events";
    import { Worker } from "node:worker_threads";
    const program = "require('dns').lookup('web', (error, address) => OUT(address))";
    const worker = new Worker(program.replace("OUT", "require('worker_threads').parentPort.postMessage"), { eval: true });
    const [inWorker] = await once(worker, "message");
    const inChild = execFileSync(process.execPath, ["-e", program.replace("OUT", "console.log")], { encoding: "utf8" }).trim();
    console.log(JSON.stringify([inWorker, inChild]));`);
  expect(found).toEqual([plan.services.at(0), plan.services.at(0)]);
});

test("outside a pod the preload changes nothing", async () => {
  const { NODE_OPTIONS } = environment();
  const program =
    "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().address); this.close() })";
  const env = { PATH: process.env.PATH ?? "", NODE_OPTIONS: NODE_OPTIONS ?? "" };
  const address = await new Promise((resolve) =>
    execFile(process.execPath, ["-e", program], { env }, (_error, stdout) => resolve(stdout.trim())),
  );
  expect(address).toBe("127.0.0.1");
});
