/** One container's status: waiting, running or terminated, with the reasons that Kubernetes gives. */
import type {
  ContainerState as ApiState,
  Container,
  ContainerStatus,
  Pod,
  VolumeMount,
} from "kubernetes-types/core/v1.js";
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
    ready: current.kind !== "ephemeral" && isReadyNow(state, current),
    restartCount: Math.max(0, current.attempt - 1),
    started: hasStarted(current),
    state: shown,
    ...(current.attempt > 0 && givenTo(container)),
  } as ContainerStatus;
}

/** What a container that was started got: its share of the node, and its volumes. */
function givenTo({ resources = {}, volumeMounts = [] }: Container) {
  return {
    ...(resources.requests && { allocatedResources: resources.requests }),
    resources,
    ...(volumeMounts.length > 0 && { volumeMounts: volumeMounts.map(mountStatus) }),
  };
}

const mountStatus = ({ mountPath, name, readOnly }: VolumeMount) => ({
  mountPath,
  name,
  ...(readOnly && { readOnly, recursiveReadOnly: "Disabled" }),
});

function shownState(pod: Pod, current: ContainerState, state: PodState, phase: string): ApiState {
  if (hasProcess(current)) return { running: { startedAt: rfc3339(current.startedAt ?? 0) } };
  if (current.waiting && phase !== "Failed" && state.deletion === undefined) return { waiting: current.waiting };
  if (current.ended) return { terminated: terminatedOf(current.ended) };
  return { waiting: current.waiting ?? { reason: defaultWaiting(pod, current, state) } };
}

const defaultWaiting = (pod: Pod, current: ContainerState, state: PodState): string => {
  const hasInit = (pod.spec?.initContainers ?? []).length > 0;
  return hasInit && current.kind !== "ephemeral" && (current.kind !== "main" || !allInitialized(state))
    ? "PodInitializing"
    : "ContainerCreating";
};

const allInitialized = (state: PodState): boolean =>
  Object.values(state.containers).every(
    (each) => each.kind === "main" || each.kind === "ephemeral" || isInitialized(each),
  );

const terminatedOf = (end: Termination) => ({
  containerID: end.containerID,
  exitCode: end.exitCode,
  finishedAt: rfc3339(end.finishedAt),
  ...(end.message && { message: end.message }),
  reason: end.reason,
  startedAt: rfc3339(end.startedAt),
});
