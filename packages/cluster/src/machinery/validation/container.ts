/** Rules of containers. */
import { items } from "../defaults/fill.ts";
import { compareQuantities, isQuantity } from "../quantity.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden, invalid, notFound, required } from "./field-error.ts";
import { qualifiedNameProblems } from "./names.ts";
import { validateIdentity } from "./pod-settings.ts";
import {
  distinct,
  each,
  isSet,
  labelName,
  notNegative,
  oneOf,
  portName,
  portNumber,
  portReference,
  positive,
  present,
} from "./rules.ts";

const protocols = ["SCTP", "TCP", "UDP"];

export function validateContainer(path: string, container: ApiObject, volumes: ReadonlySet<unknown>): FieldError[] {
  return [
    ...labelName(`${path}.name`, container.name),
    ...present(`${path}.image`, container.image),
    ...oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ["FallbackToLogsOnError", "File"]),
    ...each(`${path}.ports`, items(container.ports), validatePort),
    ...distinct(`${path}.ports`, items(container.ports), "name"),
    ...each(`${path}.env`, items(container.env), validateVariable),
    ...each(`${path}.envFrom`, items(container.envFrom), validateSource),
    ...validateContext(`${path}.securityContext`, container.securityContext ?? {}),
    ...validateMounts(`${path}.volumeMounts`, items(container.volumeMounts), volumes),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ["Always", "IfNotPresent", "Never"]),
    ...validateResources(`${path}.resources`, container.resources ?? {}),
    ...validateProbe(`${path}.livenessProbe`, container.livenessProbe, true),
    ...validateProbe(`${path}.readinessProbe`, container.readinessProbe, false),
    ...validateProbe(`${path}.startupProbe`, container.startupProbe, true),
    ...validateHook(`${path}.lifecycle.postStart`, container.lifecycle?.postStart),
    ...validateHook(`${path}.lifecycle.preStop`, container.lifecycle?.preStop),
  ];
}

const validatePort = (path: string, port: ApiObject): FieldError[] => [
  ...(isSet(port.containerPort)
    ? portNumber(`${path}.containerPort`, port.containerPort)
    : [required(`${path}.containerPort`)]),
  ...(port.hostPort ? portNumber(`${path}.hostPort`, port.hostPort) : []),
  ...portName(`${path}.name`, port.name),
  ...oneOf(`${path}.protocol`, port.protocol, protocols),
];

const variableProblem =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";

const variableName = (field: string, name: unknown): FieldError[] =>
  /^[ -<>-~]+$/.test(String(name)) ? [] : [invalid(field, name, variableProblem)];

/** What a variable may take from its pod. */
const fieldPath =
  /^(metadata\.(name|namespace|uid|labels|annotations)(\['.*'\])?|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?))$/;

const unknownFieldPath = (path: string, value: unknown): FieldError[] =>
  isSet(value) && !fieldPath.test(String(value))
    ? [invalid(`${path}.fieldPath`, value, `error converting fieldPath: field label not supported: ${value}`)]
    : present(`${path}.fieldPath`, value);

const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];

function validateVariable(path: string, { name, value, valueFrom }: ApiObject): FieldError[] {
  const errors = isSet(name) ? variableName(`${path}.name`, name) : [required(`${path}.name`)];
  if (!valueFrom) return errors;
  if (valueFrom.fieldRef) errors.push(...unknownFieldPath(`${path}.valueFrom.fieldRef`, valueFrom.fieldRef.fieldPath));
  const named = sources.filter((source) => valueFrom[source] !== undefined);
  const field = `${path}.valueFrom`;
  if (named.length === 0)
    errors.push(
      invalid(
        field,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
      ),
    );
  if (named.length > 1) errors.push(invalid(field, "", "may not have more than one field specified at a time"));
  if (value) errors.push(invalid(field, "", "may not be specified when `value` is not empty"));
  return errors;
}

function validateSource(path: string, { configMapRef, secretRef }: ApiObject): FieldError[] {
  if (configMapRef && secretRef) return [invalid(path, "", "may not have more than one field specified at a time")];
  if (configMapRef) return present(`${path}.configMapRef.name`, configMapRef.name);
  if (secretRef) return present(`${path}.secretRef.name`, secretRef.name);
  return [invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")];
}

function validateContext(path: string, context: ApiObject): FieldError[] {
  const { allowPrivilegeEscalation, privileged, capabilities } = context;
  const contradicts = (what: string) =>
    invalid(path, context, `cannot set \`allowPrivilegeEscalation\` to false and ${what}`);
  const adds: string[] = capabilities?.add ?? [];
  const isKept = allowPrivilegeEscalation === false;
  return [
    ...validateIdentity(path, context),
    ...(isKept && privileged ? [contradicts("`privileged` to true")] : []),
    ...(isKept && adds.includes("CAP_SYS_ADMIN") ? [contradicts("`capabilities.Add` CAP_SYS_ADMIN")] : []),
  ];
}

function validateMounts(field: string, mounts: readonly ApiObject[], volumes: ReadonlySet<unknown>): FieldError[] {
  const seen = new Set<unknown>();
  return each(field, mounts, (path, { name, mountPath, subPath, subPathExpr }) => {
    const errors = isSet(name)
      ? volumes.has(name)
        ? []
        : [notFound(`${path}.name`, name)]
      : [required(`${path}.name`)];
    errors.push(...present(`${path}.mountPath`, mountPath));
    if (seen.has(mountPath)) errors.push(invalid(`${path}.mountPath`, mountPath, "must be unique"));
    seen.add(mountPath);
    if (isSet(subPath) && isSet(subPathExpr))
      errors.push(invalid(`${path}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive"));
    return [...errors, ...(isSet(subPath) ? localPath(`${path}.subPath`, String(subPath)) : [])];
  });
}

/** A path that stays below its folder. */
export function localPath(field: string, path: string): FieldError[] {
  if (path.startsWith("/")) return [invalid(field, path, "must be a relative path")];
  return path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];
}

export function validateResources(path: string, { requests = {}, limits = {} }: ApiObject): FieldError[] {
  const amounts = [
    ...Object.entries(limits).map(pathed(`${path}.limits`)),
    ...Object.entries(requests).map(pathed(`${path}.requests`)),
  ];
  const names = [...Object.keys(limits).map(withPath("limits")), ...Object.keys(requests).map(withPath("requests"))];
  const bad = [
    ...names.flatMap(([kind, name]) => resourceName(`${path}.${kind}`, name)),
    ...amounts.flatMap(([field, amount]) => notNegativeQuantity(field, amount)),
  ];
  if (bad.length > 0) return bad;
  return Object.entries(requests as Record<string, string>)
    .filter(([name, amount]) => limits[name] !== undefined && compareQuantities(amount, limits[name]) > 0)
    .map(([name, amount]) =>
      invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limits[name]}`),
    );
}

const withPath = (kind: string) => (name: string) => [kind, name] as const;

const standardResources = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;

/** A resource of every node, or one that an extension names with its domain. */
function resourceName(field: string, name: string): FieldError[] {
  if (standardResources.test(name)) return [];
  const problems = qualifiedNameProblems(name);
  if (problems.length === 0 && !name.includes("/"))
    problems.push("must be a standard resource type or fully qualified", "must be a standard resource for containers");
  return problems.map((problem) => invalid(field, name, problem));
}

const pathed =
  (path: string) =>
  ([name, amount]: [string, unknown]) =>
    [`${path}[${name}]`, amount] as const;

export function notNegativeQuantity(field: string, amount: unknown): FieldError[] {
  if (!isQuantity(amount)) return [invalid(field, amount, "must be a quantity")];
  return compareQuantities(amount as string, 0) < 0
    ? [invalid(field, amount, "must be greater than or equal to 0")]
    : [];
}

const handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
const hooks = ["exec", "httpGet", "tcpSocket", "sleep"];
const timings = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];

function validateProbe(path: string, probe: ApiObject | undefined, mustSucceedOnce: boolean): FieldError[] {
  if (!probe) return [];
  const once = mustSucceedOnce && probe.successThreshold !== 1;
  return [
    ...validateHandler(path, probe, handlers),
    ...timings.flatMap((timing) => notNegative(`${path}.${timing}`, probe[timing])),
    ...(probe.terminationGracePeriodSeconds === undefined || mustSucceedOnce
      ? positive(`${path}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds)
      : [invalid(`${path}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, onlyForKilling)]),
    ...(once ? [invalid(`${path}.successThreshold`, probe.successThreshold, "must be 1")] : []),
  ];
}

const onlyForKilling = "must not be set for readinessProbes";

const validateHook = (path: string, hook: ApiObject | undefined): FieldError[] =>
  hook ? validateHandler(path, hook, hooks) : [];

function validateHandler(path: string, handler: ApiObject, kinds: readonly string[]): FieldError[] {
  const [kind, ...others] = kinds.filter((name) => handler[name] !== undefined);
  if (!kind) return [required(path, "must specify a handler type")];
  const surplus = others.map((other) => forbidden(`${path}.${other}`, "may not specify more than 1 handler type"));
  return [...surplus, ...(handlerRules[kind]?.(`${path}.${kind}`, handler[kind]) ?? [])];
}

const handlerRules: Readonly<Record<string, (path: string, handler: ApiObject) => FieldError[]>> = {
  exec: (path, { command }) => present(`${path}.command`, command),
  httpGet: (path, { port, path: urlPath, scheme }) => [
    ...present(`${path}.path`, urlPath),
    ...portReference(`${path}.port`, port),
    ...oneOf(`${path}.scheme`, scheme, ["HTTP", "HTTPS"]),
  ],
  tcpSocket: (path, { port }) => portReference(`${path}.port`, port),
  grpc: (path, { port }) => portNumber(`${path}.port`, port),
};
