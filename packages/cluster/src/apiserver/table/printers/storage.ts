import type { PersistentVolume, PersistentVolumeClaim } from "kubernetes-types/core/v1.js";
import type { StorageClass } from "kubernetes-types/storage/v1.js";
import { ageColumn, column, formatAccessModes, nameColumn, printer, unset, wide } from "../columns.ts";

interface Phased {
  readonly metadata?: { readonly deletionTimestamp?: string };
  readonly status?: { readonly phase?: string };
}

const phaseOf = ({ metadata, status }: Phased): string =>
  metadata?.deletionTimestamp ? "Terminating" : (status?.phase ?? "");

const legacyClass = "volume.beta.kubernetes.io/storage-class";
const classOf = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata?.annotations?.[legacyClass] ?? spec?.storageClassName ?? "";

function claimOf({ spec }: PersistentVolume): string {
  const claim = spec?.claimRef;
  return claim === undefined ? "" : `${claim.namespace}/${claim.name}`;
}

/** Not in the types of every Kubernetes release. */
const attributesClass = (spec: object | undefined): string =>
  (spec as { volumeAttributesClassName?: string } | undefined)?.volumeAttributesClassName ?? unset;

const isDefaultClass = ({ metadata }: StorageClass): boolean =>
  metadata?.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true" ||
  metadata?.annotations?.["storageclass.beta.kubernetes.io/is-default-class"] === "true";

export const storagePrinters = {
  persistentvolumes: printer<PersistentVolume>(
    nameColumn,
    column("Capacity", ({ spec }) => String(spec?.capacity?.storage ?? "")),
    column("Access Modes", ({ spec }) => formatAccessModes(spec?.accessModes)),
    column("Reclaim Policy", ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ""),
    column("Status", phaseOf),
    column("Claim", claimOf),
    column("StorageClass", classOf),
    column("VolumeAttributesClass", ({ spec }) => attributesClass(spec)),
    column("Reason", ({ status }) => status?.reason ?? ""),
    ageColumn,
    wide("VolumeMode", ({ spec }) => spec?.volumeMode ?? unset),
  ),
  persistentvolumeclaims: printer<PersistentVolumeClaim>(
    nameColumn,
    column("Status", phaseOf),
    column("Volume", ({ spec }) => spec?.volumeName ?? ""),
    column("Capacity", ({ spec, status }) => (spec?.volumeName ? String(status?.capacity?.storage ?? "0") : "")),
    column("Access Modes", ({ spec, status }) => (spec?.volumeName ? formatAccessModes(status?.accessModes) : "")),
    column("StorageClass", classOf),
    column("VolumeAttributesClass", ({ spec }) => attributesClass(spec)),
    ageColumn,
    wide("VolumeMode", ({ spec }) => spec?.volumeMode ?? unset),
  ),
  "storageclasses.storage.k8s.io": printer<StorageClass>(
    column("Name", (object) => `${object.metadata?.name}${isDefaultClass(object) ? " (default)" : ""}`),
    column("Provisioner", ({ provisioner }) => provisioner),
    column("ReclaimPolicy", ({ reclaimPolicy }) => reclaimPolicy ?? "Delete"),
    column("VolumeBindingMode", ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate"),
    column("AllowVolumeExpansion", ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false, { type: "boolean" }),
    ageColumn,
  ),
};
