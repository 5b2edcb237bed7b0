/** The claims behind a StatefulSet's pods, and who owns them (persistentVolumeClaimRetentionPolicy). */
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { PersistentVolumeClaim, Pod } from "kubernetes-types/core/v1.js";
import type { OwnerReference } from "kubernetes-types/meta/v1.js";
import { isStatus, StatusError } from "../../machinery/errors.ts";
import type { Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import { isDeleting } from "../harness/owners.ts";
import { claimsOf, ordinalOf, ordinalRange, podNameOf } from "./identity.ts";

const component = "statefulset-controller";

/** Kubernetes' owner references of claims: not controlling, not blocking. */
const plainReference = ({ apiVersion, kind, metadata }: Stored<object>): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
});

/**
 * The owner that a claim should have: the set when it is to go with the set, the pod when that is surplus and the claim goes with it,
 * else none.
 */
export function claimOwner(set: Stored<StatefulSet>, pod: Stored<Pod> | undefined): OwnerReference | undefined {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const { start, end } = ordinalRange(set);
  const ordinal = pod && ordinalOf(set, pod);
  const isSurplus = ordinal !== undefined && (ordinal < start || ordinal >= end);
  if (pod && isSurplus && whenScaled === "Delete") return plainReference(pod);
  return whenDeleted === "Delete" ? plainReference(set) : undefined;
}

/**
 * Creates the claims of an ordinal that are missing. A claim on its way out blocks its pod, or the new pod would use the old data, keep
 * the claim from going, and lose both when it goes in the end.
 */
export async function createClaims(
  context: ControllerContext,
  set: Stored<StatefulSet>,
  ordinal: number,
): Promise<void> {
  for (const claim of claimsOf(set, ordinal)) await createClaim(context, set, claim, podNameOf(set, ordinal));
}

async function createClaim(
  { store, record }: ControllerContext,
  set: Stored<StatefulSet>,
  claim: PersistentVolumeClaim,
  podName: string,
): Promise<void> {
  const { name = "", namespace = "" } = claim.metadata ?? {};
  const about = `create Claim ${name} Pod ${podName} in StatefulSet ${set.metadata.name}`;
  const present = store.get("persistentvolumeclaims", namespace, name);
  if (present && !isDeleting(present)) return;
  try {
    if (present) throw new StatusError("Conflict", `pvc ${name} is being deleted`);
    await store.create("persistentvolumeclaims", claim, { fieldManager: component });
    record(set, "Normal", "SuccessfulCreate", `${about} success`, component);
  } catch (error) {
    if (isStatus(error, "AlreadyExists")) return;
    record(set, "Warning", "FailedCreate", `${about} failed error: ${(error as Error).message}`, component);
    throw error;
  }
}

/** Puts the owner references of a pod's claims right. Other owners of a claim stay. */
export async function alignClaimOwners({ store }: ControllerContext, set: Stored<StatefulSet>, pod: Stored<Pod>) {
  const owner = claimOwner(set, pod);
  const ours = new Set([set.metadata.uid, pod.metadata.uid]);
  const ordinal = ordinalOf(set, pod) ?? 0;
  for (const { metadata } of claimsOf(set, ordinal)) {
    await store.modify("persistentvolumeclaims", metadata?.namespace ?? "", metadata?.name ?? "", (claim) => {
      const before = claim.metadata?.ownerReferences ?? [];
      const others = before.filter(({ uid }) => !ours.has(uid));
      if (before.length === 0 && !owner) return false;
      claim.metadata!.ownerReferences = owner ? [...others, owner] : others;
      return undefined;
    });
  }
}
