/** What faults of the API do to clients that run as pods, and to no others. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cluster } from "../../src/index.ts";
import { type Agent, eventually, openCluster, startAgent } from "./agent.ts";

let cluster: Cluster;
let first: Agent;
let second: Agent;

beforeAll(async () => {
  cluster = await openCluster();
  await cluster.registry.create("clusterrolebindings.rbac.authorization.k8s.io", {
    metadata: { name: "agents" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
  });
  [first, second] = await Promise.all([startAgent(cluster, "first"), startAgent(cluster, "second")]);
});

afterAll(() => cluster?.stop());

const maps = "/api/v1/namespaces/default/configmaps";
const create = (name: string) => `api("POST", "${maps}", { body: { metadata: { name: "${name}" } } })`;
const exists = (name: string) => cluster.registry.get("configmaps", "default", name) !== undefined;
const list = `api("GET", "${maps}")`;
const statusOf = (agent: Agent, call = list) => agent.run(`return (await ${call}).status`);

test("api-error answers one pod's calls with an error, as often as it is told", async () => {
  const { id } = await cluster.faults.add({
    kind: "api-error",
    pods: ["first"],
    code: 409,
    verbs: ["create"],
    resources: ["configmaps"],
    count: 2,
  });
  const answer = (await first.run(`return await ${create("refused")}`)) as { status: number; body: object };
  expect(answer).toMatchObject({
    status: 409,
    body: { kind: "Status", reason: "Conflict", message: `injected by the fault ${id}` },
  });
  expect(await statusOf(second, create("other"))).toBe(201);
  expect(await statusOf(first, list)).toBe(200);
  expect(await statusOf(first, create("refused"))).toBe(409);
  expect(exists("refused")).toBe(false);
  expect(await statusOf(first, create("refused"))).toBe(201);
  await cluster.faults.clear(id);
});

test("an outdated watch is told so with 410 Expired", async () => {
  const { id } = await cluster.faults.add({ kind: "api-error", pods: ["first"], code: 410, verbs: ["watch"] });
  const answer = await first.run(`return await api("GET", "${maps}?watch=1")`);
  expect(answer).toMatchObject({ status: 410, body: { reason: "Expired" } });
  await cluster.faults.clear(id);
});

test("api-hang leaves calls unanswered and undone, and cuts them when it is cleared", async () => {
  const { id } = await cluster.faults.add({ kind: "api-hang", serviceAccount: "default" });
  const impatient = create("hanging").replace("body:", "signal: AbortSignal.timeout(200), body:");
  expect(await first.codeOf(`await ${impatient}`)).toBe("ABORT_ERR");
  await cluster.faults.clear(id);
  expect(exists("hanging")).toBe(false);
  expect(await statusOf(first)).toBe(200);
});

test("calls that hang are cut when the fault is cleared", async () => {
  const impatient = list.replace(")", ", { signal: AbortSignal.timeout(100) })");
  const attempt = async () => {
    const { id } = await cluster.faults.add({ kind: "api-hang", serviceAccount: "default" });
    const hanging = first.codeOf(`await ${list}`);
    await second.codeOf(`await ${impatient}`);
    await cluster.faults.clear(id);
    return hanging;
  };
  // A call that comes only after the clearing is served: then once more.
  await eventually(attempt, (code) => code === "ECONNRESET");
});

test("api-lose-answer performs the call and cuts the connection", async () => {
  const { id } = await cluster.faults.add({ kind: "api-lose-answer", pods: ["first"], verbs: ["create"] });
  expect(await first.codeOf(`await ${create("lost")}`)).toBe("ECONNRESET");
  expect(exists("lost")).toBe(true);
  expect(await statusOf(first)).toBe(200);
  await cluster.faults.clear(id);
});

test("api-delay performs the call later", async () => {
  const { id } = await cluster.faults.add({ kind: "api-delay", userAgent: "agent/", delayMs: 200 });
  const took = `const began = performance.now(); await ${create("late")}; return performance.now() - began`;
  expect(await first.run(took)).toBeGreaterThanOrEqual(199);
  expect(exists("late")).toBe(true);
  await cluster.faults.clear(id);
});

/** How a watch ends. */
const watch = `new Promise((resolve) => api("GET", "${maps}?watch=1", { wantsStream: true }).then((stream) => {
    stream.resume();
    stream.on("error", ({ code }) => resolve(code));
    stream.on("end", () => resolve("ended"));
  }, ({ code }) => resolve(code)))`;

test("api-drop-watches cuts the watches that are open, and new ones after a while", async () => {
  await first.run(`kept.watch = ${watch}; await ${list}`);
  await second.run(
    `kept.watch = ${watch}; kept.isOpen = true; kept.watch.then(() => (kept.isOpen = false)); await ${list}`,
  );
  const { id } = await cluster.faults.add({ kind: "api-drop-watches", pods: ["first"], afterMs: 50 });
  expect(await first.run("return await kept.watch")).toBe("ECONNRESET");
  expect(await first.run(`return await ${watch}`)).toBe("ECONNRESET");
  expect(await second.run("return kept.isOpen")).toBe(true);
  expect(await statusOf(first)).toBe(200);
  await cluster.faults.clear(id);
});

test("faults aimed at everybody spare discovery and the faults themselves", async () => {
  const { id } = await cluster.faults.add({ kind: "api-error", code: 503 });
  expect(await statusOf(first)).toBe(503);
  expect(await statusOf(first, `api("GET", "/apis")`)).toBe(200);
  expect(await statusOf(first, `api("DELETE", "/apis/faults.coracle.dev/v1/faults/${id}")`)).toBe(200);
  await eventually(
    () => statusOf(first),
    (status) => status === 200,
  );
});
