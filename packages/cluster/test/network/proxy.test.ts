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

  test("each port leads to its own, at target ports that differ from pod to pod", async () => {
    const serve = async (index: number, at: number): Promise<string> => {
      const server = createServer((socket) => track(socket).end(`pod-${index}:${at}\n`));
      servers.push(server.listen(at, plan.pods.at(index)));
      await once(server, "listening");
      return plan.pods.at(index);
    };
    const [a, b] = [await serve(0, 7010), await serve(1, 7020)];
    await serve(0, 7011);
    const clusterIP = plan.services.at(40);
    const ports = [
      { name: "web", port: 80, targetPort: "web" },
      { name: "admin", port: 81, targetPort: "admin" },
    ];
    store.put("services", service("ports", { clusterIP, ports }));
    const first = slice(
      "ports",
      [{ address: a }],
      [
        { name: "web", port: 7010, protocol: "TCP" },
        { name: "admin", port: 7011, protocol: "TCP" },
      ],
    );
    const second = slice("ports", [{ address: b }], [{ name: "web", port: 7020, protocol: "TCP" }]);
    store.put("endpointslices.discovery.k8s.io", first);
    store.put("endpointslices.discovery.k8s.io", { ...second, metadata: { ...second.metadata, name: "ports-2" } });
    await vi.waitFor(async () => {
      const heard = [await greeting(await reach(clusterIP)), await greeting(await reach(clusterIP))];
      expect(heard.sort()).toEqual(["pod-0:7010", "pod-1:7020"]);
    });
    expect(await greeting(await reach(clusterIP, 81))).toBe("pod-0:7011");
  });

  test("publishNotReadyAddresses sends connections to pods before they are ready", async () => {
    const ip = publish("early-bird", [{ address: await pod(0), ready: false }], { publishNotReadyAddresses: true });
    expect(await greeting(await reach(ip))).toMatch(/^pod-0/);
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
    for (const index of [0, 1]) {
      const status = { addresses: [{ type: "InternalIP", address: plan.node(index) }] };
      store.put("nodes", { metadata: { name: `node-${index + 1}` }, status });
    }
    const ports = [{ name: "main", port: 80, nodePort: 31_987 }];
    publish("node", [{ address: await pod(0) }], { type: "NodePort", ports });
    for (const host of [plan.node(0), plan.node(1), "127.0.0.1"]) {
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

describe("UDP", () => {
  const sent = new Set<UdpSocket>();
  afterEach(() => {
    for (const socket of sent) socket.close();
    sent.clear();
  });

  async function bound(address: string, at = 0): Promise<UdpSocket> {
    const socket = createSocket("udp4");
    sent.add(socket);
    socket.bind(at, address);
    await once(socket, "listening");
    return socket;
  }

  /** A pod that answers with its number and with whom it hears. */
  async function udpPod(index: number): Promise<string> {
    const address = plan.pods.at(index);
    const echo = await bound(address, port);
    echo.on("message", (_bytes, from) => echo.send(`pod-${index} hears ${from.address}`, from.port, from.address));
    return address;
  }

  function publishUdp(name: string, addresses: readonly string[], extra: object = {}): string {
    const clusterIP = plan.services.at(70 + name.length);
    store.put("services", service(name, { clusterIP, ports: [{ name: "dns", port: 53, protocol: "UDP" }], ...extra }));
    const target = [{ name: "dns", port, protocol: "UDP" }];
    store.put(
      "endpointslices.discovery.k8s.io",
      slice(
        name,
        addresses.map((address) => ({ address })),
        target,
      ),
    );
    return clusterIP;
  }

  /** Asks until an answer comes; datagrams sent before the proxy listens are lost. */
  async function ask(client: UdpSocket, host: string): Promise<{ answer: string; from: string }> {
    const reply = once(client, "message");
    const again = setInterval(() => client.send("hello", 53, host), 20);
    const [bytes, from] = await reply;
    clearInterval(again);
    return { answer: String(bytes), from: from.address };
  }

  test("a datagram reaches an endpoint and the answer comes back from the Service's address", async () => {
    const clusterIP = publishUdp("udp", [await udpPod(3)]);
    const client = await bound(plan.pods.at(60));
    expect(await ask(client, clusterIP)).toEqual({ answer: `pod-3 hears ${plan.pods.at(60)}`, from: clusterIP });
  });

  test("a client goes on with the next endpoint when its own is gone", async () => {
    const [a, b] = [await udpPod(3), await udpPod(4)];
    const clusterIP = publishUdp("udp-moves", [a]);
    const client = await bound(plan.pods.at(61));
    expect((await ask(client, clusterIP)).answer).toMatch(/^pod-3/);
    publishUdp("udp-moves", [b]);
    await vi.waitFor(async () => expect((await ask(client, clusterIP)).answer).toMatch(/^pod-4/));
  });

  test("ClientIP affinity holds across a client's sockets", async () => {
    const pods = [await udpPod(3), await udpPod(4), await udpPod(5)];
    const clusterIP = publishUdp("udp-sticky", pods, { sessionAffinity: "ClientIP" });
    const heard = new Set<string>();
    for (let i = 0; i < 5; i++) heard.add((await ask(await bound(plan.pods.at(62)), clusterIP)).answer);
    expect(heard.size).toBe(1);
  });
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
