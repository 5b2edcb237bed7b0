/** What faults of DNS do to pods that ask, and to no others. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cluster } from "../../src/index.ts";
import { type Agent, eventually, openCluster, startAgent } from "./agent.ts";

let cluster: Cluster;
let first: Agent;
let second: Agent;

beforeAll(async () => {
  cluster = await openCluster();
  [first, second] = await Promise.all([startAgent(cluster, "first"), startAgent(cluster, "second")]);
  await createService("web");
});

afterAll(() => cluster?.stop());

const createService = (name: string) =>
  cluster.registry.create("services", {
    metadata: { name, namespace: "default" },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  });
const addressOf = (name: string) => cluster.registry.get("services", "default", name)?.spec?.clusterIP;

/** An address, or the code of the error. */
const ask = (agent: Agent, name: string) =>
  agent.run(`return require("dns").promises.lookup("${name}").then(({ address }) => address, ({ code }) => code)`);

test("dns-error refuses names that one pod asks for", async () => {
  const { id } = await cluster.faults.add({ kind: "dns-error", pods: ["first"], names: ["web.default"] });
  expect(await ask(first, "web")).toBe("EAI_AGAIN");
  expect(await ask(first, "kubernetes")).toBe(addressOf("kubernetes"));
  expect(await ask(second, "web")).toBe(addressOf("web"));
  await cluster.faults.clear(id);
  expect(await ask(first, "web")).toBe(addressOf("web"));
});

test("dns-error may also deny that the name exists", async () => {
  const { id } = await cluster.faults.add({ kind: "dns-error", names: ["svc.cluster.local"], code: "NXDOMAIN" });
  expect(await ask(second, "web")).toBe("ENOTFOUND");
  await cluster.faults.clear(id);
});

test("dns-delay answers late", async () => {
  const { id } = await cluster.faults.add({ kind: "dns-delay", pods: ["first"], delayMs: 200 });
  const took = `const began = performance.now(); await require("dns").promises.lookup("web"); return performance.now() - began`;
  expect(await first.run(took)).toBeGreaterThanOrEqual(199);
  await cluster.faults.clear(id);
});

test("dns-stale answers with what was true before, until it is cleared", async () => {
  const before = addressOf("web");
  const { id } = await cluster.faults.add({ kind: "dns-stale", pods: ["first"], ageMs: 3_600_000 });
  await cluster.registry.delete("services", "default", "web");
  await createService("newcomer");
  expect(await ask(first, "web")).toBe(before);
  expect(await ask(first, "newcomer")).toBe("ENOTFOUND");
  expect(await ask(second, "web")).toBe("ENOTFOUND");
  expect(await ask(second, "newcomer")).toBe(addressOf("newcomer"));
  await cluster.faults.clear(id);
  expect(await ask(first, "web")).toBe("ENOTFOUND");
});

test("dns-stale catches up after its age", async () => {
  const { id } = await cluster.faults.add({ kind: "dns-stale", ageMs: 100 });
  await createService("later");
  await eventually(
    () => ask(first, "later"),
    (answer) => answer === addressOf("later"),
  );
  await cluster.faults.clear(id);
});

test("dns-negative-cache goes on denying what was once denied", async () => {
  const { id } = await cluster.faults.add({ kind: "dns-negative-cache", pods: ["first"], ttlMs: 3_600_000 });
  expect(await ask(first, "missing")).toBe("ENOTFOUND");
  await createService("missing");
  expect(await ask(first, "missing")).toBe("ENOTFOUND");
  expect(await ask(second, "missing")).toBe(addressOf("missing"));
  await cluster.faults.clear(id);
  expect(await ask(first, "missing")).toBe(addressOf("missing"));
});
