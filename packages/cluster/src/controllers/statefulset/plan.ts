/**
 * What a StatefulSet does next, as a function of what it sees. With OrderedReady every step waits until all lower ordinals are
 * running, ready and available, so a plan holds one action at most; with Parallel it holds all that can be done now.
 */
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { isDeleting } from "../harness/owners.ts";
import { availableInMs, isRunningAndReady, isTerminated } from "../harness/pods.ts";
import { scaledValue } from "../harness/scaled.ts";
import { ordinalOf, ordinalRange, podIndexLabel, podNameLabel, revisionOf } from "./identity.ts";

export type Action =
  /** Create the ordinal's claims, then its pod. */
  | { readonly do: "create"; readonly ordinal: number; readonly revision: string }
  /** Create claims that a pending pod waits for and somebody removed. */
  | { readonly do: "restore-claims"; readonly ordinal: number }
  | { readonly do: "restore-labels"; readonly pod: Stored<Pod>; readonly ordinal: number }
  | { readonly do: "delete"; readonly pod: Stored<Pod>; readonly why: "ended" | "scale-down" | "update" };

export interface Sight {
  readonly set: StatefulSet;
  /** The set's own pods. */
  readonly pods: readonly Stored<Pod>[];
  /** Names of the revisions. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly now: number;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** When a pod becomes available without any further change. */
  readonly againInMs?: number;
}

interface Replica {
  readonly ordinal: number;
  readonly pod: Stored<Pod> | undefined;
}

/** The set's pods by place: the wanted ordinals upward, the surplus downward. */
function sortReplicas({ set, pods }: Sight): { readonly wanted: Replica[]; readonly condemned: Stored<Pod>[] } {
  const { start, end } = ordinalRange(set);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
  const wanted = Array.from({ length: end - start }, (_, i) => ({ ordinal: start + i, pod: byOrdinal.get(start + i) }));
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal < start || ordinal >= end)
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  return { wanted, condemned };
}

/** Milliseconds until the pod counts as healthy: 0 if it is, undefined if that takes a change. */
const healthyInMs = ({ set, now }: Sight, pod: Pod | undefined): number | undefined =>
  pod && !isDeleting(pod) && isRunningAndReady(pod)
    ? availableInMs(pod, set.spec?.minReadySeconds ?? 0, now)
    : undefined;

const isHealthy = (sight: Sight, pod: Pod | undefined) => healthyInMs(sight, pod) === 0;

/** New pods below the partition keep the current revision; all others get the update. */
function revisionFor({ set, currentRevision, updateRevision }: Sight, ordinal: number): string {
  const { type = "RollingUpdate", rollingUpdate } = set.spec?.updateStrategy ?? {};
  const isHeldBack = type === "RollingUpdate" && ordinal < ordinalRange(set).start + (rollingUpdate?.partition ?? 0);
  return isHeldBack ? currentRevision : updateRevision;
}

/** What the place itself needs, whatever the others do. */
function placeAction(sight: Sight, { ordinal, pod }: Replica): Action | undefined {
  if (!pod) return { do: "create", ordinal, revision: revisionFor(sight, ordinal) };
  if (isDeleting(pod)) return undefined;
  if (isTerminated(pod)) return { do: "delete", pod, why: "ended" };
  const { labels } = pod.metadata;
  if (labels?.[podNameLabel] !== pod.metadata.name || labels?.[podIndexLabel] !== String(ordinal))
    return { do: "restore-labels", pod, ordinal };
  return pod.status?.phase === "Pending" && !pod.spec?.nodeName ? { do: "restore-claims", ordinal } : undefined;
}

/** Surplus pods that may go now. Ordered: the highest, once everything below it is healthy. */
function scaleDown(sight: Sight, condemned: readonly Stored<Pod>[], firstUnhealthy: Pod | undefined): Action[] {
  const deletable = condemned.filter((pod) => !isDeleting(pod));
  if (!isOrdered(sight.set)) return deletable.map((pod) => ({ do: "delete", pod, why: "scale-down" }));
  const [highest] = condemned;
  if (!highest || isDeleting(highest)) return [];
  const isBlocked = !isHealthy(sight, highest) && highest !== firstUnhealthy;
  return isBlocked ? [] : [{ do: "delete", pod: highest, why: "scale-down" }];
}

/** Pods of an old revision that may go now: from the highest down to the partition, at most maxUnavailable away at a time. */
function rollOut(sight: Sight, wanted: readonly Replica[]): Action[] {
  const { type = "RollingUpdate", rollingUpdate } = sight.set.spec?.updateStrategy ?? {};
  if (type !== "RollingUpdate") return [];
  const { start } = ordinalRange(sight.set);
  const limit = scaledValue(rollingUpdate?.maxUnavailable ?? 1, wanted.length, "up");
  const actions: Action[] = [];
  let budget = Math.max(1, limit);
  for (const { ordinal, pod } of [...wanted].reverse()) {
    if (budget === 0 || ordinal < start + (rollingUpdate?.partition ?? 0)) break;
    const isOutdated = pod !== undefined && !isDeleting(pod) && revisionOf(pod) !== sight.updateRevision;
    if (isOutdated) actions.push({ do: "delete", pod, why: "update" });
    if (isOutdated || !isHealthy(sight, pod)) budget -= 1;
  }
  return actions;
}

const isOrdered = (set: StatefulSet) => set.spec?.podManagementPolicy !== "Parallel";

function planOrdered(sight: Sight, wanted: readonly Replica[]): { actions: Action[]; isSettled: boolean } {
  const repairs: Action[] = [];
  for (const replica of wanted) {
    const action = placeAction(sight, replica);
    if (action?.do === "create" || action?.do === "delete") return { actions: [...repairs, action], isSettled: false };
    if (action) repairs.push(action);
    if (!isHealthy(sight, replica.pod)) return { actions: repairs, isSettled: false };
  }
  return { actions: repairs, isSettled: true };
}

function planParallel(sight: Sight, wanted: readonly Replica[]): { actions: Action[]; isSettled: boolean } {
  const actions = wanted.map((replica) => placeAction(sight, replica)).filter((action) => action !== undefined);
  return { actions, isSettled: !actions.some(({ do: verb }) => verb === "create" || verb === "delete") };
}

/** The lowest pod that is not healthy; surplus pods come after the wanted ones. */
function findFirstUnhealthy(sight: Sight, wanted: readonly Replica[], condemned: readonly Pod[]): Pod | undefined {
  const upward = [...wanted.map(({ pod }) => pod), ...[...condemned].reverse()];
  return upward.find((pod) => pod !== undefined && !isHealthy(sight, pod));
}

function soonest(sight: Sight): number | undefined {
  const waits = sight.pods.map((pod) => healthyInMs(sight, pod)).filter((wait) => wait !== undefined && wait > 0);
  return waits.length > 0 ? Math.min(...(waits as number[])) : undefined;
}

/** Decides the next actions, in order. */
export function planStatefulSet(sight: Sight): Plan {
  if (isDeleting(sight.set)) return { actions: [] };
  const { wanted, condemned } = sortReplicas(sight);
  const againInMs = soonest(sight);
  const { actions, isSettled } = isOrdered(sight.set) ? planOrdered(sight, wanted) : planParallel(sight, wanted);
  if (isSettled || !isOrdered(sight.set)) {
    actions.push(...scaleDown(sight, condemned, findFirstUnhealthy(sight, wanted, condemned)));
    if (isSettled && (condemned.length === 0 || !isOrdered(sight.set))) actions.push(...rollOut(sight, wanted));
  }
  return { actions, ...(againInMs !== undefined && { againInMs }) };
}
