/** Rules of Ingresses. */
import { isIP } from "node:net";
import { items } from "../defaults/fill.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, invalid, required } from "./field-error.ts";
import { label1035Problems, subdomainProblems, wildcardProblems } from "./names.ts";
import { each, isSet, oneOf, portName, portNumber, present } from "./rules.ts";

export function validateIngress({ spec = {} }: ApiObject): FieldError[] {
  const rules = items(spec.rules);
  const empty = rules.length === 0 && !spec.defaultBackend;
  return [
    ...(empty ? [invalid("spec", [], "either `defaultBackend` or `rules` must be specified")] : []),
    ...(spec.defaultBackend ? validateBackend("spec.defaultBackend", spec.defaultBackend) : []),
    ...each("spec.rules", rules, validateRule),
    ...each("spec.tls", items(spec.tls), validateTls),
    ...refuse("spec.ingressClassName", spec.ingressClassName, subdomainProblems),
  ];
}

const refuse = (field: string, value: unknown, problems: (text: string) => string[]): FieldError[] =>
  value === undefined ? [] : problems(String(value)).map((problem) => invalid(field, value, problem));

const hostProblems = (host: string): string[] =>
  host.includes("*") ? wildcardProblems(host) : subdomainProblems(host);

const validateRule = (path: string, { host, http }: ApiObject): FieldError[] => [
  ...(isSet(host) && isIP(host) !== 0 ? [invalid(`${path}.host`, host, "must be a DNS name, not an IP address")] : []),
  ...refuse(`${path}.host`, host || undefined, hostProblems),
  ...(http ? validatePaths(`${path}.http.paths`, items(http.paths)) : []),
];

const validateTls = (path: string, { hosts, secretName }: ApiObject): FieldError[] => [
  ...((hosts as unknown[] | undefined) ?? []).flatMap((host, index) =>
    refuse(`${path}.hosts[${index}]`, host, hostProblems),
  ),
  ...refuse(`${path}.secretName`, secretName || undefined, subdomainProblems),
];

function validatePaths(field: string, paths: readonly ApiObject[]): FieldError[] {
  if (paths.length === 0) return [required(field)];
  return each(field, paths, (path, { pathType, path: urlPath = "", backend }) => {
    if (!pathType) return [required(`${path}.pathType`, "pathType must be specified")];
    return [
      ...oneOf(`${path}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"]),
      ...pathProblems(String(urlPath), pathType).map((problem) => invalid(`${path}.path`, urlPath, problem)),
      ...validateBackend(`${path}.backend`, backend ?? {}),
    ];
  });
}

const unwantedParts = ["//", "/./", "/../", "%2f", "%2F"];
const unwantedEnds = ["/..", "/."];

function pathProblems(urlPath: string, pathType: string): string[] {
  const mayBeAbsent = pathType === "ImplementationSpecific" && urlPath === "";
  const relative = mayBeAbsent || urlPath.startsWith("/") ? [] : ["must be an absolute path"];
  if (pathType !== "Exact" && pathType !== "Prefix") return relative;
  return [
    ...relative,
    ...unwantedParts.filter((part) => urlPath.includes(part)).map((part) => `must not contain '${part}'`),
    ...unwantedEnds.filter((end) => urlPath.endsWith(end)).map((end) => `cannot end with '${end}'`),
  ];
}

function validateBackend(path: string, { service, resource }: ApiObject): FieldError[] {
  if (resource && service) return [invalid(path, "", "cannot set both resource and service backends")];
  if (resource)
    return [...present(`${path}.resource.kind`, resource.kind), ...present(`${path}.resource.name`, resource.name)];
  if (!service) return [invalid(path, "", "resource or service backend is required")];
  return [
    ...(isSet(service.name)
      ? refuse(`${path}.service.name`, service.name, label1035Problems)
      : [required(`${path}.service.name`)]),
    ...validateBackendPort(path, service.port ?? {}),
  ];
}

function validateBackendPort(path: string, { name, number }: ApiObject): FieldError[] {
  if (isSet(name) && number) return [invalid(path, "", "cannot set both port name & port number")];
  if (isSet(name)) return portName(`${path}.service.port.name`, name);
  return number
    ? portNumber(`${path}.service.port.number`, number)
    : [required(path, "port name or number is required")];
}
