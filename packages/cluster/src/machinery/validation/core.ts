/** Rules of the smaller kinds. */
import { items } from "../defaults/fill.ts";
import { DecodeError } from "../errors.ts";
import { jsonEqual } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden, invalid, required, tooLong } from "./field-error.ts";
import { each, immutable, notNegative, oneOf, positive, present } from "./rules.ts";

const keyPattern = /^[-._a-zA-Z0-9]+$/;
const keyProblem =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const maxDataBytes = 1 << 20;

const validateKeys = (field: string, data: ApiObject = {}): FieldError[] =>
  Object.keys(data)
    .filter((key) => !keyPattern.test(key) || key === "." || key === "..")
    .map((key) => invalid(`${field}[${key}]`, key, keyProblem));

const sizeOf = (data: ApiObject = {}, encoding: "utf8" | "base64" = "utf8") =>
  Object.values(data).reduce((sum: number, value) => sum + Buffer.byteLength(String(value), encoding), 0);

export function validateConfigMap({ data, binaryData }: ApiObject): FieldError[] {
  const size = sizeOf(data) + sizeOf(binaryData, "base64");
  return [
    ...validateKeys("data", data),
    ...validateKeys("binaryData", binaryData),
    ...(size > maxDataBytes ? [tooLong("", maxDataBytes)] : []),
  ];
}

export const validateImmutable = (object: ApiObject, old: ApiObject): FieldError[] => {
  if (!old.immutable) return [];
  const fields = ["immutable", "data", "binaryData"].filter((field) => !jsonEqual(object[field], old[field]));
  return fields.map((field) => forbidden(field, "field is immutable when `immutable` is set"));
};

/** Keys that a secret of a type must have. */
const keysOfType: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};

export function validateSecret({ type, data }: ApiObject): FieldError[] {
  const missing = (keysOfType[type] ?? []).filter((key) => data?.[key] === undefined);
  return [
    ...validateKeys("data", data),
    ...(sizeOf(data, "base64") > maxDataBytes ? [tooLong("data", maxDataBytes)] : []),
    ...missing.map((key) => required(`data[${key}]`)),
  ];
}

export const validateSecretUpdate = (secret: ApiObject, old: ApiObject): FieldError[] => [
  ...immutable("type", secret.type, old.type),
  ...validateImmutable(secret, old),
];

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;
const microTimeLayout = "2006-01-02T15:04:05.000000Z07:00";

/** Times of a Lease have six digits; Kubernetes reads no other form. Throws DecodeError. */
export function readLease({ spec = {} }: ApiObject): void {
  for (const time of [spec.acquireTime, spec.renewTime])
    if (time !== undefined && !microTime.test(String(time)))
      throw new DecodeError(`parsing time ${JSON.stringify(time)} as ${JSON.stringify(microTimeLayout)}: cannot parse`);
}

export const validateLease = ({ spec = {} }: ApiObject): FieldError[] => [
  ...positive("spec.leaseDurationSeconds", spec.leaseDurationSeconds),
  ...notNegative("spec.leaseTransitions", spec.leaseTransitions),
];

export const validateRole = ({ rules }: ApiObject): FieldError[] =>
  each("rules", items(rules), (path, { verbs, apiGroups, resources, nonResourceURLs }) => {
    if (!verbs?.length) return [required(`${path}.verbs`, "verbs must contain at least one value")];
    if (nonResourceURLs?.length) return [];
    if (!apiGroups?.length) return [required(`${path}.apiGroups`, "resource rules must supply at least one api group")];
    return resources?.length ? [] : [required(`${path}.resources`, "resource rules must supply at least one resource")];
  });

export const validateBinding = ({ roleRef = {}, subjects }: ApiObject): FieldError[] => [
  ...oneOf("roleRef.kind", roleRef.kind ?? "", ["Role", "ClusterRole"]),
  ...present("roleRef.name", roleRef.name),
  ...each("subjects", items(subjects), (path, { kind, name, namespace }) => [
    ...present(`${path}.name`, name),
    ...oneOf(`${path}.kind`, kind ?? "", ["ServiceAccount", "User", "Group"]),
    ...(kind === "ServiceAccount" && !namespace ? [required(`${path}.namespace`)] : []),
  ]),
];

export const validateBindingUpdate = ({ roleRef }: ApiObject, old: ApiObject): FieldError[] =>
  immutable("roleRef", roleRef, old.roleRef, "cannot change roleRef");

export function validateDisruptionBudget({ spec = {} }: ApiObject): FieldError[] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    return [invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")];
  return [
    ...validateAmount("spec.minAvailable", minAvailable),
    ...validateAmount("spec.maxUnavailable", maxUnavailable),
    ...oneOf("spec.unhealthyPodEvictionPolicy", unhealthyPodEvictionPolicy, ["AlwaysAllow", "IfHealthyBudget"]),
  ];
}

/** A count, or a percentage. */
function validateAmount(field: string, value: unknown): FieldError[] {
  if (typeof value !== "string") return notNegative(field, value);
  if (/^\d+%$/.test(value)) return [];
  return [
    invalid(
      field,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ),
  ];
}

export function validateCustomResourceDefinition({ metadata, spec = {} }: ApiObject): FieldError[] {
  const wanted = `${spec.names?.plural}.${spec.group}`;
  const stored = items(spec.versions).filter(({ storage }) => storage);
  return [
    ...(metadata?.name === wanted
      ? []
      : [invalid("metadata.name", metadata?.name, 'must be spec.names.plural+"."+spec.group')]),
    ...present("spec.group", spec.group),
    ...oneOf("spec.scope", spec.scope ?? "", ["Cluster", "Namespaced"]),
    ...present("spec.names.kind", spec.names?.kind),
    ...present("spec.versions", spec.versions),
    ...(stored.length === 1
      ? []
      : [invalid("spec.versions", items(spec.versions), "must have exactly one version marked as storage version")]),
  ];
}
