/** Which volume a claim gets: pure decisions of the PersistentVolume controller. */
import type { PersistentVolume, PersistentVolumeClaim } from "kubernetes-types/core/v1.js";
import type { StorageClass } from "kubernetes-types/storage/v1.js";
import { compareQuantities } from "../../machinery/quantity.ts";
import type { Stored } from "../../machinery/types.ts";
import { selects } from "../harness/selectors.ts";
import { defaultClassAnnotation, defaultClassName, provisioner } from "./classes.ts";

export type Claim = Stored<PersistentVolumeClaim>;
export type Volume = Stored<PersistentVolume>;

export const provisionedBy = "pv.kubernetes.io/provisioned-by";
export const bindCompleted = "pv.kubernetes.io/bind-completed";
export const boundByController = "pv.kubernetes.io/bound-by-controller";

export const isBoundTo = ({ spec }: PersistentVolume, { metadata }: Claim) =>
  spec?.claimRef?.uid === metadata.uid ||
  (spec?.claimRef?.uid === undefined &&
    spec?.claimRef?.name === metadata.name &&
    spec.claimRef.namespace === metadata.namespace);

const sizeOf = (volume: PersistentVolume) => volume.spec?.capacity?.storage ?? "0";
export const requestOf = ({ spec }: PersistentVolumeClaim) => spec?.resources?.requests?.storage ?? "0";

/** Whether a free volume satisfies the claim. */
function satisfies(volume: Volume, claim: Claim): boolean {
  const { spec } = claim;
  const modes = volume.spec?.accessModes ?? [];
  return (
    !volume.spec?.claimRef &&
    !volume.metadata.deletionTimestamp &&
    (volume.status?.phase ?? "Available") === "Available" &&
    (volume.spec?.storageClassName ?? "") === (spec?.storageClassName ?? "") &&
    (volume.spec?.volumeMode ?? "Filesystem") === (spec?.volumeMode ?? "Filesystem") &&
    (spec?.accessModes ?? []).every((mode) => modes.includes(mode)) &&
    compareQuantities(sizeOf(volume), requestOf(claim)) >= 0 &&
    (!spec?.selector || selects(spec.selector, volume.metadata.labels))
  );
}

/** The volume that says it is the claim's, else the smallest free one that satisfies it. */
export function findVolume(claim: Claim, volumes: readonly Volume[]): Volume | undefined {
  const wanted = claim.spec?.volumeName;
  if (wanted) return volumes.find(({ metadata }) => metadata.name === wanted);
  const reserved = volumes.find((volume) => isBoundTo(volume, claim));
  if (reserved) return reserved;
  const fitting = volumes.filter((volume) => satisfies(volume, claim));
  return fitting.sort((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))[0];
}

/** The class of a claim that names none: admission has set it already, unless there was no class yet. */
export const effectiveClass = ({ spec }: Claim, classes: readonly Stored<StorageClass>[]): string =>
  spec?.storageClassName ?? classes.find(isDefaultClass)?.metadata.name ?? defaultClassName;

export const isDefaultClass = ({ metadata }: Stored<StorageClass>) =>
  metadata.annotations?.[defaultClassAnnotation] === "true";

export function setVolumePhase(draft: PersistentVolume, phase: string): void {
  Object.assign(draft, { status: { ...draft.status, phase } });
}

export const volumeNameOf = ({ metadata }: Claim) => `pvc-${metadata.uid}`;

/** A volume made for the claim, in a folder of this machine. */
export const newVolume = (claim: Claim, className: string, reclaimPolicy: string, path: string): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: {
    name: volumeNameOf(claim),
    annotations: { [provisionedBy]: provisioner },
    finalizers: ["kubernetes.io/pv-protection"],
  },
  spec: {
    accessModes: claim.spec?.accessModes ?? ["ReadWriteOnce"],
    capacity: { storage: requestOf(claim) },
    claimRef: {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      namespace: claim.metadata.namespace,
      name: claim.metadata.name,
      uid: claim.metadata.uid,
      resourceVersion: claim.metadata.resourceVersion,
    },
    hostPath: { path, type: "DirectoryOrCreate" },
    persistentVolumeReclaimPolicy: reclaimPolicy,
    storageClassName: className,
    volumeMode: claim.spec?.volumeMode ?? "Filesystem",
  },
});
