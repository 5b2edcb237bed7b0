/** Rules of the smaller kinds. */
import { items } from "../defaults/fill.ts";
import { DecodeError } from "../errors.ts";
import { jsonEqual } from "../json.ts";
import { jsonSyntaxError } from "../json-error.ts";
import type { ApiObject } from "../types.ts";
import { unreadableRules } from "./expressions.ts";
import { type FieldError, forbidden, invalid, required, tooLong } from "./field-error.ts";
import { each, immutable, notNegative, oneOf, positive, present, validateAmount } from "./rules.ts";
import { validateSelector } from "./selector.ts";

const keyPattern = /^[-._a-zA-Z0-9]+$/;
const keyProblem =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const maxDataBytes = 1 << 20;

const longestKey = 253;

function keyProblems(key: string): string[] {
  if (key.length > longestKey) return [`must be no more than ${longestKey} bytes`];
  if (!keyPattern.test(key)) return [keyProblem];
  if (key === ".") return ["must not be '.'"];
  return key.startsWith("..") ? [key === ".." ? "must not be '..'" : "must not start with '..'"] : [];
}

const validateKeys = (field: string, data: ApiObject = {}): FieldError[] =>
  Object.keys(data).flatMap((key) => keyProblems(key).map((problem) => invalid(`${field}[${key}]`, key, problem)));

const sizeOf = (data: ApiObject = {}, encoding: "utf8" | "base64" = "utf8") =>
  Object.values(data).reduce((sum: number, value) => sum + Buffer.byteLength(String(value), encoding), 0);

export function validateConfigMap({ data, binaryData }: ApiObject): FieldError[] {
  const size = sizeOf(data) + sizeOf(binaryData, "base64");
  return [
    ...validateKeys("data", data),
    ...validateKeys("binaryData", binaryData),
    ...Object.keys(binaryData ?? {})
      .filter((key) => data && Object.hasOwn(data, key))
      .map((key) => invalid(`data[${key}]`, key, "duplicate of key present in binaryData")),
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

const account = "kubernetes.io/service-account.name";
const hidden = "<secret contents redacted>";

/** What else a type asks for. */
const checksOfType: Readonly<Record<string, (secret: ApiObject) => FieldError[]>> = {
  "kubernetes.io/service-account-token": ({ metadata }) =>
    present(`metadata.annotations[${account}]`, metadata?.annotations?.[account]),
  "kubernetes.io/basic-auth": ({ data }) =>
    data?.username === undefined && data?.password === undefined
      ? [required("data[username]"), required("data[password]")]
      : [],
  "kubernetes.io/dockerconfigjson": ({ data }) => validateJson("data[.dockerconfigjson]", data?.[".dockerconfigjson"]),
  "kubernetes.io/dockercfg": ({ data }) => validateJson("data[.dockercfg]", data?.[".dockercfg"]),
};

/** Never quotes what it refuses. */
function validateJson(field: string, encoded: unknown): FieldError[] {
  if (encoded === undefined) return [];
  const text = Buffer.from(String(encoded), "base64").toString("utf8");
  try {
    JSON.parse(text);
    return [];
  } catch {
    return [invalid(field, hidden, jsonSyntaxError(text))];
  }
}

export function validateSecret({ metadata, type, data }: ApiObject): FieldError[] {
  const missing = (keysOfType[type] ?? []).filter((key) => data?.[key] === undefined);
  return [
    ...validateKeys("data", data),
    ...(sizeOf(data, "base64") > maxDataBytes ? [tooLong("data", maxDataBytes)] : []),
    ...missing.map((key) => required(`data[${key}]`)),
    ...(checksOfType[type]?.({ metadata, data }) ?? []),
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

export function validateDisruptionBudget({ spec = {} }: ApiObject): FieldError[] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    return [invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")];
  return [
    ...validateAmount("spec.minAvailable", minAvailable, true),
    ...validateAmount("spec.maxUnavailable", maxUnavailable, true),
    ...validateSelector("spec.selector", spec.selector),
    ...oneOf("spec.unhealthyPodEvictionPolicy", unhealthyPodEvictionPolicy, ["AlwaysAllow", "IfHealthyBudget"]),
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
    ...each("spec.versions", items(spec.versions), (path, { schema }) =>
      unreadableRules(`${path}.schema.openAPIV3Schema`, schema?.openAPIV3Schema),
    ),
    ...(stored.length === 1
      ? []
      : [invalid("spec.versions", items(spec.versions), "must have exactly one version marked as storage version")]),
  ];
}
