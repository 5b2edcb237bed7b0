/** When the file that pods read is written: at once for policies and for pods that start under one, gathered for all else. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PolicyTable } from "../../src/network/policy/decide.ts";
import { type NetworkPolicies, startNetworkPolicies } from "../../src/network/policy/network-policies.ts";
import { FakeRegistry } from "./fake-registry.ts";

let dir: string;
let store: FakeRegistry;
let policies: NetworkPolicies;
let waiting: { readonly at: number; run(): void }[];

const clock = {
  now: () => 0,
  after(ms: number, run: () => void) {
    const entry = { at: ms, run };
    waiting.push(entry);
    return () => {
      waiting = waiting.filter((other) => other !== entry);
    };
  },
};

/** Lets all waiting deliveries happen; says how many there were. */
function deliver(): number {
  const due = waiting;
  waiting = [];
  for (const { run } of due) run();
  return due.length;
}

const podNamed = (index: number, address?: string, labels: Record<string, string> = { app: "db" }): Pod => ({
  metadata: { name: `db-${index}`, namespace: "default", uid: `uid-${index}`, labels },
  spec: { containers: [] },
  ...(address && { status: { podIP: address } }),
});

const table = async (): Promise<PolicyTable> => JSON.parse(await readFile(join(dir, "policies.json"), "utf8"));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "delivery-"));
  waiting = [];
  store = new FakeRegistry();
  policies = startNetworkPolicies({ store: store.registry, dir, clock });
});

afterEach(async () => {
  policies.stop();
  await rm(dir, { recursive: true });
});

function isolate(app: string): void {
  store.put("networkpolicies.networking.k8s.io", {
    metadata: { name: app, namespace: "default" },
    spec: { podSelector: { matchLabels: { app } } },
  });
}

test("without a policy there is no file and nothing to do, whatever pods come", async () => {
  for (let index = 0; index < 10; index++) store.put("pods", podNamed(index, `127.9.16.${index}`));
  expect(deliver()).toBe(0);
  await expect(table()).rejects.toMatchObject({ code: "ENOENT" });
});

test("many changes are one delivery, the later the more pods there are; heartbeats are none", async () => {
  isolate("db");
  deliver();
  for (let index = 0; index < 100; index++) store.put("pods", podNamed(index, `127.9.16.${index}`));
  expect(waiting).toHaveLength(1);
  deliver();
  expect(Object.keys((await table()).pods)).toHaveLength(100);
  store.put("pods", { ...podNamed(0, "127.9.16.0"), spec: { containers: [], nodeName: "elsewhere" } });
  expect(deliver()).toBe(0);
  store.put("pods", podNamed(0, "127.9.16.0", { app: "web" }));
  expect(waiting[0]?.at).toBe(50 + 2 * 100);
  deliver();
  expect(Object.keys((await table()).pods)).toHaveLength(99);
});

test("a pod under a policy finds itself in the file before it starts, its status written or not", async () => {
  isolate("db");
  deliver();
  store.put("pods", podNamed(1));
  policies.fileFor(podNamed(1), "127.9.16.1");
  expect((await table()).pods["127.9.16.1"]).toEqual({ ingress: [] });
});

test("an address that another pod had before comes with its new owner's rules", async () => {
  isolate("db");
  store.put("pods", podNamed(1, "127.9.16.1"));
  deliver();
  store.drop("pods", "default", "db-1");
  store.put("networkpolicies.networking.k8s.io", {
    metadata: { name: "web", namespace: "default" },
    spec: { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Egress"] },
  });
  deliver();
  store.put("pods", podNamed(2, undefined, { app: "web" }));
  policies.fileFor(podNamed(2, undefined, { app: "web" }), "127.9.16.1");
  expect((await table()).pods["127.9.16.1"]).toEqual({ egress: [] });
});

test("the file goes with the last policy", async () => {
  isolate("db");
  deliver();
  await table();
  store.drop("networkpolicies.networking.k8s.io", "default", "db");
  deliver();
  await expect(table()).rejects.toMatchObject({ code: "ENOENT" });
});
