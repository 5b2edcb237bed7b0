/** The faults of a drill, one after the other: each injected, watched until the system has recovered, undone, and reported. */
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "@coracle/sim";
import type { DrillOptions } from "./drill.ts";
import { DrillError } from "./errors.ts";
import { type FaultName, faults } from "./faults/table.ts";
import type { Injection, Strike } from "./faults/types.ts";
import type { Members } from "./members.ts";
import type { Recorder } from "./recorder.ts";
import type { FaultReport, SkippedFault } from "./report.ts";
import type { Terms } from "./terms.ts";
import { unready } from "./unready.ts";
import { longestGap } from "./verdict.ts";

/** What a run of faults knows and uses. */
export type FaultRunOptions = Pick<
  DrillOptions,
  "plugin" | "site" | "faults" | "seed" | "timeoutMs" | "holdMs" | "signal" | "report"
>;

/** Calm before the first fault and after the last, and how long a fault that takes the leader away stays once another leads. */
const CALM_MS = 1000;
const HOLD_MS = 500;
const POLL_MS = 25;

export class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #recorder: Recorder<unknown, unknown>;
  readonly #members: Members;
  readonly #terms: Terms;
  readonly #reports: FaultReport[] = [];
  readonly #skipped: SkippedFault[] = [];
  /** Pods that there were when all was well last. */
  #size = 0;

  constructor(options: FaultRunOptions, recorder: Recorder<unknown, unknown>, members: Members, terms: Terms) {
    this.#options = options;
    this.#recorder = recorder;
    this.#members = members;
    this.#terms = terms;
  }

  /** All of them in a shuffled order that the seed decides. */
  async injectAll(): Promise<void> {
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
    this.#size = this.#members.pods().length;
  }

  get reports(): readonly FaultReport[] {
    return this.#reports;
  }

  get skipped(): readonly SkippedFault[] {
    return this.#skipped;
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
      if (injection.heal) await this.#pause(injection.lasts ? this.#options.holdMs : HOLD_MS);
    } finally {
      await injection.heal?.();
    }
    await this.settled();
    const done = this.#reportOf(name, strike, injection, atMs, before);
    this.#reports.push(done);
    report(`${done.newLeader ?? "no other"} leads; ${Math.round(done.downtimeMs)} ms without a write`);
  }

  #strike(): Strike {
    const { site, plugin, holdMs } = this.#options;
    const name = this.#terms.leader();
    const leader = this.#members.members().find((member) => member.name === name);
    const pod = leader && this.#members.pod(leader.name);
    if (!leader || !pod) throw new DrillError("not-settled", `${name ?? "Nobody"} is said to lead, and is no member.`);
    return {
      ground: { ...site, access: this.#members },
      plugin,
      leader,
      pod,
      holdMs,
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
    const missing = unready(this.#members.pods(), this.#size);
    return missing ?? (this.#terms.leader() === undefined ? "somebody to lead" : undefined);
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
