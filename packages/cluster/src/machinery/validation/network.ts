/** Rules of services and endpoint slices. */
import { isIP } from "node:net";
import { items } from "../defaults/fill.ts";
import { jsonEqual } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { duplicate, type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { validateLabels } from "./metadata.ts";
import { subdomainProblems } from "./names.ts";
import { validateCidr } from "./policy.ts";
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
    ...(spec.type === "ExternalName" ? validateExternalName(spec.externalName) : []),
    ...validateLabels("spec.selector", spec.selector ?? {}),
    ...validateTraffic(spec),
    ...(spec.type === "ClusterIP" ? each("spec.ports", ports, refuseNodePort) : []),
    ...refuseHeadless(spec),
  ];
}

function validateExternalName(name: unknown): FieldError[] {
  const plain = String(name ?? "").replace(/\.$/, "");
  if (plain === "") return [required("spec.externalName")];
  return subdomainProblems(plain).map((problem) => invalid("spec.externalName", name, problem));
}

const dayInSeconds = 86400;

/** From where traffic comes, and where it keeps going. */
function validateTraffic({ type, externalIPs, externalTrafficPolicy, loadBalancerSourceRanges, ...spec }: ApiObject) {
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const isExternal = type === "NodePort" || type === "LoadBalancer" || items(spec.ports).length === 0 || externalIPs;
  const onlyExternal = "may only be set for externally-accessible services";
  return [
    ...(timeout !== undefined && !(timeout > 0 && timeout <= dayInSeconds)
      ? [
          invalid(
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
            timeout,
            `must be greater than 0 and less than ${dayInSeconds}`,
          ),
        ]
      : []),
    ...listed("spec.externalIPs", externalIPs, (field, address) =>
      isIP(address) ? [] : [invalid(field, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")],
    ),
    ...listed("spec.loadBalancerSourceRanges", loadBalancerSourceRanges, validateCidr),
    ...(externalTrafficPolicy && !isExternal
      ? [invalid("spec.externalTrafficPolicy", externalTrafficPolicy, onlyExternal)]
      : []),
  ];
}

const listed = (field: string, values: unknown, rule: (field: string, value: string) => FieldError[]): FieldError[] =>
  ((values as string[] | undefined) ?? []).flatMap((value, index) => rule(`${field}[${index}]`, value));

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

export const validateEndpointSlice = ({ addressType }: ApiObject): FieldError[] =>
  addressType ? oneOf("addressType", addressType, ["FQDN", "IPv4", "IPv6"]) : [required("addressType")];
