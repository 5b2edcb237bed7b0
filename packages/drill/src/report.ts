/** What a drill found out: written as JSON, shown as a page and in the terminal. Times are milliseconds; `atMs` counts from the drill's beginning. */
import type { Operation } from "@coracle/sim";
import type { FaultName } from "./faults/table.ts";
import type { Counts, Slice } from "./recorder.ts";

export interface FaultReport {
  readonly fault: FaultName;
  readonly target: string;
  readonly how: string;
  readonly atMs: number;
  /** From the injection on, undefined for what did not happen: a client's first failure, the next leader's term, the first write acknowledged in it. */
  readonly detectedMs: number | undefined;
  readonly electedMs: number | undefined;
  readonly firstWriteMs: number | undefined;
  readonly newLeader: string | undefined;
  /** The longest time without an acknowledged write around the fault. */
  readonly downtimeMs: number;
  /** From the injection until every member held everything again. */
  readonly recoveredMs: number;
}

export interface SkippedFault {
  readonly fault: FaultName;
  readonly reason: string;
}

export interface DowntimeReport {
  readonly fault: FaultName;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface DrillReport {
  readonly system: string;
  readonly cluster: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly seed: number;
  readonly clients: number;
  readonly mix: Readonly<Record<string, number>>;
  readonly faults: readonly FaultReport[];
  readonly skipped: readonly SkippedFault[];
  readonly downtime: readonly DowntimeReport[];
  readonly operations: Readonly<Counts>;
  /** Keys that an acknowledged write has vanished from. */
  readonly lost: readonly string[];
  /** Keys that could not be read back. */
  readonly unread: readonly string[];
  readonly isLinearizable: boolean;
  /** The shortest wrong beginning of a key's history, when there is one. In JSON, `returnedAt` of a call that never returned is null. */
  readonly badHistory: readonly Operation<unknown, unknown>[];
  readonly slices: readonly Slice[];
  /** Promises that broke, as sentences; empty when the system passed. */
  readonly broken: readonly string[];
}

/** What must hold of every drill. */
export function brokenPromises(report: Omit<DrillReport, "broken">): string[] {
  const { lost, unread, isLinearizable, badHistory, faults, skipped } = report;
  const electionMissing = faults.filter(({ firstWriteMs }) => firstWriteMs === undefined);
  return [
    ...(lost.length > 0 ? [`Acknowledged writes are lost on ${lost.length} keys, such as ${lost[0]}.`] : []),
    ...(unread.length > 0 ? [`${unread.length} keys can't be read back, such as ${unread[0]}.`] : []),
    ...(isLinearizable ? [] : [`The history of ${badHistory[0]?.key} is not linearizable.`]),
    ...electionMissing.map(({ fault, target }) => `After ${fault} of ${target} no write was acknowledged.`),
    ...(faults.length === 0 && skipped.length > 0 ? ["No fault could be injected, so nothing was shown."] : []),
  ];
}
