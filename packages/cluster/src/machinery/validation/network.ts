/** Rules of services, ingresses, network policies and endpoint slices. */
import { items } from "../defaults/fill.ts";
import { jsonEqual } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { duplicate, type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { distinct, each, isSet, labelName, oneOf, portNumber, portReference, present } from "./rules.ts";

const protocols = ["SCTP", "TCP", "UDP"];

export function validateService({ spec }: ApiObject): FieldError[] {
  const ports = items(spec.ports);
  const needsPorts = spec.type !== "ExternalName" && spec.clusterIP !== "None";
  return [
    ...(needsPorts ? present("spec.ports", ports) : []),
    ...each("spec.ports", ports, (path, port) => validateServicePort(path, port, ports.length > 1)),
    ...distinct("spec.ports", ports, "name"),
    ...validateDistinctPorts(ports),
    ...oneOf("spec.type", spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ...oneOf("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]),
    ...oneOf("spec.externalTrafficPolicy", spec.externalTrafficPolicy, ["Cluster", "Local"]),
    ...oneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, ["Cluster", "Local"]),
    ...(spec.type === "ExternalName" ? present("spec.externalName", spec.externalName) : []),
    ...(spec.type === "ClusterIP" ? each("spec.ports", ports, refuseNodePort) : []),
    ...refuseHeadless(spec),
  ];
}

const validateServicePort = (path: string, port: ApiObject, mustBeNamed: boolean): FieldError[] => [
  ...(isSet(port.name) || mustBeNamed ? labelName(`${path}.name`, port.name) : []),
  ...portNumber(`${path}.port`, port.port),
  ...oneOf(`${path}.protocol`, port.protocol, protocols),
  ...portReference(`${path}.targetPort`, port.targetPort),
];

function validateDistinctPorts(ports: readonly ApiObject[]): FieldError[] {
  const key = ({ protocol, port }: ApiObject) => `${protocol}/${port}`;
  return ports.flatMap((port, index) => {
    const isRepeated = ports.findIndex((other) => key(other) === key(port)) < index;
    return isRepeated ? [duplicate(`spec.ports[${index}]`, { protocol: port.protocol, port: port.port })] : [];
  });
}

const refuseNodePort = (path: string, { nodePort }: ApiObject): FieldError[] =>
  nodePort ? [forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'")] : [];

const refuseHeadless = ({ type, clusterIP }: ApiObject): FieldError[] =>
  clusterIP === "None" && (type === "NodePort" || type === "LoadBalancer")
    ? [invalid("spec.clusterIPs[0]", clusterIP, `may not be set to 'None' for ${type} services`)]
    : [];

/** An address is for life unless the type gives it up. */
export function validateServiceUpdate({ spec }: ApiObject, old: ApiObject): FieldError[] {
  if (spec.type === "ExternalName" || old.spec.type === "ExternalName" || !old.spec.clusterIP) return [];
  return jsonEqual(spec.clusterIPs, old.spec.clusterIPs)
    ? []
    : [invalid("spec.clusterIPs[0]", spec.clusterIPs ?? [], "may not change once set")];
}

export function validateIngress({ spec = {} }: ApiObject): FieldError[] {
  const rules = items(spec.rules);
  if (rules.length === 0 && !spec.defaultBackend)
    return [invalid("spec", [], "either `defaultBackend` or `rules` must be specified")];
  return [
    ...(spec.defaultBackend ? validateBackend("spec.defaultBackend", spec.defaultBackend) : []),
    ...each("spec.rules", rules, (path, { http }) =>
      http ? validatePaths(`${path}.http.paths`, items(http.paths)) : [],
    ),
  ];
}

function validatePaths(field: string, paths: readonly ApiObject[]): FieldError[] {
  if (paths.length === 0) return [required(field)];
  return each(field, paths, (path, { pathType, path: urlPath, backend }) => [
    ...(pathType
      ? oneOf(`${path}.pathType`, pathType, ["Exact", "ImplementationSpecific", "Prefix"])
      : [required(`${path}.pathType`, "pathType must be specified")]),
    ...(pathType !== "ImplementationSpecific" && !String(urlPath ?? "").startsWith("/")
      ? [invalid(`${path}.path`, urlPath ?? "", "must be an absolute path")]
      : []),
    ...validateBackend(`${path}.backend`, backend ?? {}),
  ]);
}

function validateBackend(path: string, { service, resource }: ApiObject): FieldError[] {
  if (resource) return [];
  if (!service) return [required(path, "a service or resource backend must be specified")];
  const hasPort = service.port?.number !== undefined || service.port?.name !== undefined;
  return [
    ...present(`${path}.service.name`, service.name),
    ...(hasPort ? [] : [required(path, "port name or number is required")]),
  ];
}

const validatePolicyPorts = (path: string, rule: ApiObject): FieldError[] =>
  each(`${path}.ports`, items(rule.ports), (at, { protocol, port }) => [
    ...oneOf(`${at}.protocol`, protocol, protocols),
    ...(port === undefined ? [] : portReference(`${at}.port`, port)),
  ]);

export const validateNetworkPolicy = ({ spec }: ApiObject): FieldError[] => [
  ...each("spec.ingress", items(spec.ingress), validatePolicyPorts),
  ...each("spec.egress", items(spec.egress), validatePolicyPorts),
  ...(spec.policyTypes as unknown[]).flatMap((type, index) =>
    oneOf(`spec.policyTypes[${index}]`, type, ["Egress", "Ingress"]),
  ),
];

export const validateEndpointSlice = ({ addressType }: ApiObject): FieldError[] =>
  addressType ? oneOf("addressType", addressType, ["FQDN", "IPv4", "IPv6"]) : [required("addressType")];
