/** Pod conditions, each row with what makes it true and how Kubernetes explains it when it is not. */
import type { Pod, PodCondition } from "kubernetes-types/core/v1.js";
import { type ContainerState, containersOf, isInitialized, isReady, type PodState } from "./state.ts";
import { rfc3339 } from "./time.ts";

interface Verdict {
  readonly holds: boolean;
  readonly reason?: string;
  readonly message?: string;
}

const kubeletConditions = [
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
] as const;

/** The kubelet's conditions, then those of others (readiness gates, DisruptionTarget) as they stand. */
export function conditionsOf(pod: Pod, state: PodState, phase: string, now: number): PodCondition[] {
  const before = pod.status?.conditions ?? [];
  const containersReady = containersVerdict(pod, state, phase);
  const verdicts: Record<(typeof kubeletConditions)[number], Verdict> = {
    PodReadyToStartContainers: { holds: state.sandbox === "ready" && !isOver(phase) },
    Initialized: initializedVerdict(pod, state, phase),
    Ready: readyVerdict(pod, containersReady),
    ContainersReady: containersReady,
    PodScheduled: { holds: true },
  };
  const own = kubeletConditions.map((type) =>
    conditionOf(
      type,
      verdicts[type],
      before.find((each) => each.type === type),
      pod,
      now,
    ),
  );
  return [...own, ...before.filter(({ type }) => !(kubeletConditions as readonly string[]).includes(type))];
}

function conditionOf(
  type: string,
  { holds, reason, message }: Verdict,
  previous: PodCondition | undefined,
  pod: Pod,
  now: number,
): PodCondition {
  const status = holds ? "True" : "False";
  const unchanged = previous?.status === status ? previous.lastTransitionTime : undefined;
  return {
    type,
    status,
    ...(pod.metadata?.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    lastProbeTime: null as unknown as string,
    lastTransitionTime: unchanged ?? rfc3339(now),
    ...(reason && { reason }),
    ...(message && { message }),
  } as PodCondition;
}

const isOver = (phase: string): boolean => phase === "Succeeded" || phase === "Failed";

function initializedVerdict(pod: Pod, state: PodState, phase: string): Verdict {
  if (phase === "Succeeded") return { holds: true, reason: "PodCompleted" };
  const unfinished = namesWhere(
    pod,
    state,
    (each) => (each.kind === "init" || each.kind === "sidecar") && !isInitialized(each) && !hasBegunMains(state),
  );
  if (unfinished.length === 0) return { holds: true };
  const message = `containers with incomplete status: [${unfinished.join(" ")}]`;
  return { holds: false, reason: "ContainersNotInitialized", message };
}

const hasBegunMains = (state: PodState): boolean =>
  Object.values(state.containers).some(({ kind, attempt }) => kind === "main" && attempt > 0);

function containersVerdict(pod: Pod, state: PodState, phase: string): Verdict {
  if (phase === "Succeeded") return { holds: false, reason: "PodCompleted" };
  if (phase === "Failed") return { holds: false, reason: "PodFailed" };
  const unready = namesWhere(pod, state, (each) => countsForReady(each) && !isReadyNow(state, each));
  if (unready.length === 0) return { holds: true };
  return {
    holds: false,
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

const countsForReady = ({ kind }: ContainerState): boolean => kind === "main" || kind === "sidecar";

/** A pod being deleted is unready at once, whatever its probes say. */
export const isReadyNow = (state: PodState, container: ContainerState): boolean =>
  isReady(container) && (container.kind === "init" || state.deletion === undefined);

function readyVerdict(pod: Pod, containers: Verdict): Verdict {
  if (!containers.holds) return containers;
  const gates = (pod.spec?.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const missing = gates.filter(
    (gate) => !pod.status?.conditions?.some(({ type, status }) => type === gate && status === "True"),
  );
  if (missing.length === 0) return { holds: true };
  const message = missing
    .map((gate) => `corresponding condition of pod readiness gate "${gate}" does not exist.`)
    .join(", ");
  return { holds: false, reason: "ReadinessGatesNotReady", message };
}

const namesWhere = (pod: Pod, state: PodState, test: (container: ContainerState) => boolean): string[] =>
  containersOf(pod)
    .map(({ container }) => state.containers[container.name])
    .filter((each): each is ContainerState => each !== undefined && test(each))
    .map(({ name }) => name);
