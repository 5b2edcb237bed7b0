/** The dashboard and the alerts name what a member really exports. */
import { readFileSync } from "node:fs";
import { createHealth } from "@coracle/pod";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { type Observed, registerMetrics } from "../src/node/metrics.ts";

const read = (name: string): string => readFileSync(new URL(`../monitoring/${name}`, import.meta.url), "utf8");

/** Names in the text of expressions; a histogram's parts count as the histogram. */
const metricsIn = (text: string): string[] =>
  [...new Set(text.match(/\bwhitewater_\w+/g) ?? [])].map((name) => name.replace(/_(bucket|sum|count)$/, ""));

it("exports every metric that the dashboard and the alerts name", async () => {
  const health = await createHealth({ defaultMetrics: false });
  const metrics = registerMetrics(health.metrics);
  const raft = { status: () => ({ members: [], progress: [], role: "leader", leader: "a", term: 7 }) };
  const kv = { status: () => ({ keys: 3, revision: 9 }), alarms: () => [] };
  metrics.observe({ raft, kv, disk: { freeBytes: () => 1e9 }, requests: () => 2 } as unknown as Observed);
  metrics.raft.proposed?.(3, 12);
  const text = await health.metrics.metrics();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string);
  const dashboard = JSON.parse(read("dashboard.json")) as { panels: { targets: { expr: string }[] }[] };
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const alerts = (parse(read("alerts.yaml")) as { groups: { rules: { expr: string }[] }[] }).groups
    .flatMap(({ rules }) => rules)
    .map(({ expr }) => expr);
  expect(expressions.length).toBeGreaterThan(15);
  expect(alerts.length).toBeGreaterThan(5);
  for (const each of [...expressions, ...alerts]) expect(names, each).toEqual(expect.arrayContaining(metricsIn(each)));
  expect(text).toMatch(/^whitewater_term 7$/m);
  expect(text).toMatch(/^whitewater_proposals_total 3$/m);
  expect(text).toMatch(/whitewater_commit_seconds_bucket\{le="0.025"\} 1/);
});
