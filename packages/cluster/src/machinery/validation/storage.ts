/** Rules of claims, volumes and storage classes. */

import { jsonEqual } from "../json.ts";
import { compareQuantities, isQuantity } from "../quantity.ts";
import type { ApiObject } from "../types.ts";
import { notNegativeQuantity } from "./container.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { immutable, oneOf, present } from "./rules.ts";

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

const validateAccessModes = (path: string, modes: unknown, unit: string): FieldError[] =>
  Array.isArray(modes) && modes.length > 0
    ? modes.filter((mode) => !accessModes.includes(mode)).map((mode) => notSupported(path, mode, accessModes))
    : [required(path, `at least 1 ${unit}`)];

const positiveQuantity = (field: string, amount: unknown): FieldError[] =>
  isQuantity(amount) && compareQuantities(amount as string, 0) <= 0
    ? [invalid(field, amount, "must be greater than zero")]
    : notNegativeQuantity(field, amount);

export function validateClaimSpec(path: string, spec: ApiObject = {}): FieldError[] {
  const storage = spec.resources?.requests?.storage;
  return [
    ...validateAccessModes(`${path}.accessModes`, spec.accessModes, "access mode is required"),
    ...(storage === undefined
      ? [required(`${path}.resources[storage]`)]
      : positiveQuantity(`${path}.resources[storage]`, storage)),
    ...oneOf(`${path}.volumeMode`, spec.volumeMode, ["Block", "Filesystem"]),
  ];
}

export const validateClaim = ({ spec }: ApiObject): FieldError[] => validateClaimSpec("spec", spec);

const claimIsFixed =
  "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

/** A claim can be bound, and grow once it is. */
export function validateClaimUpdate({ spec }: ApiObject, old: ApiObject): FieldError[] {
  const isBound = old.spec.volumeName !== undefined;
  const fixed = ({ resources, volumeName, volumeAttributesClassName: _, ...rest }: ApiObject) => ({
    ...rest,
    ...(isBound ? { volumeName } : { resources }),
  });
  if (!jsonEqual(fixed(spec), fixed(old.spec))) return [forbidden("spec", claimIsFixed)];
  const [wanted, present] = [spec.resources?.requests?.storage, old.spec.resources?.requests?.storage];
  const isSmaller = isQuantity(wanted) && isQuantity(present) && compareQuantities(wanted, present) < 0;
  return isSmaller ? [forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")] : [];
}

const describing = [
  "capacity",
  "accessModes",
  "claimRef",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "mountOptions",
  "volumeMode",
  "nodeAffinity",
  "volumeAttributesClassName",
];

export function validateVolume({ spec }: ApiObject): FieldError[] {
  const sources = Object.keys(spec).filter((field) => !describing.includes(field));
  return [
    ...validateAccessModes("spec.accessModes", spec.accessModes, "access mode is required"),
    ...present("spec.capacity", spec.capacity),
    ...(spec.capacity?.storage === undefined ? [] : positiveQuantity("spec.capacity[storage]", spec.capacity.storage)),
    ...oneOf("spec.persistentVolumeReclaimPolicy", spec.persistentVolumeReclaimPolicy, ["Delete", "Recycle", "Retain"]),
    ...(sources.length === 0 ? [required("spec", "must specify a volume type")] : []),
    ...sources.slice(1).map((source) => forbidden(`spec.${source}`, "may not specify more than 1 volume type")),
  ];
}

export const validateStorageClass = (object: ApiObject): FieldError[] => [
  ...present("provisioner", object.provisioner),
  ...oneOf("reclaimPolicy", object.reclaimPolicy, ["Delete", "Retain"]),
  ...oneOf("volumeBindingMode", object.volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]),
];

export const validateStorageClassUpdate = (object: ApiObject, old: ApiObject): FieldError[] => [
  ...(jsonEqual(object.parameters, old.parameters)
    ? []
    : [forbidden("parameters", "updates to parameters are forbidden.")]),
  ...(object.provisioner === old.provisioner
    ? []
    : [forbidden("provisioner", "updates to provisioner are forbidden.")]),
  ...immutable("reclaimPolicy", object.reclaimPolicy, old.reclaimPolicy),
  ...immutable("volumeBindingMode", object.volumeBindingMode, old.volumeBindingMode),
];
