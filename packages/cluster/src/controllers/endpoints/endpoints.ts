import type { EndpointAddress, EndpointSubset, Endpoints, Service } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { type Backend, groupByPorts, isHeadless, targetReference } from "./addresses.ts";

const managedBy = "endpoints.kubernetes.io/managed-by";
export const headlessLabel = "service.kubernetes.io/headless";

const addressOf = ({ pod, address, hostname }: Backend): EndpointAddress => ({
  ip: address,
  ...(hostname && { hostname }),
  nodeName: pod.spec?.nodeName,
  targetRef: targetReference(pod),
});

function subsetOf(backends: readonly Backend[], publishesNotReady: boolean): EndpointSubset {
  const isListed = ({ isReady }: Backend) => isReady || publishesNotReady;
  const addresses = backends.filter(isListed).map(addressOf);
  const notReadyAddresses = backends.filter((backend) => !isListed(backend)).map(addressOf);
  const ports = (backends[0]?.ports ?? []).map(({ name, ...port }) => ({ ...(name && { name }), ...port }));
  return {
    ...(addresses.length > 0 && { addresses }),
    ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
    ...(ports.length > 0 && { ports }),
  };
}

/** The Endpoints object that a service should have. */
export function endpointsFor(service: Stored<Service>, backends: readonly Backend[]): Endpoints {
  const publishesNotReady = service.spec?.publishNotReadyAddresses === true;
  const listed = backends.filter(({ isTerminating }) => publishesNotReady || !isTerminating);
  const subsets = [...groupByPorts(service, listed).values()].map((group) => subsetOf(group, publishesNotReady));
  const { name, namespace, labels } = service.metadata;
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: {
      name,
      namespace,
      labels: { ...labels, [managedBy]: "endpoint-controller", ...(isHeadless(service) && { [headlessLabel]: "" }) },
    },
    ...(subsets.length > 0 && { subsets }),
  };
}
