/** NetworkPolicy against real processes: two Node.js programs run as pods, and a policy comes between them. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { addressPlan } from "../../src/network/addresses.ts";
import { claimNetwork, type NetworkClaim } from "../../src/network/claim.ts";
import { type NetworkPolicies, startNetworkPolicies } from "../../src/network/policy/network-policies.ts";
import { preloadEnvironment } from "../../src/network/preload/environment.ts";
import type { AddressPlan } from "../../src/network/types.ts";
import { FakeRegistry } from "./fake-registry.ts";

const store = new FakeRegistry();
let claim: NetworkClaim;
let plan: AddressPlan;
let dir: string;
let policies: NetworkPolicies;
const children: ChildProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "policies-"));
  claim = await claimNetwork({ preferred: 150 });
  plan = addressPlan(claim.net, { dnsPort: claim.dnsPort });
  for (const index of [0, 1]) store.put("pods", podNamed(index));
  policies = startNetworkPolicies({ store: store.registry, dir });
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  policies?.stop();
  await claim?.release();
  await rm(dir, { recursive: true, force: true });
});

const podNamed = (index: number) => ({
  metadata: { name: `node-${index}`, namespace: "default", labels: { app: "chain", ordinal: String(index) } },
  spec: { containers: [] },
  status: { podIP: plan.pods.at(index) },
});

/** A program in a pod; what it prints comes line by line. */
function start(index: number, program: string) {
  const pod = podNamed(index);
  const env = preloadEnvironment({
    plan,
    podIp: plan.pods.at(index),
    pod,
    policyFile: policies.fileFor(pod, plan.pods.at(index)),
  });
  const child = spawn(process.execPath, ["-e", program], { env: { PATH: process.env.PATH, ...env } });
  children.push(child);
  const lines: string[] = [];
  let wake = (): void => {};
  child.stderr.on("data", (chunk) => lines.push(`stderr: ${chunk}`));
  child.stdout.on("data", (chunk) => {
    lines.push(...String(chunk).trim().split("\n"));
    wake();
  });
  return {
    heard: (line: string): boolean => lines.includes(line),
    forget: (): void => void lines.splice(0),
    /** Resolves when such a line has been printed after the last one asked for. */
    async says(expected: string): Promise<void> {
      while (!lines.includes(expected)) await new Promise<void>((resolve) => (wake = resolve));
      lines.splice(0, lines.indexOf(expected) + 1);
    },
  };
}

const server = `
  require("net").createServer((socket) => {
    socket.on("error", (error) => console.log("server saw " + error.code)).pipe(socket);
  }).listen(7000, () => console.log("listening"));`;

/** Keeps one connection to the server, says what happens to it, and tries again. */
const client = (host: string) => `
  const net = require("net");
  function dial() {
    const socket = net.connect({ host: "${host}", port: 7000 });
    const late = setTimeout(() => { console.log("no answer"); socket.destroy(); }, 300);
    socket.once("connect", () => { clearTimeout(late); console.log("connected"); });
    socket.on("error", (error) => console.log("client saw " + error.code));
    socket.on("close", () => setTimeout(dial, 50));
  }
  dial();`;

test("a partition ends live connections, drops new ones, and heals", async () => {
  const peer = start(0, server);
  await peer.says("listening");
  const caller = start(1, client(plan.pods.at(0)));
  await caller.says("connected");
  store.put("networkpolicies.networking.k8s.io", {
    metadata: { name: "partition", namespace: "default" },
    spec: { podSelector: { matchLabels: { ordinal: "0" } }, policyTypes: ["Ingress", "Egress"] },
  });
  await caller.says("client saw ECONNRESET");
  await caller.says("no answer");
  store.drop("networkpolicies.networking.k8s.io", "default", "partition");
  await caller.says("connected");
  expect(await readdir(dir)).toEqual([]);
});

/** Answers every datagram, and says from whom. */
const udpServer = `
  const socket = require("dgram").createSocket("udp4");
  socket.on("message", (bytes, { address, port }) => { console.log("heard " + bytes); socket.send("re: " + bytes, port, address); });
  socket.bind(7001, () => console.log("listening"));`;

/** Sends numbered datagrams to the server, and takes notice of answers. */
const udpClient = (host: string) => `
  const socket = require("dgram").createSocket("udp4");
  socket.on("message", (bytes) => console.log("answer " + bytes));
  setInterval(() => socket.send("ping", 7001, "${host}", () => console.log("sent")), 20);`;

test("UDP: an isolated pod gets answers to what it asks, and nothing else", async () => {
  const isolated = { podSelector: { matchLabels: { ordinal: "1" } }, policyTypes: ["Ingress"] };
  const put = (name: string, spec: object) =>
    store.put("networkpolicies.networking.k8s.io", { metadata: { name, namespace: "default" }, spec } as NetworkPolicy);
  put("answers-only", isolated);
  const peer = start(0, udpServer);
  await peer.says("listening");
  const caller = start(1, udpClient(plan.pods.at(0)));
  await peer.says("heard ping");
  await caller.says("answer re: ping");
  // Towards the isolated pod a conversation does not begin.
  const deaf = start(1, udpServer);
  await deaf.says("listening");
  const knocking = start(0, udpClient(plan.pods.at(1)));
  put("silent", { podSelector: { matchLabels: { ordinal: "1" } }, policyTypes: ["Egress"] });
  // Now it may not ask either; what was on its way before the policy came may still be heard.
  await vi.waitFor(async () => {
    peer.forget();
    for (let sent = 0; sent < 5; sent++) await caller.says("sent");
    expect(peer.heard("heard ping")).toBe(false);
  });
  for (let sent = 0; sent < 5; sent++) await knocking.says("sent");
  expect(deaf.heard("heard ping")).toBe(false);
  store.drop("networkpolicies.networking.k8s.io", "default", "answers-only");
  store.drop("networkpolicies.networking.k8s.io", "default", "silent");
  await deaf.says("heard ping");
  await knocking.says("answer re: ping");
  await peer.says("heard ping");
});
