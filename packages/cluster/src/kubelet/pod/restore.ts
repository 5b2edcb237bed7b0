/** The state of a pod that an earlier run of the cluster had, from what it wrote down and what still runs. Pure. */
import type { ContainerStatus, Pod } from "kubernetes-types/core/v1.js";
import type { BackoffTiming } from "./backoff.ts";
import { afterExit } from "./backoff.ts";
import { isComplete } from "./decide.ts";
import { initialProbes } from "./probes.ts";
import type { PodRecord, RunRecord } from "./run-record.ts";
import { type ContainerState, containersOf, initialState, type PodState, type Termination } from "./state.ts";

export interface FoundRun {
  readonly record: RunRecord;
  /** Undefined while its process runs. */
  readonly ended: { readonly exitCode: number; readonly at: number; readonly reason?: string } | undefined;
}

/**
 * Containers that still run go on. When none does, the pod's sandbox is gone, as after a reboot of a node: init containers run again, and
 * main containers start anew with their restart counted.
 */
export function restoreState(
  pod: Pod,
  saved: PodRecord,
  runs: readonly FoundRun[],
  timing: BackoffTiming,
  now: number,
): PodState {
  const fresh = initialState(pod, saved.startedAt);
  const containers = { ...fresh.containers };
  for (const { container } of containersOf(pod)) {
    const run = runs.find(({ record }) => record.container === container.name);
    const before = containers[container.name];
    if (run === undefined || before === undefined) continue;
    containers[container.name] = { ...before, ...restoredRun(run, timing, now), ...lastOf(pod, container.name) };
    if (run.ended === undefined) {
      containers[container.name] = {
        ...(containers[container.name] as ContainerState),
        probes: initialProbes(container, now),
      };
    }
  }
  const state: PodState = { ...fresh, podIP: saved.podIP, containers };
  const isAlive = runs.some(({ ended }) => ended === undefined);
  return isAlive || isComplete(pod, state) ? state : withoutSandbox(state);
}

const restoredRun = ({ record, ended }: FoundRun, timing: BackoffTiming, now: number): Partial<ContainerState> => {
  const { containerID, attempt, startedAt } = record;
  if (ended === undefined) return { phase: "running", attempt, containerID, startedAt };
  const crash = afterExit(undefined, ended.at - startedAt, timing);
  return {
    phase: "terminated",
    attempt,
    containerID,
    startedAt,
    crash,
    retryAt: now,
    ended: terminationOf(record, ended),
  };
};

const terminationOf = (
  { containerID, startedAt }: RunRecord,
  { exitCode, at, reason }: NonNullable<FoundRun["ended"]>,
): Termination => ({
  exitCode,
  reason: reason ?? (exitCode === 0 ? "Completed" : "Error"),
  startedAt,
  finishedAt: at,
  containerID,
});

function lastOf(pod: Pod, name: string): Pick<ContainerState, "last"> {
  const statuses: readonly ContainerStatus[] = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ];
  const last = statuses.find((each) => each.name === name)?.lastState?.terminated;
  if (!last) return {};
  const { exitCode, reason = "", message, startedAt = "", finishedAt = "", containerID = "" } = last;
  const times = { startedAt: Date.parse(startedAt), finishedAt: Date.parse(finishedAt) };
  return { last: { exitCode, reason, ...(message && { message }), ...times, containerID } };
}

const withoutSandbox = (state: PodState): PodState => ({
  ...state,
  containers: Object.fromEntries(
    Object.entries(state.containers).map(([name, each]) => [
      name,
      each.kind === "main" || each.kind === "ephemeral"
        ? each
        : ({ ...each, phase: "waiting", ended: undefined, last: each.ended ?? each.last } as ContainerState),
    ]),
  ),
});
