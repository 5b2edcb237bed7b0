import type { StatefulSet, StatefulSetStatus } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import { isDeleting } from "../harness/owners.ts";
import { isAvailable, isRunningAndReady } from "../harness/pods.ts";
import { revisionOf } from "./identity.ts";
import type { Sight } from "./plan.ts";

const isPresent = (pod: Pod) => !isDeleting(pod) && pod.status?.phase !== "Failed" && pod.status?.phase !== "Succeeded";

/** Whether a rolling update has reached every replica, so that the update revision becomes the current one. */
const isRolledOut = ({ spec }: StatefulSet, { replicas, readyReplicas, updatedReplicas }: StatefulSetStatus) => {
  const wanted = spec?.replicas ?? 1;
  const isRolling = (spec?.updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate";
  return isRolling && replicas === wanted && readyReplicas === wanted && updatedReplicas === wanted;
};

/** The status that the set's pods amount to. */
export function statusOf({ set, pods, currentRevision, updateRevision, now }: Sight): StatefulSetStatus {
  const count = (test: (pod: Pod) => boolean) => pods.filter(test).length;
  const ofRevision = (revision: string) => count((pod) => isPresent(pod) && revisionOf(pod) === revision);
  const status: StatefulSetStatus = {
    ...set.status,
    observedGeneration: set.metadata?.generation,
    replicas: count(() => true),
    readyReplicas: count(isRunningAndReady),
    availableReplicas: count((pod) => isRunningAndReady(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, now)),
    currentReplicas: ofRevision(currentRevision),
    updatedReplicas: ofRevision(updateRevision),
    currentRevision,
    updateRevision,
    collisionCount: set.status?.collisionCount ?? 0,
  };
  if (isRolledOut(set, status))
    Object.assign(status, { currentReplicas: status.updatedReplicas, currentRevision: updateRevision });
  return status;
}
