import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import { withCondition, withoutCondition } from "../harness/conditions.ts";
import { availableInMs, isAvailable, isReady } from "../harness/pods.ts";
import { hasLabels } from "../harness/selectors.ts";

/** The status that the set's active pods amount to. `failure` is what kept pods from being created or deleted. */
export function replicaSetStatus(
  set: ReplicaSet,
  pods: readonly Pod[],
  now: number,
  failure?: Failure,
): ReplicaSetStatus {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const count = (test: (pod: Pod) => boolean) => pods.filter(test).length;
  const templateLabels = set.spec?.template?.metadata?.labels ?? {};
  const conditions = failure
    ? withFailure(set.status?.conditions, failure, now)
    : withoutCondition(set.status?.conditions, "ReplicaFailure");
  return {
    replicas: pods.length,
    fullyLabeledReplicas: count(({ metadata }) => hasLabels(templateLabels, metadata?.labels)),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => isAvailable(pod, minReadySeconds, now)),
    observedGeneration: set.metadata?.generation,
    ...(conditions.length > 0 && { conditions }),
  };
}

/**
 * A failure that is told already stays as it was told first, as in Kubernetes: its message names the pod that was not made, another one at each
 * try, and a status that changes at each try would be the cause of the next.
 */
function withFailure(conditions: ReplicaSetCondition[] | undefined, failure: Failure, now: number) {
  const isTold = conditions?.some(({ type, reason }) => type === "ReplicaFailure" && reason === failure.reason);
  if (conditions && isTold) return conditions;
  return withCondition(conditions, { type: "ReplicaFailure", status: "True", ...failure }, now);
}

export interface Failure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/** When the next ready pod becomes available. */
export function nextAvailableMs(set: ReplicaSet, pods: readonly Pod[], now: number): number | undefined {
  const waits = pods
    .map((pod) => availableInMs(pod, set.spec?.minReadySeconds ?? 0, now))
    .filter((wait) => wait !== undefined && wait > 0) as number[];
  return waits.length > 0 ? Math.min(...waits) : undefined;
}
