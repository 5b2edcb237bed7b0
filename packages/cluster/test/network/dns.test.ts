import { createSocket } from "node:dgram";
import { promises as dns } from "node:dns";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { decode, encode, type Packet, streamEncode } from "dns-packet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressPlan } from "../../src/network/addresses.ts";
import { claimNetwork, type NetworkClaim } from "../../src/network/claim.ts";
import { startDns } from "../../src/network/dns/server.ts";
import type { AddressPlan } from "../../src/network/types.ts";
import { FakeRegistry } from "./fake-registry.ts";
import { service, slice } from "./objects.ts";

const store = new FakeRegistry();
let claim: NetworkClaim;
let plan: AddressPlan;
let server: { stop(): Promise<void> };
let upstream: { port: number; close(): void };
const resolver = new dns.Resolver({ timeout: 2000, tries: 2 });

beforeAll(async () => {
  claim = await claimNetwork({ preferred: 90 });
  plan = addressPlan(claim.net, { dnsPort: claim.dnsPort });
  upstream = await startUpstream();
  fill();
  server = await startDns({ store: store.registry, plan, upstreams: [{ address: "127.0.0.1", port: upstream.port }] });
  resolver.setServers([`${plan.dns}:${plan.dnsPort}`]);
});

afterAll(async () => {
  await server?.stop();
  await server?.stop();
  upstream?.close();
  await claim?.release();
});

function fill(): void {
  store.put("namespaces", { metadata: { name: "default" } });
  store.put("services", service("web", { clusterIP: plan.services.at(0), ports: [{ name: "http", port: 80 }] }));
  const ports = [{ name: "client", port: 5555, protocol: "TCP" }];
  store.put("services", service("db-headless", { clusterIP: "None", ports: [{ name: "client", port: 5555 }] }));
  store.put("endpointslices.discovery.k8s.io", slice("db-headless", databases(), ports));
  const early = { clusterIP: "None", publishNotReadyAddresses: true, ports: [{ name: "client", port: 5555 }] };
  store.put("services", service("early", early));
  store.put("endpointslices.discovery.k8s.io", slice("early", [{ address: plan.pods.at(7), ready: false }], ports));
  store.put("services", service("empty", { clusterIP: "None", ports: [{ port: 1 }] }));
  store.put("services", service("outside", { type: "ExternalName", externalName: "example.test" }));
  store.put("services", service("alias", { type: "ExternalName", externalName: "web.default.svc.cluster.local" }));
  const many = Array.from({ length: 60 }, (_, index) => ({
    address: plan.pods.at(100 + index),
    hostname: `many-${index}`,
  }));
  store.put("services", service("many", { clusterIP: "None", ports: [{ name: "client", port: 5555 }] }));
  store.put("endpointslices.discovery.k8s.io", slice("many", many, ports));
}

const databases = () => [
  { address: plan.pods.at(0), hostname: "db-0" },
  { address: plan.pods.at(1), hostname: "db-1" },
  { address: plan.pods.at(2), hostname: "db-2", ready: false },
];

/** A resolver that knows example.test, and large.test over TCP only. */
async function startUpstream() {
  const socket = createSocket("udp4");
  socket.on("message", (bytes, peer) => {
    const { id, questions } = decode(bytes);
    const [{ name, type } = { name: "", type: "A" }] = questions ?? [];
    const isKnown = name === "example.test" && type === "A";
    const answer: Packet = { type: "response", id, flags: isKnown ? 0 : name === "large.test" ? 0x200 : 3, questions };
    if (isKnown) answer.answers = [{ name, type: "A", ttl: 60, data: "192.0.2.7" }];
    socket.send(encode(answer), peer.port, peer.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  const tcp = createServer((client) =>
    client.once("data", (bytes: Buffer) => {
      const { id, questions } = decode(bytes.subarray(2));
      const answers = Array.from({ length: 50 }, (_, host) => ({
        name: "large.test",
        type: "A" as const,
        ttl: 60,
        data: `192.0.2.${host}`,
      }));
      client.end(streamEncode({ type: "response", id, questions, answers }));
    }),
  ).listen(port, "127.0.0.1");
  await once(tcp, "listening");
  return {
    port,
    close() {
      socket.close();
      tcp.close();
    },
  };
}

async function askUdp(bytes: Buffer): Promise<Packet> {
  const socket = createSocket("udp4");
  socket.send(bytes, plan.dnsPort, plan.dns);
  const [reply] = (await once(socket, "message")) as [Buffer];
  socket.close();
  return decode(reply);
}

const query = (name: string, type: "A" | "SRV", extra: Partial<Packet> = {}) =>
  encode({ type: "query", id: 7, flags: 0x100, questions: [{ name, type }], ...extra });

describe("services", () => {
  test("a ClusterIP service has an A record, an SRV record and a PTR record", async () => {
    const name = "web.default.svc.cluster.local";
    expect(await resolver.resolve4(name)).toEqual([plan.services.at(0)]);
    expect(await resolver.resolve4(name, { ttl: true })).toEqual([{ address: plan.services.at(0), ttl: 5 }]);
    expect(await resolver.resolveSrv(`_http._tcp.${name}`)).toEqual([{ priority: 0, weight: 100, port: 80, name }]);
    expect(await resolver.reverse(plan.services.at(0))).toEqual([name]);
  });

  test("a pod behind a ClusterIP service has a name below it", async () => {
    store.put("services", service("front", { clusterIP: plan.services.at(9), ports: [{ name: "http", port: 80 }] }));
    const backends = [{ address: plan.pods.at(70) }, { address: plan.pods.at(71), ready: false }];
    store.put("endpointslices.discovery.k8s.io", slice("front", backends, []));
    const nameOf = (index: number) => `${plan.pods.at(index).replaceAll(".", "-")}.front.default.svc.cluster.local`;
    expect(await resolver.resolve4(nameOf(70))).toEqual([plan.pods.at(70)]);
    await expect(resolver.resolve4(nameOf(71))).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(await resolver.resolve4("front.default.svc.cluster.local")).toEqual([plan.services.at(9)]);
  });

  test("a headless service names its ready pods", async () => {
    const name = "db-headless.default.svc.cluster.local";
    expect((await resolver.resolve4(name)).sort()).toEqual([plan.pods.at(0), plan.pods.at(1)]);
    expect(await resolver.resolve4(`db-1.${name}`)).toEqual([plan.pods.at(1)]);
    await expect(resolver.resolve4(`db-2.${name}`)).rejects.toMatchObject({ code: "ENOTFOUND" });
    const targets = await resolver.resolveSrv(`_client._tcp.${name}`);
    expect(targets.map((target) => target.name).sort()).toEqual([`db-0.${name}`, `db-1.${name}`]);
    expect(targets.map((target) => target.port)).toEqual([5555, 5555]);
    expect(await resolver.reverse(plan.pods.at(0))).toEqual([`db-0.${name}`]);
  });

  test("publishNotReadyAddresses names pods before they are ready, by address when they have no hostname", async () => {
    const name = "early.default.svc.cluster.local";
    expect(await resolver.resolve4(name)).toEqual([plan.pods.at(7)]);
    expect(await resolver.reverse(plan.pods.at(7))).toEqual([`${plan.pods.at(7).replaceAll(".", "-")}.${name}`]);
  });

  test("SRV answers bring the addresses of their targets", async () => {
    const reply = await askUdp(query("_client._tcp.early.default.svc.cluster.local", "SRV"));
    expect(reply.additionals).toMatchObject([{ type: "A", data: plan.pods.at(7) }]);
  });

  test("ExternalName is a CNAME, followed inside and outside the cluster", async () => {
    expect(await resolver.resolveCname("outside.default.svc.cluster.local")).toEqual(["example.test"]);
    expect(await resolver.resolve4("outside.default.svc.cluster.local")).toEqual(["192.0.2.7"]);
    expect(await resolver.resolve4("alias.default.svc.cluster.local")).toEqual([plan.services.at(0)]);
  });

  test("follows changes: a pod that becomes ready, a service that goes", async () => {
    const name = "moving.default.svc.cluster.local";
    const at = (ready: boolean) => slice("moving", [{ address: plan.pods.at(50), hostname: "m-0", ready }], []);
    store.put("services", service("moving", { clusterIP: "None" }));
    store.put("endpointslices.discovery.k8s.io", at(false));
    await expect(resolver.resolve4(name)).rejects.toMatchObject({ code: "ENOTFOUND" });
    store.put("endpointslices.discovery.k8s.io", at(true));
    expect(await resolver.resolve4(`m-0.${name}`)).toEqual([plan.pods.at(50)]);
    store.drop("services", "default", "moving");
    await expect(resolver.resolve4(`m-0.${name}`)).rejects.toMatchObject({ code: "ENOTFOUND" });
  });
});

describe("names", () => {
  test("pod addresses, the version and the name server", async () => {
    const dashed = plan.pods.at(3).replaceAll(".", "-");
    expect(await resolver.resolve4(`${dashed}.default.pod.cluster.local`)).toEqual([plan.pods.at(3)]);
    await expect(resolver.resolve4(`${dashed}.nowhere.pod.cluster.local`)).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(await resolver.resolveTxt("dns-version.cluster.local")).toEqual([["1.1.0"]]);
    expect(await resolver.resolve4("ns.dns.cluster.local")).toEqual([plan.dns]);
  });

  test("what exists without that record is NODATA, what does not exist is NXDOMAIN; both carry the SOA", async () => {
    await expect(resolver.resolve6("web.default.svc.cluster.local")).rejects.toMatchObject({ code: "ENODATA" });
    await expect(resolver.resolve4("default.svc.cluster.local")).rejects.toMatchObject({ code: "ENODATA" });
    await expect(resolver.resolve4("web.nowhere.svc.cluster.local")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(resolver.resolve4("empty.default.svc.cluster.local")).rejects.toMatchObject({ code: "ENOTFOUND" });
    const missing = await askUdp(query("nothing.default.svc.cluster.local", "A"));
    expect(missing.authorities).toMatchObject([{ type: "SOA", name: "cluster.local" }]);
  });

  test("a large answer from outside comes whole over TCP", async () => {
    expect(await resolver.resolve4("large.test")).toHaveLength(50);
  });

  test("case does not matter, and the question's spelling comes back", async () => {
    const reply = await askUdp(query("WeB.Default.SVC.cluster.LOCAL", "A"));
    expect(reply.answers).toMatchObject([{ name: "WeB.Default.SVC.cluster.LOCAL", data: plan.services.at(0) }]);
  });

  test("other names go to the host's resolvers, or are refused when there are none", async () => {
    expect(await resolver.resolve4("example.test")).toEqual(["192.0.2.7"]);
    await expect(resolver.resolve4("unknown.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
    const alone = addressPlan(claim.net, { dnsPort: 5399 });
    const lonely = await startDns({ store: store.registry, plan: alone, upstreams: [] });
    const asker = new dns.Resolver({ timeout: 1000, tries: 1 });
    asker.setServers([`${alone.dns}:5399`]);
    await expect(asker.resolve4("example.test")).rejects.toMatchObject({ code: "EREFUSED" });
    await lonely.stop();
  });
});

describe("the wire", () => {
  test("an answer that does not fit is truncated, and whole over TCP", async () => {
    const short = await askUdp(query("many.default.svc.cluster.local", "A"));
    expect(short).toMatchObject({ flag_tc: true });
    expect(short.answers?.length).toBeGreaterThan(0);
    expect(short.answers?.length).toBeLessThan(60);
    expect(await resolver.resolve4("many.default.svc.cluster.local")).toHaveLength(60);
  });

  test("garbage gets FORMERR or silence, and the server lives on", async () => {
    const broken = Buffer.concat([
      query("web.default.svc.cluster.local", "A").subarray(0, 12),
      Buffer.from([63, 1, 2]),
    ]);
    expect(await askUdp(broken)).toMatchObject({ rcode: "FORMERR", id: 7 });
    const socket = createSocket("udp4");
    for (const bytes of [Buffer.alloc(3), Buffer.alloc(12, 0xff), Buffer.alloc(600, 0xc0)])
      socket.send(bytes, plan.dnsPort, plan.dns);
    expect(await resolver.resolve4("web.default.svc.cluster.local")).toHaveLength(1);
    socket.close();
  });

  test("several queries on one TCP connection, in pieces, answered in order", async () => {
    const framed = (message: Buffer) =>
      Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
    const bytes = Buffer.concat([
      framed(query("web.default.svc.cluster.local", "A", { id: 1 })),
      framed(query("db-0.db-headless.default.svc.cluster.local", "A", { id: 2 })),
    ]);
    const socket = connect(plan.dnsPort, plan.dns);
    socket.write(bytes.subarray(0, 5));
    socket.write(bytes.subarray(5));
    const ids: number[] = [];
    let received = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      while (received.length > 2 && received.length >= 2 + received.readUInt16BE(0)) {
        ids.push(received.readUInt16BE(2));
        received = received.subarray(2 + received.readUInt16BE(0));
      }
      if (ids.length === 2) break;
    }
    expect(ids).toEqual([1, 2]);
  });
});
