import type { OwnerReference } from "kubernetes-types/meta/v1.js";
import type { ApiObject } from "../../machinery/types.ts";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

/**
 * What the collector knows of an owner: it is there; it is gone; it waits for its dependents to go first; or its kind is not served
 * here, so that nothing may be concluded.
 */
export type OwnerState = "present" | "gone" | "waiting" | "unknown";

export type Verdict =
  | { readonly do: "keep" }
  | { readonly do: "delete"; readonly propagationPolicy: "Foreground" | "Background" }
  /** Some owners are gone, others keep it. */
  | { readonly do: "drop-owners"; readonly uids: ReadonlySet<string> };

export interface OwnerSight {
  readonly reference: OwnerReference;
  readonly state: OwnerState;
}

/** What becomes of an object with these owners: it goes with the last of them. */
export function judge(owners: readonly OwnerSight[], hasDependents: boolean): Verdict {
  const inState = (...states: readonly OwnerState[]) => owners.filter(({ state }) => states.includes(state));
  const leaving = inState("gone", "waiting");
  if (leaving.length === 0) return { do: "keep" };
  if (leaving.length < owners.length)
    return { do: "drop-owners", uids: new Set(leaving.map(({ reference }) => reference.uid)) };
  const isAwaited = inState("waiting").length > 0;
  return { do: "delete", propagationPolicy: isAwaited && hasDependents ? "Foreground" : "Background" };
}

const hasFinalizer = ({ metadata }: ApiObject, finalizer: string) =>
  metadata?.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);

/** Its deletion waits until its blocking dependents are gone. */
export const isForeground = (object: ApiObject) => hasFinalizer(object, foregroundFinalizer);

/** Its deletion waits until its dependents have forgotten it. */
export const isOrphaning = (object: ApiObject) => hasFinalizer(object, orphanFinalizer);

export const blocks = (dependent: ApiObject, ownerUid: string) =>
  (dependent.metadata?.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion,
  );
