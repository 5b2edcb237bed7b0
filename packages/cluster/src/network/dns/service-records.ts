/**
 * What one Service puts into the zone, after the Kubernetes DNS specification 1.1.0
 * (https://github.com/kubernetes/dns/blob/master/docs/specification.md). Pure.
 */
import type { Service } from "kubernetes-types/core/v1.js";
import type { Endpoint, EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { ZoneEntry } from "./zone.ts";

interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** One address behind a headless Service. */
interface Backend {
  readonly address: string;
  /** Its name below the Service: the pod's hostname, or the address with dashes. */
  readonly label: string;
  readonly ports: readonly NamedPort[];
}

/** All records of `service`; its ready endpoints come from `slices`, which are exactly its own. */
export function serviceRecords(service: Service, slices: readonly EndpointSlice[], domain: string): ZoneEntry[] {
  const { name, namespace } = service.metadata ?? {};
  const base = `${name}.${namespace}.svc.${domain}`;
  const spec = service.spec ?? {};
  if (spec.type === "ExternalName") return externalName(base, spec.externalName);
  if (spec.clusterIP === "None") return headless(base, backendsOf(service, slices));
  if (!spec.clusterIP) return [];
  return [...clusterAddress(base, spec.clusterIP, portsOf(service)), ...podNames(base, backendsOf(service, slices))];
}

/** The name under which PTR records for an IPv4 address stand. */
export const reverseName = (address: string): string => `${address.split(".").reverse().join(".")}.in-addr.arpa`;

function externalName(base: string, target: string | undefined): ZoneEntry[] {
  if (!target) return [];
  return [{ name: base, record: { type: "CNAME", data: target.replace(/\.$/, "") } }];
}

function clusterAddress(base: string, address: string, ports: readonly NamedPort[]): ZoneEntry[] {
  return [
    { name: base, record: { type: "A", data: address } },
    { name: reverseName(address), record: { type: "PTR", data: base } },
    ...ports.filter((port) => port.name).map((port) => srv(base, port, base, 100)),
  ];
}

/** Each pod behind it has a name below the Service's, too: not in the specification, but what the Kubernetes documentation promises. */
const podNames = (base: string, backends: readonly Backend[]): ZoneEntry[] =>
  backends.map(({ address, label }) => ({ name: `${label}.${base}`, record: { type: "A", data: address } }));

function headless(base: string, backends: readonly Backend[]): ZoneEntry[] {
  const weight = Math.max(1, Math.floor(100 / Math.max(1, backends.length)));
  return backends.flatMap(({ address, label, ports }): ZoneEntry[] => {
    const own = `${label}.${base}`;
    return [
      { name: base, record: { type: "A", data: address } },
      { name: own, record: { type: "A", data: address } },
      { name: reverseName(address), record: { type: "PTR", data: own } },
      ...ports.filter((port) => port.name).map((port) => srv(base, port, own, weight)),
    ];
  });
}

function srv(base: string, { name, protocol, port }: NamedPort, target: string, weight: number): ZoneEntry {
  return {
    name: `_${name}._${protocol.toLowerCase()}.${base}`.toLowerCase(),
    record: { type: "SRV", data: { priority: 0, weight, port, target } },
  };
}

const portsOf = (service: Service): NamedPort[] =>
  (service.spec?.ports ?? []).map(({ name = "", protocol = "TCP", port }) => ({ name, protocol, port }));

/** One backend per address: a pod may appear in several slices, once for each set of ports. */
function backendsOf(service: Service, slices: readonly EndpointSlice[]): Backend[] {
  const byAddress = new Map<string, Backend>();
  for (const slice of slices)
    for (const endpoint of slice.endpoints ?? [])
      for (const address of published(service, endpoint) ? endpoint.addresses : []) {
        const known = byAddress.get(address)?.ports ?? [];
        const label = endpoint.hostname ?? address.replaceAll(".", "-");
        byAddress.set(address, { address, label, ports: [...known, ...slicePorts(slice)] });
      }
  return [...byAddress.values()];
}

const published = (service: Service, endpoint: Endpoint): boolean =>
  service.spec?.publishNotReadyAddresses === true || endpoint.conditions?.ready !== false;

const slicePorts = (slice: EndpointSlice): NamedPort[] =>
  (slice.ports ?? []).flatMap(({ name = "", protocol = "TCP", port }) =>
    port === undefined ? [] : [{ name, protocol, port }],
  );
