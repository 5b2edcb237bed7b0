/** The words under STATUS, READY and RESTARTS of `kubectl get pods`. Pure. */
import type { ContainerState, ContainerStatus, Pod } from "kubernetes-types/core/v1.js";
import { since } from "./duration.ts";

export interface PodSummary {
  readonly status: string;
  readonly ready: string;
  readonly restarts: string;
}

interface Tally {
  restarts: number;
  /** RFC 3339; empty when nothing was restarted. */
  lastRestart: string;
  ready: number;
}

interface InitOutcome {
  readonly isInitializing: boolean;
  readonly reason: string | undefined;
  /** Over all init containers: what counts while they run. */
  readonly all: Tally;
  /** Over those that go on running (sidecars): what counts afterwards. */
  readonly sidecars: Tally;
}

const tally = (): Tally => ({ restarts: 0, lastRestart: "", ready: 0 });

export function summarizePod(pod: Pod, now: number): PodSummary {
  const init = summarizeInit(pod);
  const isStarted = !init.isInitializing || hasCondition(pod, "Initialized");
  const main = isStarted ? summarizeMain(pod, init) : { tally: init.all, reason: init.reason };
  const total = (pod.spec?.containers.length ?? 0) + sidecarNames(pod).size;
  return {
    status: finalStatus(pod, main.reason ?? phaseReason(pod)),
    ready: `${main.tally.ready}/${total}`,
    restarts: formatRestarts(main.tally, now),
  };
}

function phaseReason({ status }: Pod): string {
  const isGated = status?.conditions?.some(
    ({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated",
  );
  return isGated ? "SchedulingGated" : status?.reason || status?.phase || "";
}

const sidecarNames = (pod: Pod): Set<string> =>
  new Set((pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === "Always").map(({ name }) => name));

function summarizeInit(pod: Pod): InitOutcome {
  const sidecarSet = sidecarNames(pod);
  const all = tally();
  const sidecars = tally();
  const count = pod.spec?.initContainers?.length ?? 0;
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const isSidecar = sidecarSet.has(status.name);
    addRestarts(all, status);
    if (isSidecar) addRestarts(sidecars, status);
    if (status.state?.terminated?.exitCode === 0) continue;
    if (isSidecar && status.started) {
      if (status.ready) for (const each of [all, sidecars]) each.ready += 1;
      continue;
    }
    return { isInitializing: true, reason: initReason(status.state, index, count), all, sidecars };
  }
  return { isInitializing: false, reason: undefined, all, sidecars };
}

function initReason(state: ContainerState | undefined, index: number, count: number): string {
  if (state?.terminated) return `Init:${terminatedReason(state)}`;
  const waiting = state?.waiting?.reason;
  return waiting && waiting !== "PodInitializing" ? `Init:${waiting}` : `Init:${index}/${count}`;
}

function terminatedReason(state: ContainerState): string {
  const { reason, signal, exitCode } = state.terminated ?? {};
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`);
}

function summarizeMain(pod: Pod, init: InitOutcome): { tally: Tally; reason: string | undefined } {
  const total = init.sidecars;
  let reason = init.reason;
  let hasRunning = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    addRestarts(total, status);
    const { state } = status;
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated) reason = terminatedReason(state);
    else if (status.ready && state?.running) {
      hasRunning = true;
      total.ready += 1;
    }
  }
  if (reason === "Completed" && hasRunning) reason = hasCondition(pod, "Ready") ? "Running" : "NotReady";
  return { tally: total, reason };
}

function addRestarts(total: Tally, status: ContainerStatus): void {
  total.restarts += status.restartCount;
  const finishedAt = status.lastState?.terminated?.finishedAt ?? "";
  if (finishedAt > total.lastRestart) total.lastRestart = finishedAt;
}

function finalStatus(pod: Pod, reason: string): string {
  if (!pod.metadata?.deletionTimestamp) return reason;
  if (pod.status?.reason === "NodeLost") return "Unknown";
  const hasEnded = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  return hasEnded ? reason : "Terminating";
}

const formatRestarts = ({ restarts, lastRestart }: Tally, now: number): string =>
  restarts !== 0 && lastRestart !== "" ? `${restarts} (${since(lastRestart, now)} ago)` : `${restarts}`;

export const hasCondition = (pod: Pod, type: string): boolean =>
  pod.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;
