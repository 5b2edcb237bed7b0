import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { addressPlan } from "../../src/network/addresses.ts";
import { claimNetwork, type NetworkClaim } from "../../src/network/claim.ts";
import { startServiceProxy } from "../../src/network/proxy/service-proxy.ts";
import type { AddressPlan } from "../../src/network/types.ts";
import { FakeRegistry } from "./fake-registry.ts";
import { type EndpointSpec, service, slice } from "./objects.ts";

let claim: NetworkClaim;
let plan: AddressPlan;
let store: FakeRegistry;
let proxy: { stop(): Promise<void> };
const events: string[] = [];
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeAll(async () => {
  claim = await claimNetwork({ preferred: 110 });
  plan = addressPlan(claim.net);
});

afterAll(async () => {
  await claim?.release();
});

beforeEach(async () => {
  store = new FakeRegistry();
  events.length = 0;
  proxy = await startServiceProxy({
    store: store.registry,
    plan,
    loopbackLoadBalancer: true,
    recordEvent: (_about, _type, reason, message) => events.push(`${reason}: ${message}`),
  });
});

afterEach(async () => {
  await proxy.stop();
  await proxy.stop();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

const port = 7000;
const tcp = [{ name: "main", port, protocol: "TCP" }];

/** Sockets end with their test; what one sees as an error, the test looks at where it matters. */
function track(socket: Socket): Socket {
  sockets.add(socket.on("error", () => {}));
  return socket;
}

/** A pod that answers every connection with its name and the caller's address, then echoes. */
async function pod(index: number): Promise<string> {
  const address = plan.pods.at(index);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    track(socket).write(`pod-${index} hears ${socket.remoteAddress}\n`);
    socket.pipe(socket);
  });
  servers.push(server.listen(port, address));
  await once(server, "listening");
  return address;
}

function publish(name: string, endpoints: readonly EndpointSpec[], extra: object = {}): string {
  const clusterIP = plan.services.at(name.length);
  store.put("services", service(name, { clusterIP, ports: [{ name: "main", port: 80 }], ...extra }));
  store.put("endpointslices.discovery.k8s.io", slice(name, endpoints, tcp));
  return clusterIP;
}

/** Connects again until the proxy serves the address: a change takes effect a moment after its write. */
const reach = (host: string, at = 80, localAddress?: string): Promise<Socket> =>
  vi.waitFor(async () => {
    const socket = track(connect({ host, port: at, allowHalfOpen: true, ...(localAddress && { localAddress }) }));
    await once(socket, "connect");
    return socket;
  });

const greeting = async (socket: Socket): Promise<string> => {
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString().trim();
};

const refusal = (host: string, at = 80): Promise<void> =>
  vi.waitFor(async () => {
    const socket = connect(at, host);
    const code = await new Promise((resolve) => {
      socket.once("connect", () => resolve("connected"));
      socket.once("error", (error) => resolve("code" in error ? error.code : error));
    });
    socket.destroy();
    expect(code).toBe("ECONNREFUSED");
  });

describe("TCP", () => {
  test("spreads connections over ready endpoints, and the pod sees who calls", async () => {
    const [a, b, c] = [await pod(0), await pod(1), await pod(2)];
    const ip = publish("spread", [{ address: a }, { address: b }, { address: c, ready: false }]);
    const caller = plan.pods.at(99);
    const heard = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const socket = await reach(ip, 80, caller);
      heard.add(await greeting(socket));
      socket.destroy();
    }
    expect([...heard].sort()).toEqual([`pod-0 hears ${caller}`, `pod-1 hears ${caller}`]);
  });

  test("carries megabytes both ways and passes on the end of data in each direction", async () => {
    const ip = publish("bulk", [{ address: await pod(0) }]);
    const socket = await reach(ip);
    const payload = Buffer.alloc(8 << 20, "coracle");
    socket.end(payload);
    const echoed = await buffer(socket);
    expect(echoed.subarray(echoed.indexOf(10) + 1).equals(payload)).toBe(true);
  });

  test("refuses at once without endpoints, and serves when one comes", async () => {
    const ip = publish("late", []);
    await refusal(ip);
    store.put("endpointslices.discovery.k8s.io", slice("late", [{ address: await pod(0) }], tcp));
    const socket = await reach(ip);
    expect(await greeting(socket)).toMatch(/^pod-0/);
    socket.destroy();
    store.put("endpointslices.discovery.k8s.io", slice("late", [], tcp));
    await refusal(ip);
  });

  test("goes on to the next endpoint when one refuses", async () => {
    const dead = plan.pods.at(5);
    const ip = publish("dead", [{ address: dead }, { address: await pod(0) }]);
    for (let i = 0; i < 3; i++) {
      const socket = await reach(ip);
      expect(await greeting(socket)).toMatch(/^pod-0/);
      socket.destroy();
    }
  });

  test("resets connections to a removed endpoint, keeps those to one that terminates", async () => {
    const [a, b] = [await pod(0), await pod(1)];
    const ip = publish("master", [{ address: a }]);
    const socket = await reach(ip);
    await greeting(socket);
    const draining = { address: a, ready: false, serving: true, terminating: true };
    store.put("endpointslices.discovery.k8s.io", slice("master", [draining, { address: b }], tcp));
    const next = await vi.waitFor(async () => {
      const other = await reach(ip);
      expect(await greeting(other)).toMatch(/^pod-1/);
      return other;
    });
    socket.write("still there\n");
    expect(await greeting(socket)).toBe("still there");
    const failed = once(socket, "error");
    socket.resume();
    store.put("endpointslices.discovery.k8s.io", slice("master", [{ address: b }], tcp));
    expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
    next.destroy();
  });

  test("terminating endpoints take over when no ready one is left", async () => {
    const last = { address: await pod(0), ready: false, serving: true, terminating: true };
    const socket = await reach(publish("last", [last]));
    expect(await greeting(socket)).toMatch(/^pod-0/);
    socket.destroy();
  });

  test("ClientIP affinity keeps a client where it was", async () => {
    const pods = [await pod(0), await pod(1), await pod(2)];
    const ip = publish(
      "sticky",
      pods.map((address) => ({ address })),
      { sessionAffinity: "ClientIP" },
    );
    const heard = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const socket = await reach(ip, 80, plan.pods.at(50));
      heard.add(await greeting(socket));
      socket.destroy();
    }
    expect(heard.size).toBe(1);
  });

  test("a client that aborts takes its upstream connection along", async () => {
    const server = createServer();
    servers.push(server.listen(port, plan.pods.at(8)));
    const ip = publish("abort", [{ address: plan.pods.at(8) }]);
    const accepted = once(server, "connection");
    const client = await reach(ip);
    const [upstream] = (await accepted) as [Socket];
    const failed = once(upstream, "error");
    client.resetAndDestroy();
    upstream.resume();
    expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
  });

  test("a removed Service stops listening", async () => {
    const ip = publish("gone", [{ address: await pod(0) }]);
    (await reach(ip)).destroy();
    store.drop("services", "default", "gone");
    await refusal(ip);
  });
});

describe("outside addresses", () => {
  test("NodePort answers on node addresses and on 127.0.0.1", async () => {
    const status = { addresses: [{ type: "InternalIP", address: plan.node(0) }] };
    store.put("nodes", { metadata: { name: "node-1" }, status });
    const ports = [{ name: "main", port: 80, nodePort: 31_987 }];
    publish("node", [{ address: await pod(0) }], { type: "NodePort", ports });
    for (const host of [plan.node(0), "127.0.0.1"]) {
      const socket = await reach(host, 31_987);
      expect(await greeting(socket)).toMatch(/^pod-0/);
      socket.destroy();
    }
  });

  test("LoadBalancer gets an address in its status, and 127.0.0.1 at its own port", async () => {
    const ports = [{ name: "main", port: 17_080 }];
    publish("lb", [{ address: await pod(0) }], { type: "LoadBalancer", ports });
    publish("lb-second", [{ address: await pod(1) }], {
      type: "LoadBalancer",
      ports: [{ name: "main", port: 17_081 }],
    });
    const ipOf = (name: string) => store.get("services", "default", name)?.status?.loadBalancer?.ingress?.[0]?.ip;
    await vi.waitFor(() => expect(plan.loadBalancers.contains(ipOf("lb") ?? "")).toBe(true));
    await vi.waitFor(() => expect(ipOf("lb-second")).toBeDefined());
    expect(ipOf("lb")).not.toBe(ipOf("lb-second"));
    for (const host of [ipOf("lb") ?? "", "127.0.0.1"]) {
      const socket = await reach(host, 17_080);
      expect(await greeting(socket)).toMatch(/^pod-0/);
      socket.destroy();
    }
    publish("lb", [], { type: "ClusterIP" });
    await vi.waitFor(() => expect(ipOf("lb")).toBeUndefined());
  });

  test("says so when a host port is taken, and serves the rest", async () => {
    const taken = createServer();
    servers.push(taken.listen(17_090, "127.0.0.1"));
    await once(taken, "listening");
    const ports = [{ name: "main", port: 17_090 }];
    const ip = publish("taken", [{ address: await pod(0) }], { type: "LoadBalancer", ports });
    (await reach(ip, 17_090)).destroy();
    await vi.waitFor(() => expect(events.join()).toMatch(/PortTaken: 127.0.0.1:17090 is taken/));
  });
});

test("UDP: a datagram reaches an endpoint and the answer comes back from the Service's address", async () => {
  const echo: UdpSocket = createSocket("udp4");
  echo.on("message", (bytes, from) => echo.send(`${bytes} from ${from.address}`, from.port, from.address));
  echo.bind(port, plan.pods.at(3));
  await once(echo, "listening");
  const ports = [{ name: "dns", port: 53, protocol: "UDP" }];
  const clusterIP = plan.services.at(77);
  store.put("services", service("udp", { clusterIP, ports }));
  const target = [{ name: "dns", port, protocol: "UDP" }];
  store.put("endpointslices.discovery.k8s.io", slice("udp", [{ address: plan.pods.at(3) }], target));
  const client = createSocket("udp4");
  client.bind(0, plan.pods.at(60));
  await once(client, "listening");
  const reply = once(client, "message");
  const ask = setInterval(() => client.send("hello", 53, clusterIP), 20);
  const [bytes, from] = await reply;
  clearInterval(ask);
  expect(String(bytes)).toBe(`hello from ${plan.pods.at(60)}`);
  expect(from.address).toBe(clusterIP);
  client.close();
  echo.close();
});

test("a Service that exists before the proxy starts is served when start resolves", async () => {
  await proxy.stop();
  const ip = publish("early", [{ address: await pod(0) }]);
  proxy = await startServiceProxy({ store: store.registry, plan, loopbackLoadBalancer: false });
  const socket = connect({ host: ip, port: 80 });
  await once(socket, "connect");
  socket.end();
  expect(await text(socket)).toMatch(/^pod-0/);
});
