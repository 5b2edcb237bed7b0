/** Defaults of claims, volumes and storage classes. */
import type { ApiObject } from "../types.ts";
import { canonicalQuantities, fill } from "./fill.ts";

export function defaultClaimSpec(spec: ApiObject): void {
  fill(spec, { volumeMode: "Filesystem", resources: {} });
  canonicalQuantities(spec.resources.requests);
  canonicalQuantities(spec.resources.limits);
}

export function defaultClaim(claim: ApiObject): void {
  claim.spec ??= {};
  defaultClaimSpec(claim.spec);
}

export function defaultVolume(volume: ApiObject): void {
  volume.spec ??= {};
  fill(volume.spec, { volumeMode: "Filesystem", persistentVolumeReclaimPolicy: "Retain" });
  if (volume.spec.hostPath) fill(volume.spec.hostPath, { type: "" });
  canonicalQuantities(volume.spec.capacity);
}

export function defaultStorageClass(storageClass: ApiObject): void {
  fill(storageClass, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" });
}
