/** What the faults that are aimed at pods do to programs that run as pods. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cluster } from "../../src/index.ts";
import { processesOf, statOf } from "../../src/kubelet/process/proc.ts";
import { type Agent, eventually, openCluster, startAgent, until } from "./agent.ts";

let cluster: Cluster;
let first: Agent;
let second: Agent;

beforeAll(async () => {
  cluster = await openCluster();
  [first, second] = await Promise.all([startAgent(cluster, "first"), startAgent(cluster, "second")]);
  await second.run(`
    require("net").createServer((socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    }).listen(7000);`);
});

afterAll(() => cluster?.stop());

const statesOf = (agent: Agent) => {
  const { containerID = "" } = agent.pod().status?.containerStatuses?.[0] ?? {};
  return processesOf(containerID.slice(containerID.indexOf("//") + 2)).map((pid) => statOf(pid)?.state);
};

test("kill ends the programs and the kubelet starts them again", async () => {
  const { status } = await cluster.faults.add({ kind: "kill", pods: ["first"] });
  expect(status).toMatchObject({ phase: "Over", affected: ["default/first"] });
  const container = () => first.pod().status?.containerStatuses?.[0];
  await until(cluster, "pods", () => (container()?.restartCount ?? 0) > 0 && container()?.ready === true);
  expect(container()?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: "Error" });
});

test("pause stops every process of a pod until it is cleared", async () => {
  const fault = await cluster.faults.add({ kind: "pause", pods: ["first"] });
  expect(new Set(statesOf(first))).toEqual(new Set(["T"]));
  await cluster.faults.clear(fault.id);
  expect(statesOf(first)).not.toContain("T");
  expect(await first.run("return 1 + 1")).toBe(2);
});

test("a fault ends when its time is up", async () => {
  const { id } = await cluster.faults.add({ kind: "pause", pods: ["first"], durationMs: 50 });
  await until(cluster, "faults.faults.coracle.dev", () =>
    cluster.faults.list().some((fault) => fault.id === id && fault.status.phase === "Over"),
  );
  expect(statesOf(first)).not.toContain("T");
  await cluster.faults.clear(id);
});

/** How an attempt to reach the second pod ends. */
const dial = (from: Agent, to: Agent) =>
  from.run(`return new Promise((resolve) => {
    const socket = require("net").connect({ host: "${to.ip}", port: 7000 });
    socket.setTimeout(150, () => { socket.destroy(); resolve("lost"); });
    socket.on("connect", () => { socket.destroy(); resolve("connected"); });
    socket.on("error", ({ code }) => resolve(code));
  })`);

test("a partition is a NetworkPolicy that cuts pods off, and goes with the fault", async () => {
  expect(await dial(first, second)).toBe("connected");
  const { id } = await cluster.faults.add({ kind: "partition", pods: ["first"], from: ["second"] });
  expect(cluster.registry.list("networkpolicies.networking.k8s.io")).toHaveLength(1);
  await eventually(
    () => dial(first, second),
    (answer) => answer === "lost",
  );
  await cluster.faults.clear(id);
  expect(cluster.registry.list("networkpolicies.networking.k8s.io")).toEqual([]);
  expect(Object.keys(first.pod().metadata.labels ?? {})).toEqual(["app", "name"]);
  await eventually(
    () => dial(first, second),
    (answer) => answer === "connected",
  );
});

test("a one-way partition leaves the other way open", async () => {
  await first.run(`require("net").createServer((socket) => socket.on("error", () => {})).listen(7000)`);
  const { id } = await cluster.faults.add({ kind: "partition", selector: "name=first", direction: "in" });
  await eventually(
    () => dial(second, first),
    (answer) => answer === "lost",
  );
  expect(await dial(first, second)).toBe("connected");
  await cluster.faults.clear(id);
});

test("network-delay keeps what is received back, in order", async () => {
  const exchange = () =>
    first.run(`return new Promise((resolve, reject) => {
      const socket = require("net").connect({ host: "${second.ip}", port: 7000 });
      const began = performance.now();
      const seen = { text: "", firstMs: 0 };
      socket.on("error", reject);
      socket.on("data", (chunk) => { seen.firstMs ||= performance.now() - began; seen.text += chunk; });
      socket.on("end", () => resolve(seen));
      for (let word = 0; word < 50; word++) socket.write(word + " ");
      socket.end();
    })`) as Promise<{ text: string; firstMs: number }>;
  const words = Array.from({ length: 50 }, (_, word) => `${word} `).join("");
  const { id } = await cluster.faults.add({ kind: "network-delay", pods: ["first"], from: ["second"], delayMs: 300 });
  const late = await eventually(exchange, ({ firstMs }) => firstMs >= 299);
  expect(late.text).toBe(words);
  await cluster.faults.clear(id);
  await eventually(exchange, ({ firstMs }) => firstMs < 299);
});

test("clock-skew moves Date, also one that the program has kept, and leaves monotonic time alone", async () => {
  const hourMs = 3_600_000;
  const times = `const started = performance.now(); await new Promise((resolve) => setTimeout(resolve, 10));
    return { now: Date.now(), made: new Date().getTime(), kept: kept.now(), said: new Date(Date()).getTime(),
             passed: performance.now() - started, isDate: require("fs").statSync("/").mtime instanceof Date,
             given: new Date(5).getTime() }`;
  const { id } = await cluster.faults.add({ kind: "clock-skew", pods: ["first"], offsetMs: hourMs });
  const seen = (await eventually(
    () => first.run(times),
    (answer) => (answer as { now: number }).now > Date.now() + hourMs / 2,
  )) as Record<string, number>;
  for (const way of ["made", "kept", "said"])
    expect(Math.abs((seen[way] as number) - (seen.now as number))).toBeLessThan(10_000);
  expect(seen.passed).toBeLessThan(hourMs);
  expect(seen).toMatchObject({ isDate: true, given: 5 });
  await cluster.faults.clear(id);
  await eventually(
    () => first.run("return Date.now()"),
    (now) => (now as number) < Date.now() + hourMs / 2,
  );
});

test("clock-skew by a rate lets time run faster", async () => {
  const { id } = await cluster.faults.add({ kind: "clock-skew", pods: ["second"], rate: 1000 });
  await eventually(
    () => second.run("return Date.now()"),
    (now) => (now as number) > Date.now() + 60_000,
  );
  await cluster.faults.clear(id);
});

test("faults that nobody can suffer, or that make no sense, are refused and leave nothing behind", async () => {
  await expect(cluster.faults.add({ kind: "pause", pods: ["nobody"] })).rejects.toMatchObject({ code: "no-target" });
  await expect(cluster.faults.add({ kind: "network-delay", pods: ["first"], delayMs: 0 })).rejects.toThrow(
    "spec.delayMs: Invalid value: 0: must be a whole number from 1 to 600000",
  );
  expect(cluster.faults.list().filter(({ status }) => status.phase === "Active")).toEqual([]);
});
