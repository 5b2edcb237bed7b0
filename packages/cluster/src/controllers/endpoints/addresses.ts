/** Which pods stand behind a service, at which ports: shared by Endpoints and EndpointSlices. */
import type { Pod, Service, ServicePort } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { isDeleting } from "../harness/owners.ts";
import { isReady, isTerminated } from "../harness/pods.ts";
import { hasLabels } from "../harness/selectors.ts";

export interface ResolvedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** A pod behind a service. */
export interface Backend {
  readonly pod: Stored<Pod>;
  readonly address: string;
  /** Where the service's ports lead on this pod; named ports it does not have are left out. */
  readonly ports: readonly ResolvedPort[];
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** The pod's own DNS name under the service. */
  readonly hostname?: string;
}

/** The number of a service port on a pod; undefined when the pod has no port of that name. */
function targetPort({ port, targetPort, protocol = "TCP" }: ServicePort, { spec }: Pod): number | undefined {
  if (targetPort === undefined || targetPort === 0) return port;
  if (typeof targetPort === "number") return targetPort;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const named = containers
    .flatMap(({ ports = [] }) => ports)
    .find((candidate) => candidate.name === targetPort && (candidate.protocol ?? "TCP") === protocol);
  return named?.containerPort;
}

function resolvePorts({ spec }: Service, pod: Pod): ResolvedPort[] {
  return (spec?.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(servicePort, pod);
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return port === undefined ? [] : [{ name, port, protocol, ...(appProtocol && { appProtocol }) }];
  });
}

/** Whether the service's endpoints are ours to keep. */
export const isSelecting = ({ spec }: Service) =>
  spec?.type !== "ExternalName" && spec?.selector !== undefined && Object.keys(spec.selector).length > 0;

export const isHeadless = ({ spec }: Service) => spec?.clusterIP === "None";

/** The service's pods that have an address and have not ended, by address. */
export function backendsOf(service: Service, pods: readonly Stored<Pod>[]): Backend[] {
  const selector = service.spec?.selector ?? {};
  const backends = pods
    .filter((pod) => hasLabels(selector, pod.metadata.labels) && pod.status?.podIP && !isTerminated(pod))
    .map((pod) => toBackend(service, pod));
  return backends.sort((a, b) => compareAddresses(a.address, b.address));
}

function toBackend(service: Service, pod: Stored<Pod>): Backend {
  const { hostname, subdomain } = pod.spec ?? {};
  return {
    pod,
    address: pod.status?.podIP ?? "",
    ports: resolvePorts(service, pod),
    isReady: isReady(pod),
    isTerminating: isDeleting(pod),
    ...(hostname && subdomain === service.metadata?.name && { hostname }),
  };
}

const compareAddresses = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** Backends whose ports are equal, together. A service without ports has one group; pods that lack a port make groups of their own. */
export function groupByPorts(service: Service, backends: readonly Backend[]): Map<string, Backend[]> {
  const groups = new Map<string, Backend[]>();
  const hasPorts = (service.spec?.ports ?? []).length > 0;
  for (const backend of backends) {
    if (hasPorts && backend.ports.length === 0) continue;
    const key = JSON.stringify(backend.ports);
    groups.set(key, [...(groups.get(key) ?? []), backend]);
  }
  return groups;
}

export const targetReference = ({ metadata }: Stored<Pod>) => ({
  kind: "Pod",
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});
