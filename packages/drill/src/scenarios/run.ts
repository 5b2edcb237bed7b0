/** Runs scenarios one after the other. */
import { setTimeout as delay } from "node:timers/promises";
import { resources } from "@coracle/kube";
import { Random } from "@coracle/sim";
import { DrillError } from "../errors.ts";
import type { Site } from "../site.ts";
import type { ScenarioPlugin, ScenarioReport, ScenarioResult, ScenarioSite, ScenarioVerdict } from "./types.ts";

export interface ScenarioOptions {
  readonly system: string;
  /** Where, for the report. */
  readonly cluster: string;
  readonly plugin: ScenarioPlugin;
  readonly site: Pick<Site, "kube" | "namespace" | "exec">;
  readonly scenarios: readonly string[];
  readonly seed: number;
  readonly timeoutMs: number;
  readonly holdMs: number;
  readonly signal?: AbortSignal;
  readonly report: (line: string) => void;
}

const POLL_MS = 250;

/** Rejects with DrillError or KubeError when a scenario can't be run to its end; a broken promise is in the report. */
export async function runScenarios(options: ScenarioOptions): Promise<ScenarioReport> {
  const { system, cluster, plugin, scenarios, seed } = options;
  const startedAt = new Date().toISOString();
  const random = new Random(seed);
  const results: ScenarioResult[] = [];
  for (const [n, name] of scenarios.entries()) {
    const scenario = plugin.scenarios[name];
    if (!scenario) throw new DrillError("bad-plan", `${system} has no scenario ${name}.`);
    const title = `${name} ${n + 1}/${scenarios.length}`;
    options.report(`${title}: ${scenario.summary}`);
    const begun = performance.now();
    const verdict = await unlessImpossible(() =>
      scenario.run(siteOf(options, random, (line) => options.report(`${title}: ${line}`))),
    );
    results.push({ scenario: name, durationMs: Math.round(performance.now() - begun), ...verdict });
  }
  const broken = results.flatMap(({ scenario, broken: promises }) => promises.map((text) => `${scenario}: ${text}`));
  return { system, cluster, startedAt, seed, results, broken };
}

/** What this cluster can't do is no broken promise: the report says that it was skipped. */
async function unlessImpossible(run: () => Promise<ScenarioVerdict>): Promise<ScenarioVerdict> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DrillError && error.code === "impossible")
      return { facts: {}, broken: [], skipped: error.message };
    throw error;
  }
}

function siteOf(options: ScenarioOptions, random: Random, say: (line: string) => void): ScenarioSite {
  const { site, holdMs, timeoutMs, signal } = options;
  const pause = (forMs: number): Promise<void> => delay(forMs, undefined, signal && { signal });
  return {
    ...site,
    holdMs,
    say,
    pause,
    random: () => random.next(),
    async pods() {
      const { items } = await site.kube.list(resources.pods, { namespace: site.namespace });
      return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    },
    async waitFor(what, isSo) {
      const deadline = performance.now() + timeoutMs;
      while (!(await isSo())) {
        if (performance.now() > deadline)
          throw new DrillError("not-settled", `Waited ${timeoutMs / 1000} s in vain for ${what}.`);
        await pause(POLL_MS);
      }
    },
  };
}

/** For people. */
export function scenarioSummary({ system, cluster, seed, results, broken }: ScenarioReport): string {
  const lines = results.flatMap(({ scenario, durationMs, facts, broken: promises, skipped }) => [
    `  ${scenario.padEnd(14)} ${wordFor(promises, skipped)}  ${(durationMs / 1000).toFixed(1)} s`,
    ...Object.entries(facts).map(([name, value]) => `    ${name}: ${value}`),
    ...promises.map((promise) => `    BROKEN: ${promise}`),
  ]);
  const verdict = broken.length === 0 ? "every promise held" : `${broken.length} promises broken`;
  return [`${system} on ${cluster}, seed ${seed}: ${verdict}`, "", ...lines].join("\n");
}

const wordFor = (broken: readonly string[], skipped: string | undefined): string =>
  skipped === undefined ? (broken.length === 0 ? "held" : "BROKEN") : `skipped: ${skipped}`;
