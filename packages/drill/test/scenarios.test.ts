import type { KubeClient } from "@coracle/kube";
import { describe, expect, it } from "vitest";
import { DrillError, runScenarios, type Scenario, scenarioSummary } from "../src/index.ts";

const scenario = (run: Scenario["run"]): Scenario => ({ summary: "s", run });
const scenarios = {
  good: scenario(async () => ({ facts: { seen: 1 }, broken: [] })),
  bad: scenario(async () => ({ facts: {}, broken: ["it is gone"] })),
  impossible: scenario(async () => Promise.reject(new DrillError("impossible", "no such thing here"))),
  stuck: scenario(async (site) => {
    await site.waitFor("what never comes", () => false);
    return { facts: {}, broken: [] };
  }),
};

const run = (...names: (keyof typeof scenarios)[]) =>
  runScenarios({
    system: "demo",
    cluster: "c",
    plugin: { scenarios, usual: [] },
    site: { kube: {} as KubeClient, namespace: "n", exec: async () => ({ code: 0, output: "" }) },
    scenarios: names,
    seed: 1,
    timeoutMs: 0,
    holdMs: 0,
    report: () => undefined,
  });

describe("scenarios", () => {
  it("go on after one that can't be run here, and name it with the reason", async () => {
    const report = await run("impossible", "good");
    expect(report.broken).toEqual([]);
    expect(report.results).toMatchObject([
      { scenario: "impossible", skipped: "no such thing here" },
      { scenario: "good", facts: { seen: 1 } },
    ]);
    expect(scenarioSummary(report)).toMatch(/every promise held\n.*impossible +skipped: no such thing here/s);
  });

  it("name what broke, each with its scenario", async () => {
    const report = await run("good", "bad");
    expect(report.broken).toEqual(["bad: it is gone"]);
    expect(scenarioSummary(report)).toMatch(/1 promises broken\n.*bad +BROKEN/s);
  });

  it("reject when one never comes to its end", async () => {
    await expect(run("stuck")).rejects.toMatchObject({ code: "not-settled" });
  });
});
