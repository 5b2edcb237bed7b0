/** A drill from beginning to end: load, faults one after the other, reading back, the verdict. */
import { Random } from "@coracle/sim";
import { FaultRun } from "./fault-run.ts";
import type { FaultName } from "./faults/table.ts";
import { type LoadOptions, readBack, startLoad } from "./load.ts";
import { followMembers } from "./members.ts";
import type { Access, DrillPlugin } from "./plugin.ts";
import { Recorder } from "./recorder.ts";
import { brokenPromises, type DowntimeReport, type DrillReport, type FaultReport } from "./report.ts";
import type { Site } from "./site.ts";
import { followTerms } from "./terms.ts";
import { judge, percentile } from "./verdict.ts";

export interface DrillOptions {
  readonly system: string;
  /** Where, for the report. */
  readonly cluster: string;
  readonly plugin: DrillPlugin;
  readonly site: Site;
  readonly faults: readonly FaultName[];
  readonly seed: number;
  readonly clients: number;
  /** Shares of the plug-in's operations; empty for its own. */
  readonly mix: Readonly<Record<string, number>>;
  /** For each thing that is waited for. */
  readonly timeoutMs: number;
  /** How long a fault that has no end of its own stays in force. */
  readonly holdMs: number;
  /** Breaks the drill off; what was injected is undone. */
  readonly signal?: AbortSignal;
  readonly report: (line: string) => void;
}

/** A beginning of the name that no other drill has. */
const prefixOf = (startedAt: string, seed: number): string => `drill:${Date.parse(startedAt).toString(36)}:${seed}`;

/** Rejects with DrillError or KubeError when the drill can't be run to its end; a broken promise is in the report. */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const startedAt = new Date().toISOString();
  const recorder = new Recorder<unknown, unknown>();
  const members = await followMembers(options.site, options.plugin.port);
  const terms = await followTerms(options.site, options.plugin.leader, members, () => recorder.now());
  try {
    const run = new FaultRun(options, recorder, members, terms);
    const load = loadOf(options, members, recorder, prefixOf(startedAt, options.seed));
    await run.settled();
    const running = startLoad(load);
    try {
      await run.injectAll();
    } finally {
      await running.stop();
    }
    const slices = recorder.slices();
    options.report("reading back what was written");
    const unread = await readBack(load);
    options.report(`checking ${recorder.history.length} operations`);
    const { system, cluster, seed, clients } = options;
    const facts = {
      system,
      cluster,
      startedAt,
      durationMs: recorder.now(),
      seed,
      clients,
      mix: load.mix,
      faults: run.reports,
      skipped: run.skipped,
      downtime: downtimeOf(run.reports),
      operations: recorder.counts,
      ...judge(recorder.history, options.plugin.model),
      unread,
      slices,
    };
    return { ...facts, broken: brokenPromises(facts) };
  } finally {
    members.stop();
    terms.stop();
  }
}

function loadOf(
  { plugin, clients, seed, mix }: DrillOptions,
  access: Access,
  recorder: Recorder<unknown, unknown>,
  prefix: string,
): LoadOptions<unknown, unknown, unknown> {
  const shares = Object.entries(plugin.operations).map(([name, { weight }]) => [name, weight] as const);
  const chosen = Object.keys(mix).length > 0 ? mix : Object.fromEntries(shares);
  return { plugin, access, recorder, random: new Random(seed), clients, mix: chosen, prefix };
}

export function downtimeOf(reports: readonly FaultReport[]): DowntimeReport[] {
  const names = [...new Set(reports.map(({ fault }) => fault))];
  return names.map((fault) => {
    const values = reports.filter((report) => report.fault === fault).map(({ downtimeMs }) => downtimeMs);
    return {
      fault,
      count: values.length,
      p50Ms: percentile(values, 0.5),
      p99Ms: percentile(values, 0.99),
      maxMs: Math.max(...values),
    };
  });
}
