/** One container's status: waiting, running or terminated, with the reasons that Kubernetes gives. */
import type { ContainerState as ApiState, ContainerStatus, Pod } from "kubernetes-types/core/v1.js";
import { imageIdOf } from "../images/reference.ts";
import { isReadyNow } from "./conditions.ts";
import {
  type ContainerState,
  hasProcess,
  hasStarted,
  isInitialized,
  type NamedContainer,
  type PodState,
  type Termination,
} from "./state.ts";
import { rfc3339 } from "./time.ts";

export function containerStatusOf(
  pod: Pod,
  { container }: NamedContainer,
  state: PodState,
  phase: string,
): ContainerStatus {
  const current = state.containers[container.name];
  const image = container.image ?? "";
  if (current === undefined) {
    return { name: container.name, image, imageID: "", ready: false, restartCount: 0, started: false, state: {} };
  }
  const shown = shownState(pod, current, state, phase);
  const last = shown.terminated === undefined ? (current.ended ?? current.last) : current.last;
  return {
    ...(current.containerID && { containerID: current.containerID }),
    image,
    imageID: current.attempt > 0 ? imageIdOf(image) : "",
    lastState: last ? { terminated: terminatedOf(last) } : {},
    name: container.name,
    ready: isReadyNow(state, current),
    restartCount: Math.max(0, current.attempt - 1),
    started: hasStarted(current),
    state: shown,
  };
}

function shownState(pod: Pod, current: ContainerState, state: PodState, phase: string): ApiState {
  if (hasProcess(current)) return { running: { startedAt: rfc3339(current.startedAt ?? 0) } };
  if (current.waiting && phase !== "Failed" && state.deletion === undefined) return { waiting: current.waiting };
  if (current.ended) return { terminated: terminatedOf(current.ended) };
  return { waiting: current.waiting ?? { reason: defaultWaiting(pod, current, state) } };
}

const defaultWaiting = (pod: Pod, current: ContainerState, state: PodState): string => {
  const hasInit = (pod.spec?.initContainers ?? []).length > 0;
  return hasInit && (current.kind !== "main" || !allInitialized(state)) ? "PodInitializing" : "ContainerCreating";
};

const allInitialized = (state: PodState): boolean =>
  Object.values(state.containers).every((each) => each.kind === "main" || isInitialized(each));

const terminatedOf = (end: Termination) => ({
  containerID: end.containerID,
  exitCode: end.exitCode,
  finishedAt: rfc3339(end.finishedAt),
  ...(end.message && { message: end.message }),
  reason: end.reason,
  startedAt: rfc3339(end.startedAt),
});
