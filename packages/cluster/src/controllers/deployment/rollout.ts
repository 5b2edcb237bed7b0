/** How many replicas each ReplicaSet of a Deployment should have next: a pure decision. */
import type { Deployment } from "kubernetes-types/apps/v1.js";
import { scaledValue } from "../harness/scaled.ts";
import { availableOf, byCreation, desiredAnnotation, type OwnedSet, replicasOf } from "./replica-sets.ts";

export interface Rollout {
  readonly deployment: Deployment;
  readonly newSet: OwnedSet | undefined;
  readonly oldSets: readonly OwnedSet[];
  /** Whether pods of old sets are left, those that are stopping included. Recreate waits for them. */
  readonly hasOldPods: boolean;
}

/** New numbers of replicas, for the sets that change. */
export type Scaling = ReadonlyMap<OwnedSet, number>;

/** How far a rolling update may leave the wanted number. Not both can be 0, or nothing could ever move. */
export function bounds({ spec }: Deployment): { readonly surge: number; readonly unavailable: number } {
  const replicas = spec?.replicas ?? 1;
  if (spec?.strategy?.type === "Recreate") return { surge: 0, unavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, "up");
  const unavailable = Math.min(scaledValue(maxUnavailable, replicas, "down"), replicas);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

const total = (sets: readonly OwnedSet[]) => sets.reduce((sum, set) => sum + replicasOf(set), 0);
const isActive = (set: OwnedSet) => replicasOf(set) > 0;

/** Whether somebody changed the Deployment's replicas since the sets were last scaled. */
const isScaled = ({ deployment, newSet, oldSets }: Rollout) =>
  [...oldSets, ...(newSet ? [newSet] : [])].some((set) => {
    const desired = set.metadata.annotations?.[desiredAnnotation];
    return isActive(set) && desired !== undefined && Number(desired) !== replicasOf(deployment);
  });

export function planRollout(rollout: Rollout): Scaling {
  const { deployment, newSet } = rollout;
  if (deployment.spec?.paused || isScaled(rollout)) return planScaling(rollout);
  if (!newSet) return new Map();
  return deployment.spec?.strategy?.type === "Recreate" ? planRecreate(rollout, newSet) : planRolling(rollout, newSet);
}

function planRecreate({ deployment, oldSets, hasOldPods }: Rollout, newSet: OwnedSet): Scaling {
  const active = oldSets.filter(isActive);
  if (active.length > 0) return new Map(active.map((set) => [set, 0]));
  return hasOldPods ? new Map() : changeTo(newSet, replicasOf(deployment));
}

const changeTo = (set: OwnedSet, replicas: number): Scaling =>
  replicasOf(set) === replicas ? new Map() : new Map([[set, replicas]]);

/** One step: first the new set grows as far as the surge allows, then the old ones shrink as far as availability allows. */
function planRolling(rollout: Rollout, newSet: OwnedSet): Scaling {
  const growth = growNew(rollout, newSet);
  return growth.size > 0 ? growth : shrinkOld(rollout, newSet);
}

function growNew({ deployment, oldSets }: Rollout, newSet: OwnedSet): Scaling {
  const wanted = replicasOf(deployment);
  const present = replicasOf(newSet);
  if (present >= wanted) return changeTo(newSet, wanted);
  const room = wanted + bounds(deployment).surge - total([...oldSets, newSet]);
  return room > 0 ? changeTo(newSet, present + Math.min(room, wanted - present)) : new Map();
}

function shrinkOld({ deployment, oldSets }: Rollout, newSet: OwnedSet): Scaling {
  const minAvailable = replicasOf(deployment) - bounds(deployment).unavailable;
  const newUnavailable = replicasOf(newSet) - availableOf(newSet);
  const active = oldSets.filter(isActive).sort(byCreation);
  let removable = total([...active, newSet]) - minAvailable - newUnavailable;
  const planned = new Map(active.map((set) => [set, replicasOf(set)]));
  const take = (set: OwnedSet, most: number) => {
    const count = Math.max(0, Math.min(most, removable, planned.get(set) ?? 0));
    planned.set(set, (planned.get(set) ?? 0) - count);
    removable -= count;
  };
  // Pods that serve nobody go first: that cannot cost availability.
  for (const set of active) take(set, replicasOf(set) - availableOf(set));
  const available = [...active, newSet].reduce((sum, set) => sum + availableOf(set), 0);
  removable = Math.min(removable, available - minAvailable);
  for (const set of active) take(set, planned.get(set) ?? 0);
  return new Map([...planned].filter(([set, replicas]) => replicas !== replicasOf(set)));
}

/** The Deployment was scaled: one active set takes it all; in the middle of a rollout, all share it in proportion. */
function planScaling({ deployment, newSet, oldSets }: Rollout): Scaling {
  const wanted = replicasOf(deployment);
  const active = [...oldSets, ...(newSet ? [newSet] : [])].filter(isActive);
  const [only] = active.length > 0 ? active : newSet ? [newSet] : [];
  if (only && active.length <= 1) return changeTo(only, wanted);
  if (newSet && availableOf(newSet) >= wanted && replicasOf(newSet) === wanted)
    return new Map(oldSets.filter(isActive).map((set) => [set, 0]));
  const allowed = wanted > 0 ? wanted + bounds(deployment).surge : 0;
  return shareOut(active, allowed - total(active));
}

/** Adds to (or takes from) each set in proportion to its size, the largest making up for the rounding. */
function shareOut(sets: readonly OwnedSet[], change: number): Scaling {
  const whole = total(sets);
  const bySize = [...sets].sort((a, b) => replicasOf(b) - replicasOf(a) || -byCreation(a, b) * Math.sign(change));
  let left = change;
  const planned = new Map<OwnedSet, number>();
  for (const set of bySize) {
    const share = Math.trunc((replicasOf(set) * change) / whole);
    planned.set(set, replicasOf(set) + share);
    left -= share;
  }
  const [largest] = bySize;
  if (largest) planned.set(largest, Math.max(0, (planned.get(largest) ?? 0) + left));
  return planned;
}
