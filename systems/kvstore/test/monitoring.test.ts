/** The dashboard and the alerts name what a member really exports. */
import { readFileSync } from "node:fs";
import { serveHealth } from "@coracle/pod";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { registerMetrics } from "../src/node/metrics.ts";
import type { Replica } from "../src/node/replica.ts";
import { startSolo } from "./support/solo-server.ts";

const read = (name: string): string => readFileSync(new URL(`../monitoring/${name}`, import.meta.url), "utf8");

/** Names in the text of expressions; a histogram's parts count as the histogram. */
const metricsIn = (text: string): string[] =>
  [...new Set(text.match(/\bkvstore_\w+/g) ?? [])].map((name) => name.replace(/_(bucket|sum|count)$/, ""));

async function exported(): Promise<{ names: string[]; text: string }> {
  await using solo = await startSolo();
  const health = await serveHealth({ host: "127.0.0.1", port: 0 });
  const metrics = registerMetrics(health.metrics);
  const log = { status: () => ({ ...solo.log.status(), replicas: [replica] }) };
  metrics.observe({ ...solo, log, disk: { freeBytes: 1e9, refusal: () => "full" } } as unknown as Replica);
  metrics.log.committed?.(3, 12);
  metrics.log.becamePrimary?.(2);
  const text = await health.metrics.metrics();
  await health.stop();
  return { names: [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string), text };
}

const replica = {
  id: "kvstore-1",
  state: "streaming",
  durableIndex: 7,
  isFull: false,
  lagEntries: 5,
  lagBytes: 640,
  lagMs: 1500,
};

it("exports every metric that the dashboard and the alerts name", async () => {
  const { names } = await exported();
  const dashboard = JSON.parse(read("dashboard.json"));
  const expressions = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr),
  );
  const alerts = parse(read("alerts.yaml")).groups.flatMap(({ rules }: { rules: { expr: string }[] }) =>
    rules.map(({ expr }) => expr),
  );
  expect(expressions.length).toBeGreaterThan(15);
  expect(alerts.length).toBeGreaterThan(5);
  for (const text of [...expressions, ...alerts]) expect(names, text).toEqual(expect.arrayContaining(metricsIn(text)));
  expect(names).toEqual(expect.arrayContaining(metricsIn(read("alerts.yaml"))));
});

it("tells lag in entries, bytes and seconds, and how long commits took", async () => {
  const { text } = await exported();
  expect(text).toContain('kvstore_replica_lag_entries{replica="kvstore-1"} 5');
  expect(text).toContain('kvstore_replica_lag_bytes{replica="kvstore-1"} 640');
  expect(text).toContain('kvstore_replica_lag_seconds{replica="kvstore-1"} 1.5');
  expect(text).toMatch(/kvstore_commit_seconds_bucket\{le="0.025"\} 1/);
  expect(text).toMatch(/kvstore_commits_total 3/);
  expect(text).toContain("kvstore_writes_blocked 1");
  expect(text).toMatch(/kvstore_promotions_total 1/);
});
