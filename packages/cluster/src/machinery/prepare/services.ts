/** Addresses and node ports of Services: carried over from the old object, or taken when a new one needs them. */
import { items } from "../defaults/fill.ts";
import { jsonEqual } from "../json.ts";
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, invalid } from "../validation/field-error.ts";
import { nodePortRange } from "../write/allocator.ts";

const isHeadless = (spec: ApiObject) => spec.clusterIP === "None" || spec.clusterIPs?.[0] === "None";

const hasAddress = (spec: ApiObject) => spec.type !== "ExternalName" && !isHeadless(spec);

const isExternal = ({ type }: ApiObject) => type === "NodePort" || type === "LoadBalancer";

const hasNodePorts = ({ type, allocateLoadBalancerNodePorts }: ApiObject) =>
  type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);

export function prepareService(service: ApiObject, _context: WriteContext, old?: ApiObject): void {
  const { spec } = service;
  service.status ??= { loadBalancer: {} };
  if (old) carry(spec, old.spec);
  if (spec.type === "ExternalName") dropAddressing(spec);
  else setFamilies(spec);
  mirrorAddress(spec);
}

/** What the server gave stays unless the request says otherwise or the type no longer has it. */
function carry(spec: ApiObject, old: ApiObject): void {
  // Who changes the one without the other, as a patch does, means both.
  if (spec.clusterIP && spec.clusterIP !== old.clusterIP && jsonEqual(spec.clusterIPs, old.clusterIPs))
    spec.clusterIPs = [spec.clusterIP];
  if (hasAddress(spec) && hasAddress(old)) {
    spec.clusterIP ??= old.clusterIP;
    spec.clusterIPs ??= spec.clusterIP === old.clusterIP ? old.clusterIPs : [spec.clusterIP];
  }
  if (spec.type !== "ExternalName" && old.ipFamilies) {
    spec.ipFamilies ??= old.ipFamilies;
    spec.ipFamilyPolicy ??= old.ipFamilyPolicy;
  }
  if (!isExternal(spec) && spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  if (hasNodePorts(spec) && hasNodePorts(old)) carryNodePorts(items(spec.ports), items(old.ports));
  else if (!hasNodePorts(spec)) for (const port of items(spec.ports)) dropSamePort(port, items(old.ports));
}

const portKey = ({ protocol, port }: ApiObject) => `${protocol}/${port}`;

function carryNodePorts(ports: ApiObject[], oldPorts: ApiObject[]): void {
  const known = new Map(oldPorts.map((port) => [portKey(port), port.nodePort]));
  const named = new Set(ports.map(({ nodePort }) => nodePort));
  for (const port of ports) {
    const nodePort = known.get(portKey(port));
    if (port.nodePort === undefined && nodePort !== undefined && !named.has(nodePort)) port.nodePort = nodePort;
  }
}

function dropSamePort(port: ApiObject, oldPorts: ApiObject[]): void {
  if (oldPorts.some(({ nodePort }) => nodePort === port.nodePort)) delete port.nodePort;
}

function dropAddressing(spec: ApiObject): void {
  for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"])
    delete spec[field];
}

/** A headless service without a selector is for any family, since its endpoints are its author's business. */
function setFamilies(spec: ApiObject): void {
  const isOpen = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= isOpen ? "RequireDualStack" : "SingleStack";
  spec.ipFamilies ??= isOpen && spec.ipFamilyPolicy !== "SingleStack" ? ["IPv4", "IPv6"] : ["IPv4"];
}

/** clusterIP and the first of clusterIPs are one field in two places. */
function mirrorAddress(spec: ApiObject): void {
  if (spec.clusterIP === "") delete spec.clusterIP;
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
}

export function allocateService(service: ApiObject, context: WriteContext): FieldError[] {
  const { spec } = service;
  const owner = service.metadata?.uid ?? "";
  return [
    ...(hasAddress(spec) ? allocateAddress(owner, spec, context) : []),
    ...(hasNodePorts(spec) ? allocateNodePorts(owner, items(spec.ports), context) : []),
  ];
}

function allocateAddress(owner: string, spec: ApiObject, { allocations, plan }: WriteContext): FieldError[] {
  const wanted: string | undefined = spec.clusterIP;
  const refuse = (why: string) => [
    invalid("spec.clusterIPs", spec.clusterIPs ?? [], `failed to allocate IP ${wanted}: ${why}`),
  ];
  if (wanted && !plan.services.contains(wanted)) {
    const range = `${plan.services.at(0)}-${plan.services.at(plan.services.size - 1)}`;
    return refuse(`the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${range}`);
  }
  const address = allocations.takeAddress(owner, wanted);
  if (!address) return refuse(wanted ? "provided IP is already allocated" : "range is full");
  spec.clusterIP = address;
  spec.clusterIPs = [address];
  return [];
}

function allocateNodePorts(owner: string, ports: ApiObject[], context: WriteContext): FieldError[] {
  return ports.flatMap((port, index) => {
    const refuse = (why: string) => [invalid(`spec.ports[${index}].nodePort`, port.nodePort ?? 0, why)];
    const { first, last } = nodePortRange;
    if (port.nodePort && (port.nodePort < first || port.nodePort > last))
      return refuse(`provided port is not in the valid range. The range of valid ports is ${first}-${last}`);
    const taken = context.allocations.takeNodePort(owner, port.protocol, port.nodePort || undefined);
    if (taken === undefined) return refuse("provided port is already allocated");
    port.nodePort = taken;
    return [];
  });
}
