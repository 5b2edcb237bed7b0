/** From a Service and its EndpointSlices to rows for the data path. Pure. */
import type { Service, ServicePort } from "kubernetes-types/core/v1.js";
import type { Endpoint, EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { Address, ListenAddress, ProxyRow } from "./messages.ts";

export interface TableContext {
  /** Where node ports are served, besides 127.0.0.1. */
  readonly nodeAddresses: readonly string[];
  /** Also serve LoadBalancer Services on 127.0.0.1 at their own port. */
  readonly loopbackLoadBalancer: boolean;
}

const defaultAffinitySeconds = 10_800;

/** One row for each TCP or UDP port; none for headless and ExternalName Services. */
export function serviceRows(service: Service, slices: readonly EndpointSlice[], context: TableContext): ProxyRow[] {
  const { name, namespace } = service.metadata ?? {};
  const spec = service.spec ?? {};
  if (spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") return [];
  return (spec.ports ?? []).flatMap((port): ProxyRow[] => {
    const protocol = port.protocol ?? "TCP";
    if (protocol !== "TCP" && protocol !== "UDP") return [];
    const affinitySeconds = affinityOf(service);
    return [
      {
        id: `${namespace}/${name}/${port.port}/${protocol}`,
        protocol,
        listen: listenAddresses(service, port, context),
        ...backendsOf(service, port, slices),
        ...(affinitySeconds !== undefined && { affinitySeconds }),
      },
    ];
  });
}

/** Seconds that a client sticks to its endpoint; undefined where it need not. */
export function affinityOf({ spec }: Service): number | undefined {
  if (spec?.sessionAffinity !== "ClientIP") return undefined;
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
}

function listenAddresses(service: Service, port: ServicePort, context: TableContext): ListenAddress[] {
  const { clusterIP, type } = service.spec ?? {};
  const own = clusterIP ? [{ address: clusterIP, port: port.port, optional: false }] : [];
  return [...own, ...nodePorts(port, context), ...(type === "LoadBalancer" ? balanced(service, port, context) : [])];
}

function nodePorts({ nodePort }: ServicePort, { nodeAddresses }: TableContext): ListenAddress[] {
  if (!nodePort) return [];
  const nodes = nodeAddresses.map((address) => ({ address, port: nodePort, optional: false }));
  return [...nodes, { address: "127.0.0.1", port: nodePort, optional: true }];
}

function balanced({ status }: Service, { port }: ServicePort, context: TableContext): ListenAddress[] {
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) =>
    ip?.startsWith("127.") ? [{ address: ip, port, optional: false }] : [],
  );
  return context.loopbackLoadBalancer ? [...ingress, { address: "127.0.0.1", port, optional: true }] : ingress;
}

/** Ready endpoints take connections; without any, those that still serve while they terminate (KEP-1669). */
export function backendsOf(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
): { readonly endpoints: Address[]; readonly draining: Address[] } {
  const all = slices.flatMap((slice) => endpointsFor(port, slice));
  const ready = all.filter(({ endpoint }) => service.spec?.publishNotReadyAddresses || isReady(endpoint));
  const chosen = ready.length > 0 ? ready : all.filter(({ endpoint }) => isServingItsLast(endpoint));
  const rest = all.filter((candidate) => !chosen.includes(candidate));
  return { endpoints: chosen.map(addressOf), draining: rest.map(addressOf) };
}

interface Candidate extends Address {
  readonly endpoint: Endpoint;
}

function endpointsFor(port: ServicePort, slice: EndpointSlice): Candidate[] {
  const target = (slice.ports ?? []).find(
    ({ name, protocol }) => (name ?? "") === (port.name ?? "") && (protocol ?? "TCP") === (port.protocol ?? "TCP"),
  )?.port;
  if (target === undefined) return [];
  return (slice.endpoints ?? []).flatMap((endpoint) =>
    endpoint.addresses.slice(0, 1).map((address) => ({ endpoint, address, port: target })),
  );
}

const addressOf = ({ address, port }: Address): Address => ({ address, port });

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready !== false;

const isServingItsLast = ({ conditions }: Endpoint): boolean =>
  conditions?.terminating === true && conditions.serving !== false;
