import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { request as secureRequest } from "node:https";
import { connect, createServer as createRawServer, type Socket } from "node:net";
import { json, text } from "node:stream/consumers";
import { connect as secureConnect, type TLSSocket } from "node:tls";
import type { Ingress, IngressSpec } from "kubernetes-types/networking/v1.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { openPki, type Pki } from "../../src/apiserver/pki/pki.ts";
import { addressPlan } from "../../src/network/addresses.ts";
import { claimNetwork, type NetworkClaim } from "../../src/network/claim.ts";
import { startIngress } from "../../src/network/ingress/ingress.ts";
import { type ServiceProxy, startServiceProxy } from "../../src/network/proxy/service-proxy.ts";
import type { AddressPlan } from "../../src/network/types.ts";
import { FakeRegistry } from "./fake-registry.ts";
import { type EndpointSpec, service, slice } from "./objects.ts";
import { oddAnswers, oddRequests } from "./odd-http.ts";

const store = new FakeRegistry();
let claim: NetworkClaim;
let plan: AddressPlan;
let pki: Pki;
let proxy: ServiceProxy;
let ingress: { stop(): Promise<void> };
let base: string;
const events: string[] = [];
const servers: Server[] = [];
const port = 7100;

beforeAll(async () => {
  claim = await claimNetwork({ preferred: 160 });
  plan = addressPlan(claim.net);
  pki = await openPki();
  proxy = await startServiceProxy({ store: store.registry, plan, loopbackLoadBalancer: false });
  ingress = await startIngress({
    store: store.registry,
    plan,
    thread: proxy.thread,
    isOnLoopback: true,
    issueCertificate: pki.issue,
    recordEvent: (_about, _type, reason, message) => events.push(`${reason}: ${message}`),
  });
  publish("main", [await pod(0)]);
  put("main", { rules: [rule("main.test", "/", "main")] });
  await vi.waitFor(() => expect(addressOf("main")).toBeDefined());
  base = addressOf("main") ?? "";
});

afterAll(async () => {
  await ingress?.stop();
  await proxy?.stop();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await claim?.release();
});

/** A pod that says who it is and what it was sent. */
async function pod(index: number, answer?: (request: IncomingMessage) => string): Promise<string> {
  const address = plan.pods.at(index);
  const server = createServer(async (incoming, response) => {
    const { method, url, headers } = incoming;
    const body = await text(incoming);
    response.setHeader("Set-Cookie", ["a=1", "b=2"]);
    response.end(answer?.(incoming) ?? JSON.stringify({ pod: index, method, url, headers, body }));
  });
  servers.push(server.listen(port, address));
  await once(server, "listening");
  return address;
}

function publish(name: string, addresses: readonly (string | EndpointSpec)[], spec: object = {}): void {
  store.put("services", service(name, { clusterIP: "None", ports: [{ name: "http", port: 80 }], ...spec }));
  const endpoints = addresses.map((address) => (typeof address === "string" ? { address } : address));
  store.put("endpointslices.discovery.k8s.io", slice(name, endpoints, [{ name: "http", port, protocol: "TCP" }]));
}

const rule = (host: string, path: string, name: string, pathType = "Prefix") => ({
  host,
  http: { paths: [{ path, pathType, backend: { service: { name, port: { name: "http" } } } }] },
});

let age = 0;
function put(name: string, spec: IngressSpec, status: Ingress["status"] = {}): void {
  const creationTimestamp = `2026-01-01T00:00:${String(age++).padStart(2, "0")}Z`;
  store.put("ingresses.networking.k8s.io", {
    metadata: { name, namespace: "default", creationTimestamp },
    spec,
    status,
  });
}

const addressOf = (name: string) =>
  store.get("ingresses.networking.k8s.io", "default", name)?.status?.loadBalancer?.ingress?.[0]?.ip;

/** Where the shared site listens; the ports depend on what this machine permits. */
function urlOf(scheme: "http" | "https", address = base): URL {
  const said = events.findLast((event) => event.startsWith("Sync: Serving") && event.includes(`//${address}`)) ?? "";
  return new URL(/\S+/.exec(said.slice(said.indexOf(`${scheme}://${address}`)))?.[0].replace(/,$/, "") ?? "");
}

interface Ask {
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | readonly string[];
  readonly localAddress?: string;
  readonly address?: string;
}

async function ask({ host = "main.test", path = "/", method, headers, body, localAddress, address }: Ask = {}) {
  const outgoing = request(urlOf("http", address), {
    path,
    method: method ?? "GET",
    headers: { host, ...headers },
    agent: false,
    ...(localAddress && { localAddress }),
  });
  for (const part of Array.isArray(body) ? body : []) outgoing.write(part);
  outgoing.end(typeof body === "string" ? body : undefined);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return response;
}

/** Until the change at hand is served. */
const eventually = <T>(check: () => Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 10_000 });

describe("requests", () => {
  test("reach the endpoint as they are, with where they came from", async () => {
    const caller = plan.pods.at(40);
    const headers = { "x-own": "1", "x-forwarded-for": "6.6.6.6", connection: "x-hop", "x-hop": "1", te: "gzip" };
    const response = await ask({ path: "/a?b=c", method: "POST", headers, body: "hello", localAddress: caller });
    expect(response.statusCode).toBe(200);
    expect(response.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    const seen = (await json(response)) as { headers: Record<string, string> };
    expect(seen).toMatchObject({ pod: 0, method: "POST", url: "/a?b=c", body: "hello" });
    expect(seen.headers).toMatchObject({
      host: "main.test",
      "x-own": "1",
      "x-forwarded-for": caller,
      "x-real-ip": caller,
      "x-forwarded-proto": "http",
      "x-forwarded-host": "main.test",
      "x-forwarded-port": urlOf("http").port || "80",
      "content-length": "5",
    });
    expect(seen.headers["x-request-id"]).toBeTruthy();
    expect(seen.headers["x-hop"]).toBeUndefined();
    expect(seen.headers.te).toBeUndefined();
  });

  test("a body of unknown length arrives, whatever the method", async () => {
    const response = await ask({
      method: "DELETE",
      body: ["one ", "two"],
      headers: { "transfer-encoding": "chunked" },
    });
    expect(await json(response)).toMatchObject({ method: "DELETE", body: "one two" });
  });

  test("without a rule 404, without endpoints or Service 503, and refused connections go to the next endpoint", async () => {
    expect(await text(await ask({ host: "unknown.test" }))).toBe("default backend - 404\n");
    put("bare", { rules: [rule("bare.test", "/none", "nobody"), rule("bare.test", "/empty", "empty")] });
    publish("empty", [{ address: plan.pods.at(9), ready: false }]);
    publish("halfdead", [plan.pods.at(10), await pod(1)]);
    put("halfdead", { rules: [rule("half.test", "/", "halfdead")] });
    await eventually(async () => expect((await ask({ host: "half.test" })).statusCode).toBe(200));
    for (const path of ["/none", "/empty"]) expect((await ask({ host: "bare.test", path })).statusCode).toBe(503);
    for (let i = 0; i < 4; i++)
      expect((await ask({ host: "half.test", method: "POST", body: "x" })).statusCode).toBe(200);
    publish("halfdead", [plan.pods.at(10)]);
    await eventually(async () => expect((await ask({ host: "half.test" })).statusCode).toBe(502));
  });

  test("an answer that breaks off is not passed off as whole", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { "Content-Length": 100 });
      response.write("part", () => response.destroy());
    });
    servers.push(server.listen(port, plan.pods.at(12)));
    publish("broken", [plan.pods.at(12)]);
    put("broken", { rules: [rule("broken.test", "/", "broken")] });
    await eventually(async () => {
      const response = await ask({ host: "broken.test" });
      expect(response.statusCode).toBe(200);
      await expect(text(response)).rejects.toThrow("aborted");
    });
  });

  test("garbage is refused, and the gateway lives on", async () => {
    const { hostname, port: at } = urlOf("http");
    const socket = connect(Number(at || 80), hostname);
    socket.end("this is not HTTP\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400/);
    expect((await ask()).statusCode).toBe(200);
  });

  test.each(oddAnswers)("a backend that answers with %s harms nobody", async (_what, answer, status) => {
    const odd = createRawServer((socket) => {
      socket.on("error", () => {}).once("data", () => socket.end(Buffer.from(answer, "latin1")));
    });
    odd.listen(port, plan.pods.at(30));
    await once(odd, "listening");
    publish("odd", [plan.pods.at(30)]);
    put("odd", { rules: [rule("odd.test", "/", "odd")] });
    await eventually(async () => {
      const got = await ask({ host: "odd.test" }).then(
        (response) => {
          response.on("error", () => {}).resume();
          return response.statusCode;
        },
        () => 0,
      );
      expect(got).not.toBe(404);
      expect(got).not.toBe(503);
      if (status !== undefined) expect(got).toBe(status);
    });
    odd.close();
    expect((await ask()).statusCode).toBe(200);
  });

  test("requests with odd bytes harm nobody", async () => {
    const { hostname, port: at } = urlOf("http");
    for (const head of oddRequests) {
      const socket = connect(Number(at || 80), hostname).on("error", () => {});
      socket.end(Buffer.from(`${head}\r\nHost: main.test\r\nConnection: close\r\n\r\n`, "latin1"));
      await text(socket).catch(() => "");
    }
    expect((await ask()).statusCode).toBe(200);
  });

  test("megabytes go both ways", async () => {
    const body = "coracle ".repeat(1 << 20);
    const response = await ask({ method: "PUT", body });
    expect((await json(response)) as object).toMatchObject({ body });
  });

  test("127.0.0.1 serves the same", async () => {
    const response = await ask({ address: "127.0.0.1" });
    expect(await json(response)).toMatchObject({ pod: 0 });
  });
});

describe("objects", () => {
  test("the class coracle is there and is the default", () => {
    const [found] = store.list("ingressclasses.networking.k8s.io");
    expect(found?.metadata.name).toBe("coracle");
    expect(found?.metadata.annotations).toEqual({ "ingressclass.kubernetes.io/is-default-class": "true" });
    expect(found?.spec?.controller).toBe("coracle.dev/ingress");
  });

  test("the status goes when the class becomes another's, and nothing is served any more", async () => {
    put("moving", { ingressClassName: "other", rules: [rule("moving.test", "/", "main")] });
    await vi.waitFor(() => expect(addressOf("moving")).toBe(base));
    expect((await ask({ host: "moving.test" })).statusCode).toBe(200);
    store.put("ingressclasses.networking.k8s.io", { metadata: { name: "other" }, spec: { controller: "else/where" } });
    await vi.waitFor(() => expect(addressOf("moving")).toBeUndefined());
    await eventually(async () => expect((await ask({ host: "moving.test" })).statusCode).toBe(404));
  });

  test("two that are nothing but a default backend have an address each", async () => {
    publish("second", [await pod(5)]);
    const backendOf = (name: string) => ({ service: { name, port: { number: 80 } } });
    put("rpc", { defaultBackend: backendOf("main") });
    put("rpc-ws", { defaultBackend: backendOf("second") });
    await vi.waitFor(() => expect(addressOf("rpc-ws")).toBeDefined());
    expect(addressOf("rpc")).toBe(base);
    expect(addressOf("rpc-ws")).not.toBe(base);
    const whom = async (address: string | undefined) => json(await ask({ host: "any", address: address ?? "" }));
    await eventually(async () => expect(await whom(addressOf("rpc"))).toMatchObject({ pod: 0 }));
    await eventually(async () => expect(await whom(addressOf("rpc-ws"))).toMatchObject({ pod: 5 }));
    for (const name of ["rpc", "rpc-ws"]) store.drop("ingresses.networking.k8s.io", "default", name);
    await eventually(async () => expect((await ask({ host: "any" })).statusCode).toBe(404));
  });
});

describe("TLS", () => {
  const putSecret = (name: string, hosts: readonly string[]): void => {
    const { certificatePem, keyPem } = pki.issue(hosts);
    const data = { "tls.crt": certificatePem, "tls.key": keyPem };
    const encoded = Object.entries(data).map(([key, pem]) => [key, Buffer.from(pem).toString("base64")]);
    store.put("secrets", { metadata: { name, namespace: "default" }, data: Object.fromEntries(encoded) });
  };

  /** The names in the certificate that a client is shown, and whether it may trust it. */
  async function shown(servername: string) {
    const { hostname, port: at } = urlOf("https");
    const socket = secureConnect({
      host: hostname,
      port: Number(at || 443),
      ...(servername && { servername }),
      ca: pki.caPem,
      rejectUnauthorized: false,
    });
    await once(socket, "secureConnect");
    const names = (socket as TLSSocket).getPeerCertificate().subjectaltname ?? "";
    const isTrusted = (socket as TLSSocket).authorized;
    socket.destroy();
    return { names, isTrusted };
  }

  test("each host is shown its Secret's certificate, by SNI; the rest one of the cluster's own", async () => {
    putSecret("one", ["one.test"]);
    putSecret("wild", ["*.wild.test", "extra.test"]);
    put("secure", {
      tls: [
        { hosts: ["one.test"], secretName: "one" },
        { hosts: ["*.wild.test"], secretName: "wild" },
        { hosts: ["later.test"], secretName: "later" },
      ],
      rules: [rule("one.test", "/", "main"), rule("plain.test", "/", "main")],
    });
    await eventually(async () => expect((await shown("one.test")).names).toBe("DNS:one.test"));
    expect((await shown("x.wild.test")).names).toMatch(/wild.test, DNS:extra.test/);
    expect(await shown("plain.test")).toMatchObject({
      names: expect.stringMatching("DNS:plain.test"),
      isTrusted: true,
    });
    expect((await shown("")).names).toMatch(base);
    await vi.waitFor(() => expect(events.join("\n")).toMatch(/BadCertificate: Secret later holds no certificate/));
    putSecret("later", ["later.test"]);
    await eventually(async () => expect((await shown("later.test")).names).toBe("DNS:later.test"));
  });

  test("the backend hears that it was https", async () => {
    const options = { headers: { host: "one.test" }, servername: "one.test", ca: pki.caPem, agent: false } as const;
    const outgoing = secureRequest(urlOf("https"), options).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    expect(await json(response)).toMatchObject({
      headers: { "x-forwarded-proto": "https", "x-forwarded-port": urlOf("https").port || "443" },
    });
  });
});

describe("WebSocket", () => {
  let echo: WebSocketServer;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    const server = createServer((_request, response) => response.writeHead(418).end("no upgrade here"));
    echo = new WebSocketServer({ noServer: true });
    server.on("upgrade", (incoming, socket, head) => {
      sockets.add(socket as Socket);
      if (incoming.url === "/refused") socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      else echo.handleUpgrade(incoming, socket, head, (ws) => ws.on("message", (data) => ws.send(String(data))));
    });
    servers.push(server.listen(port, plan.pods.at(20)));
    await once(server, "listening");
    publish("ws", [plan.pods.at(20)]);
    put("ws", { rules: [rule("ws.test", "/", "ws")] });
    await eventually(async () => expect((await ask({ host: "ws.test" })).statusCode).toBe(418));
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    servers.pop()?.close();
  });

  const open = (path: string, headers: Record<string, string> = {}) => {
    const url = urlOf("http");
    return new WebSocket(`ws://${url.host}${path}`, { headers: { host: "ws.test", ...headers } });
  };

  test("is upgraded, carries messages, survives a change of rules, and ends when its endpoint goes", async () => {
    const socket = open("/chat");
    await once(socket, "open");
    socket.send("ahoy");
    expect(String((await once(socket, "message"))[0])).toBe("ahoy");
    put("unrelated", { rules: [rule("unrelated.test", "/", "main")] });
    publish("ws", [{ address: plan.pods.at(20), ready: false, serving: true, terminating: false }]);
    await eventually(async () => expect((await ask({ host: "ws.test" })).statusCode).toBe(503));
    socket.send("still");
    expect(String((await once(socket, "message"))[0])).toBe("still");
    const ended = once(socket, "close");
    socket.on("error", () => {});
    publish("ws", []);
    expect((await ended)[0]).toBe(1006);
  });

  test("a refusal reaches the client", async () => {
    const socket = open("/refused");
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(403);
    expect(await text(response)).toBe("no");
  });

  test("no rule: 404", async () => {
    const socket = open("/", { host: "nowhere.test" });
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(404);
  });
});
