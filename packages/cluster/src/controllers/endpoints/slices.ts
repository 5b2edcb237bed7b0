import type { Service } from "kubernetes-types/core/v1.js";
import type { Endpoint, EndpointPort, EndpointSlice } from "kubernetes-types/discovery/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import type { Stored } from "../../machinery/types.ts";
import { controllerReference } from "../harness/owners.ts";
import { type Backend, groupByPorts, isHeadless, targetReference } from "./addresses.ts";
import { headlessLabel } from "./endpoints.ts";

export const serviceLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const sliceManager = "endpointslice-controller.k8s.io";

/** Kubernetes' default bound of a slice. */
const maxEndpoints = 100;

/** Ports and endpoints of one slice. */
export interface SliceContent {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

function endpointOf({ pod, address, hostname, isReady, isTerminating }: Backend, publishesNotReady: boolean): Endpoint {
  return {
    addresses: [address],
    conditions: {
      ready: publishesNotReady || (isReady && !isTerminating),
      serving: isReady,
      terminating: isTerminating,
    },
    ...(hostname && { hostname }),
    nodeName: pod.spec?.nodeName,
    targetRef: targetReference(pod),
  };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** What the service's slices should hold together. There is always one, so that a watcher sees the service become empty. */
export function sliceContents(service: Service, backends: readonly Backend[]): SliceContent[] {
  const publishesNotReady = service.spec?.publishNotReadyAddresses === true;
  const contents = [...groupByPorts(service, backends).values()].flatMap((group) =>
    chunks(group, maxEndpoints).map((part) => ({
      ports: [...(part[0]?.ports ?? [])],
      endpoints: part.map((backend) => endpointOf(backend, publishesNotReady)),
    })),
  );
  return contents.length > 0 ? contents : [{ ports: [], endpoints: [] }];
}

/** A new slice of the service. Its name is generated. */
export const newSlice = (service: Stored<Service>, manager = sliceManager): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    generateName: `${service.metadata.name}-`,
    namespace: service.metadata.namespace,
    labels: sliceLabels(service, manager),
    ownerReferences: [controllerReference(service)],
  },
  addressType: "IPv4",
  endpoints: [],
});

export const sliceLabels = (service: Stored<Service>, manager = sliceManager) => ({
  ...service.metadata.labels,
  [serviceLabel]: service.metadata.name,
  [managedByLabel]: manager,
  ...(isHeadless(service) && { [headlessLabel]: "" }),
});

export interface SliceChanges {
  readonly update: readonly { readonly name: string; readonly content: SliceContent }[];
  readonly create: readonly SliceContent[];
  readonly remove: readonly string[];
}

/** The fewest writes that turn the present slices into the wanted ones: equal ones stay, same ports are reused first. */
export function diffSlices(present: readonly Stored<EndpointSlice>[], wanted: readonly SliceContent[]): SliceChanges {
  const free = new Set(present);
  const take = (fits: (slice: EndpointSlice) => boolean) => {
    const found = [...free].find(fits);
    if (found) free.delete(found);
    return found;
  };
  const changed = wanted.filter(
    ({ ports, endpoints }) =>
      !take((slice) => jsonEqual(slice.ports ?? [], ports) && jsonEqual(slice.endpoints ?? [], endpoints)),
  );
  const placed = changed.map((content) => ({
    content,
    slice: take((slice) => jsonEqual(slice.ports ?? [], content.ports)) ?? take(() => true),
  }));
  return {
    update: placed.flatMap(({ slice, content }) => (slice ? [{ name: slice.metadata.name, content }] : [])),
    create: placed.flatMap(({ slice, content }) => (slice ? [] : [content])),
    remove: [...free].map(({ metadata }) => metadata.name),
  };
}
