import type { Deployment, DeploymentCondition, DeploymentStatus } from "kubernetes-types/apps/v1.js";
import { findCondition, withCondition, withoutCondition } from "../harness/conditions.ts";
import { parseTime, secondMs, timestamp } from "../harness/time.ts";
import { availableOf, type OwnedSet, replicasOf } from "./replica-sets.ts";
import { bounds } from "./rollout.ts";

export interface DeploymentSight {
  readonly deployment: Deployment;
  readonly newSet: OwnedSet | undefined;
  readonly sets: readonly OwnedSet[];
  /** How the new set came about in this reconcile. */
  readonly origin: "created" | "found" | "known";
  readonly now: number;
}

type Counts = Required<
  Pick<DeploymentStatus, "replicas" | "updatedReplicas" | "readyReplicas" | "availableReplicas" | "unavailableReplicas">
>;

function countReplicas({ newSet, sets }: DeploymentSight): Counts {
  const sum = (of: (set: OwnedSet) => number) => sets.reduce((total, set) => total + of(set), 0);
  const availableReplicas = sum(availableOf);
  return {
    replicas: sum(({ status }) => status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(({ status }) => status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(replicasOf) - availableReplicas),
  };
}

function available({ deployment }: DeploymentSight, { availableReplicas }: Counts): DeploymentCondition {
  const isAvailable = availableReplicas >= replicasOf(deployment) - bounds(deployment).unavailable;
  return isAvailable
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };
}

const isComplete = ({ deployment }: DeploymentSight, counts: Counts) => {
  const wanted = replicasOf(deployment);
  return counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted;
};

const hasMoved = ({ status = {} }: Deployment, counts: Counts) =>
  counts.updatedReplicas > (status.updatedReplicas ?? 0) ||
  counts.readyReplicas > (status.readyReplicas ?? 0) ||
  counts.availableReplicas > (status.availableReplicas ?? 0) ||
  counts.replicas - counts.updatedReplicas < (status.replicas ?? 0) - (status.updatedReplicas ?? 0);

const deadlineMs = ({ spec }: Deployment) => (spec?.progressDeadlineSeconds ?? 600) * secondMs;

/** Milliseconds until a rollout without progress is called stuck; undefined when none is under way. */
export function deadlineInMs({ status, spec }: Deployment, now: number): number | undefined {
  const progressing = findCondition(status?.conditions, "Progressing");
  if (spec?.paused || progressing?.reason === "NewReplicaSetAvailable" || progressing?.status !== "True")
    return undefined;
  return Math.max(0, (parseTime(progressing.lastUpdateTime) ?? now) + deadlineMs({ spec }) - now);
}

/** The Progressing condition, or undefined to leave it as it is. */
function progressing(sight: DeploymentSight, counts: Counts): DeploymentCondition | undefined {
  const { deployment, newSet, origin, now } = sight;
  const name = JSON.stringify(newSet?.metadata.name ?? "");
  const is = (status: string, reason: string, message: string) => ({ type: "Progressing", status, reason, message });
  if (deployment.spec?.paused) return is("Unknown", "DeploymentPaused", "Deployment is paused");
  if (!newSet) return undefined;
  if (isComplete(sight, counts))
    return is("True", "NewReplicaSetAvailable", `ReplicaSet ${name} has successfully progressed.`);
  if (origin === "created") return is("True", "NewReplicaSetCreated", `Created new replica set ${name}`);
  if (origin === "found") return is("True", "FoundNewReplicaSet", `Found new replica set ${name}`);
  if (hasMoved(deployment, counts)) return is("True", "ReplicaSetUpdated", `ReplicaSet ${name} is progressing.`);
  const before = findCondition(deployment.status?.conditions, "Progressing");
  if (before?.reason === "DeploymentPaused") return is("Unknown", "DeploymentResumed", "Deployment is resumed");
  return deadlineInMs(deployment, now) === 0
    ? is("False", "ProgressDeadlineExceeded", `ReplicaSet ${name} has timed out progressing.`)
    : undefined;
}

/** Adds the time of the last update, which moves with every change of reason and with every progress. */
function put(conditions: DeploymentCondition[] | undefined, next: DeploymentCondition, now: number, moved: boolean) {
  const old = findCondition(conditions, next.type);
  const isSame = old?.status === next.status && old.reason === next.reason;
  const lastUpdateTime = isSame && !moved ? old?.lastUpdateTime : timestamp(now);
  return withCondition(conditions, { ...next, lastUpdateTime }, now);
}

/** What keeps a ReplicaSet from making its pods shows on the Deployment too; the new set's trouble comes first. */
function replicaFailure({ newSet, sets }: DeploymentSight): DeploymentCondition | undefined {
  const failures = [newSet, ...sets].map((set) => findCondition(set?.status?.conditions, "ReplicaFailure"));
  const found = failures.find((condition) => condition?.status === "True");
  return found && { type: found.type, status: found.status, reason: found.reason, message: found.message };
}

export function deploymentStatus(sight: DeploymentSight): DeploymentStatus {
  const { deployment, now } = sight;
  const counts = countReplicas(sight);
  const progress = progressing(sight, counts);
  let conditions = put(deployment.status?.conditions, available(sight, counts), now, false);
  if (progress) conditions = put(conditions, progress, now, progress.reason === "ReplicaSetUpdated");
  const failure = replicaFailure(sight);
  conditions = failure ? put(conditions, failure, now, false) : withoutCondition(conditions, "ReplicaFailure");
  const { collisionCount } = deployment.status ?? {};
  const present = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return {
    observedGeneration: deployment.metadata?.generation,
    ...present,
    conditions,
    ...(collisionCount && { collisionCount }),
  };
}
