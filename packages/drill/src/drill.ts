/** A drill from beginning to end: load, faults one after the other, reading back, the verdict. */
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "@coracle/sim";
import { DrillError } from "./errors.ts";
import { type FaultName, faults } from "./faults/table.ts";
import type { Injection, Strike } from "./faults/types.ts";
import { type LoadOptions, readBack, startLoad } from "./load.ts";
import { followMembers, type Members } from "./members.ts";
import type { DrillPlugin } from "./plugin.ts";
import { Recorder } from "./recorder.ts";
import {
  brokenPromises,
  type DowntimeReport,
  type DrillReport,
  type FaultReport,
  type SkippedFault,
} from "./report.ts";
import type { Site } from "./site.ts";
import { followTerms, type Terms } from "./terms.ts";
import { judge, longestGap, percentile } from "./verdict.ts";

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
  /** Breaks the drill off; what was injected is undone. */
  readonly signal?: AbortSignal;
  readonly report: (line: string) => void;
}

/** Calm before the first fault and after the last, and how long a fault stays once another leads. */
const CALM_MS = 1000;
const HOLD_MS = 500;
const POLL_MS = 25;
/** A beginning of the name that no other drill has. */
const prefixOf = (startedAt: string, seed: number): string => `drill:${Date.parse(startedAt).toString(36)}:${seed}`;

/** Rejects with DrillError or KubeError when the drill can't be run to its end; a broken promise is in the report. */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const startedAt = new Date().toISOString();
  const recorder = new Recorder<unknown, unknown>();
  const members = await followMembers(options.site, options.plugin.port);
  const terms = await followTerms(options.site, options.plugin.lease, () => recorder.now());
  try {
    const run = new Run(options, recorder, members, terms);
    const load = run.load(prefixOf(startedAt, options.seed));
    await run.settled();
    const running = startLoad(load);
    try {
      await run.faults();
    } finally {
      await running.stop();
    }
    const slices = recorder.slices();
    options.report("reading back what was written");
    const unread = await readBack(load);
    options.report(`checking ${recorder.history.length} operations`);
    const { downtime, reports, skipped } = run.results();
    const { system, cluster, seed, clients } = options;
    const facts = {
      system,
      cluster,
      startedAt,
      durationMs: recorder.now(),
      seed,
      clients,
      mix: load.mix,
      faults: reports,
      skipped,
      downtime,
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

class Run {
  readonly #options: DrillOptions;
  readonly #recorder: Recorder<unknown, unknown>;
  readonly #members: Members;
  readonly #terms: Terms;
  readonly #reports: FaultReport[] = [];
  readonly #skipped: SkippedFault[] = [];

  constructor(options: DrillOptions, recorder: Recorder<unknown, unknown>, members: Members, terms: Terms) {
    this.#options = options;
    this.#recorder = recorder;
    this.#members = members;
    this.#terms = terms;
  }

  load(prefix: string): LoadOptions<unknown, unknown, unknown> {
    const { plugin, clients, seed, mix } = this.#options;
    const shares = Object.entries(plugin.operations).map(([name, { weight }]) => [name, weight] as const);
    return {
      plugin,
      access: this.#members,
      recorder: this.#recorder,
      random: new Random(seed),
      clients,
      mix: Object.keys(mix).length > 0 ? mix : Object.fromEntries(shares),
      prefix,
    };
  }

  /** All of them in a shuffled order that the seed decides. */
  async faults(): Promise<void> {
    const { faults: names, seed, report } = this.#options;
    await this.#pause(CALM_MS);
    for (const [n, name] of shuffled(names, new Random(seed)).entries()) {
      const title = `${name} ${n + 1}/${names.length}`;
      report(title);
      await this.#one(name, (line) => report(`${title}: ${line}`));
    }
    await this.#pause(CALM_MS);
  }

  /** Waits until every member is ready and holds everything. */
  async settled(): Promise<void> {
    const { plugin } = this.#options;
    let missing = "";
    await this.#waitFor(
      () => missing,
      async () => {
        missing = this.#unready() ?? (await plugin.unsettled(this.#members, this.#members.pods().length)) ?? "";
        return missing === "";
      },
    );
  }

  results(): { reports: FaultReport[]; skipped: SkippedFault[]; downtime: DowntimeReport[] } {
    return { reports: this.#reports, skipped: this.#skipped, downtime: downtimeOf(this.#reports) };
  }

  async #one(name: FaultName, report: (line: string) => void): Promise<void> {
    const strike = this.#strike();
    const before = this.#terms.newest();
    const atMs = this.#recorder.now();
    let injection: Injection;
    try {
      injection = await faults[name].inject(strike);
    } catch (error) {
      if (!(error instanceof DrillError) || error.code !== "impossible") throw error;
      this.#skipped.push({ fault: name, reason: error.message });
      report(`skipped: ${error.message}`);
      return this.settled();
    }
    report(injection.how);
    try {
      if (faults[name].endsTerm) await this.#elected(before);
      await injection.completed?.();
      if (injection.heal) await this.#pause(HOLD_MS);
    } finally {
      await injection.heal?.();
    }
    await this.settled();
    const done = this.#reportOf(name, strike, injection, atMs, before);
    this.#reports.push(done);
    report(`${done.newLeader ?? "no other"} leads; ${Math.round(done.downtimeMs)} ms without a write`);
  }

  #strike(): Strike {
    const { site, plugin } = this.#options;
    const name = this.#terms.leader();
    const leader = this.#members.members().find((member) => member.name === name);
    const pod = leader && this.#members.pod(leader.name);
    if (!leader || !pod) throw new DrillError("not-settled", `The Lease ${plugin.lease} names no member: ${name}.`);
    return {
      ground: { ...site, access: this.#members },
      plugin,
      leader,
      pod,
      waitFor: (what, isSo) => this.#waitFor(() => what, isSo),
    };
  }

  #reportOf(fault: FaultName, { leader }: Strike, { how }: Injection, atMs: number, before: number): FaultReport {
    const { failureTimes, writeTimes } = this.#recorder;
    const term = this.#terms.after(before);
    const since = (time: number | undefined): number | undefined => (time === undefined ? undefined : time - atMs);
    const until = this.#recorder.now();
    const firstWrite = writeTimes.find((time) => time >= (term?.atMs ?? atMs));
    return {
      fault,
      target: leader.name,
      how,
      atMs,
      detectedMs: since(failureTimes.find((time) => time >= atMs)),
      electedMs: since(term?.atMs),
      firstWriteMs: since(firstWrite),
      newLeader: term?.holder,
      downtimeMs: longestGap(writeTimes, atMs, until),
      recoveredMs: until - atMs,
    };
  }

  #elected(before: number): Promise<void> {
    return this.#waitFor(
      () => "another term to begin",
      () => {
        const term = this.#terms.after(before);
        return term !== undefined && (this.#recorder.writeTimes.at(-1) ?? 0) > term.atMs;
      },
    );
  }

  #unready(): string | undefined {
    const pods = this.#members.pods();
    const unready = pods.find(
      ({ metadata, status }) =>
        metadata?.deletionTimestamp !== undefined ||
        !status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
    );
    if (unready) return `${unready.metadata?.name} to be ready`;
    return this.#terms.leader() === undefined ? "somebody to hold the Lease" : undefined;
  }

  async #waitFor(what: () => string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const { timeoutMs } = this.#options;
    const deadline = performance.now() + timeoutMs;
    while (!(await isSo())) {
      if (performance.now() > deadline)
        throw new DrillError("not-settled", `Waited ${timeoutMs / 1000} s in vain for ${what()}.`);
      await this.#pause(POLL_MS);
    }
  }

  #pause(forMs: number): Promise<void> {
    return delay(forMs, undefined, this.#options.signal && { signal: this.#options.signal });
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
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
