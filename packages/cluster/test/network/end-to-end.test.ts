/** The network of a whole cluster, as its Node.js pods live it: NetworkPolicy, Services and Ingress through the real kubelet. */
import { type IncomingMessage, request } from "node:http";
import { get } from "node:https";
import { createInterface } from "node:readline";
import { json } from "node:stream/consumers";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Cluster, startCluster } from "../../src/cluster.ts";
import { isolationLevels } from "../kubelet/cluster-fixture.ts";

/** Keeps one connection to the server, says what happens to it, and tries again. */
const dialer = `
  const net = require("net");
  function dial() {
    const socket = net.connect({ host: "echo", port: 7000 });
    const late = setTimeout(() => { console.log("no answer"); socket.destroy(); }, 300);
    socket.once("connect", () => socket.write("hello"));
    socket.once("data", () => { clearTimeout(late); console.log("connected"); });
    socket.on("error", (error) => console.log("lost: " + error.code));
    socket.on("close", () => setTimeout(dial, 50));
  }
  dial();`;

const server = `
  const http = require("http");
  require("net").createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(7000);
  http.createServer((request, response) =>
    response.end(JSON.stringify({ host: request.headers.host, from: request.headers["x-forwarded-for"] }))).listen(8080);`;

const podRunning = (name: string, program: string, ports: readonly number[]): Pod => ({
  metadata: { name, namespace: "default", labels: { app: name } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: "main",
        image: "node",
        command: ["node", "-e", program],
        ports: ports.map((containerPort) => ({ name: `p${containerPort}`, containerPort })),
        ...(ports.length > 0 && { readinessProbe: { tcpSocket: { port: ports[0] }, periodSeconds: 1 } }),
      },
    ],
  } as Pod["spec"],
});

describe.each(isolationLevels)("isolation %s", (isolation) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ isolation, loopbackLoadBalancers: false });
    const { registry } = cluster;
    await registry.create("services", {
      metadata: { name: "echo", namespace: "default" },
      spec: {
        selector: { app: "echo" },
        ports: [
          { name: "echo", port: 7000, targetPort: "p7000" },
          { name: "http", port: 80, targetPort: "p8080" },
        ],
      },
    });
    await registry.create("pods", podRunning("echo", server, [7000, 8080]));
    await registry.create("pods", podRunning("dialer", dialer, []));
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  /** What the dialer prints; resolves when it has printed `expected` after the last line asked for. */
  function follow(): (expected: string) => Promise<void> {
    const lines: string[] = [];
    let wake = (): void => {};
    const headers = { authorization: `Bearer ${cluster.adminToken}` };
    const url = `${cluster.url}/api/v1/namespaces/default/pods/dialer/log?follow=true`;
    get(url, { headers, ca: cluster.caPem }, (response) => {
      createInterface({ input: response }).on("line", (line) => {
        lines.push(line);
        wake();
      });
    }).on("error", () => {});
    return async (expected) => {
      while (!lines.includes(expected)) await new Promise<void>((resolve) => (wake = resolve));
      lines.splice(0, lines.indexOf(expected) + 1);
    };
  }

  const running = (name: string) =>
    vi.waitFor(() => expect(cluster.registry.get("pods", "default", name)?.status?.phase).toBe("Running"), 15_000);

  test("NetworkPolicy cuts a live connection, keeps new ones out, lets the kubelet's probes in, and goes", async () => {
    await running("dialer");
    const says = follow();
    await says("connected");
    await cluster.registry.create("networkpolicies.networking.k8s.io", {
      metadata: { name: "closed", namespace: "default" },
      spec: { podSelector: { matchLabels: { app: "echo" } }, ingress: [{ ports: [{ port: "p8080" }] }] },
    });
    await says("lost: ECONNRESET");
    await says("no answer");
    const ready = cluster.registry
      .get("pods", "default", "echo")
      ?.status?.conditions?.find(({ type }) => type === "Ready");
    expect(ready?.status).toBe("True");
    await cluster.registry.delete("networkpolicies.networking.k8s.io", "default", "closed");
    await says("connected");
  });

  test("Ingress reaches the pods through their Service", async () => {
    const backend = { service: { name: "echo", port: { name: "http" } } };
    await cluster.registry.create("ingresses.networking.k8s.io", {
      metadata: { name: "web", namespace: "default" },
      spec: { rules: [{ host: "web.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }] },
    });
    const address = await vi.waitFor(() => {
      const { spec, status } = cluster.registry.get("ingresses.networking.k8s.io", "default", "web") ?? {};
      expect(spec?.ingressClassName).toBe("coracle");
      const [first] = status?.loadBalancer?.ingress ?? [];
      expect(first?.ip).toBeDefined();
      return first?.ip ?? "";
    }, 10_000);
    const { message = "" } = cluster.registry.list("events").find(({ reason }) => reason === "Sync") ?? {};
    const [url = ""] = /http:[^ ,]+/.exec(message) ?? [];
    expect(new URL(url).hostname).toBe(address);
    const answer = await vi.waitFor(async () => {
      const response = await new Promise<IncomingMessage>((resolve, reject) =>
        request(url, { headers: { host: "web.test" } }, resolve)
          .on("error", reject)
          .end(),
      );
      expect(response.statusCode).toBe(200);
      return json(response);
    }, 10_000);
    expect(answer).toEqual({ host: "web.test", from: "127.0.0.1" });
  });
});
