/** The pod's status as Kubernetes writes it, from its spec and state. Pure. */
import type { Pod, PodStatus } from "kubernetes-types/core/v1.js";
import { conditionsOf } from "./conditions.ts";
import { containerStatusOf } from "./container-status.ts";
import { isComplete } from "./decide.ts";
import { qosClassOf } from "./qos.ts";
import { type ContainerKind, type ContainerState, containersOf, hasProcess, type PodState } from "./state.ts";
import { rfc3339 } from "./time.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export function podPhase(pod: Pod, state: PodState): PodPhase {
  const all = Object.values(state.containers);
  const mains = all.filter(({ kind }) => kind === "main");
  if (all.some(hasProcess) && mains.some(({ attempt }) => attempt > 0)) return "Running";
  if (state.failed !== undefined) return all.some(hasProcess) ? "Pending" : "Failed";
  if (isComplete(pod, state)) return all.every(succeeded) ? "Succeeded" : "Failed";
  if (mains.some(({ attempt }) => attempt === 0)) return "Pending";
  if (state.deletion !== undefined) return mains.every(succeeded) ? "Succeeded" : "Failed";
  return "Running";
}

/** Sidecars don't count, as they are ended by the kubelet, nor do those of `kubectl debug`. */
const succeeded = ({ kind, ended }: ContainerState): boolean =>
  kind === "sidecar" || kind === "ephemeral" || ended?.exitCode === 0;

/** `now` dates condition changes; `hostIP` is the node's address. */
export function podStatus(pod: Pod, state: PodState, hostIP: string, now: number): PodStatus {
  const phase = podPhase(pod, state);
  const entries = containersOf(pod).map((entry) => ({
    kind: entry.kind,
    status: containerStatusOf(pod, entry, state, phase),
  }));
  const pick = (...kinds: ContainerKind[]) =>
    entries.filter(({ kind }) => kinds.includes(kind)).map(({ status }) => status);
  const init = pick("init", "sidecar");
  const ephemeral = pick("ephemeral");
  const kept = keptFields(pod.status);
  return {
    ...kept,
    ...(state.failed ?? {}),
    ...(pod.metadata?.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: conditionsOf(pod, state, phase, now),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(state.podIP && { podIP: state.podIP, podIPs: [{ ip: state.podIP }] }),
    startTime: pod.status?.startTime ?? rfc3339(state.startedAt),
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: pick("main"),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClassOf(pod),
  } as PodStatus;
}

/** What others write into the status and the kubelet leaves alone. */
function keptFields(status: PodStatus | undefined): PodStatus {
  const { nominatedNodeName } = status ?? {};
  return nominatedNodeName ? { nominatedNodeName } : {};
}
