/** The dashboard, the alerts and the table in their README name what a node really exports. */
import { readFileSync } from "node:fs";
import { silentLogger } from "@coracle/pod";
import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { parse } from "yaml";
import type { Observed } from "../src/node/metrics.ts";
import { observeNode } from "../src/node/metrics.ts";
import { createEventHub } from "../src/web/events.ts";
import { createBuckets } from "../src/web/limits/buckets.ts";
import { createLocalStore } from "../src/web/limits/local-store.ts";
import { registerWebMetrics } from "../src/web/metrics.ts";

const read = (name: string): string => readFileSync(new URL(`../monitoring/${name}`, import.meta.url), "utf8");

/** A histogram's parts count as the histogram. */
const metricsIn = (text: string): string[] =>
  [...new Set(text.match(/\bblockchain_\w+/g) ?? [])].map((name) => name.replace(/_(bucket|sum|count)$/, ""));

async function exported(): Promise<string[]> {
  const registry = new Registry();
  const node = { chain: { subscribe: () => () => undefined, onSettled: () => () => undefined } };
  const stop = observeNode(registry, node as unknown as Observed);
  const buckets = createBuckets({ local: createLocalStore(Date.now), logger: silentLogger });
  const events = createEventHub({ subscribe: () => () => undefined });
  registerWebMetrics(registry).observe(buckets, events);
  events.stop();
  stop();
  return registry.getMetricsAsArray().map(({ name }) => name);
}

it("exports every metric that dashboard, alerts and README name", async () => {
  const names = await exported();
  const alerts = parse(read("alerts.yaml")).groups.flatMap(({ rules }: { rules: { expr: string }[] }) =>
    rules.map(({ expr }) => expr),
  );
  const expressions = JSON.parse(read("dashboard.json")).panels.flatMap(
    ({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr),
  );
  expect(alerts.length).toBeGreaterThan(5);
  expect(expressions.length).toBeGreaterThan(15);
  for (const text of [...expressions, ...alerts, read("alerts.yaml"), read("README.md")])
    expect(names, text).toEqual(expect.arrayContaining(metricsIn(text)));
});
