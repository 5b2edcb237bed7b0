/** NetworkPolicy against real processes: two Node.js programs run as pods, and a policy comes between them. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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
