/** Mirrors Endpoints that somebody wrote by hand, for services without a selector, to EndpointSlices: what the proxy and DNS read. */
import type { EndpointSubset, Endpoints } from "kubernetes-types/core/v1.js";
import type { Endpoint } from "kubernetes-types/discovery/v1.js";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { type ObjectKey, watchSelf } from "../harness/watch.ts";
import { isSelecting } from "./addresses.ts";
import { diffSlices, managedByLabel, newSlice, type SliceContent, serviceLabel } from "./slices.ts";

const name = "endpointslicemirroring-controller";
const manager = `${name}.k8s.io`;
const resource = "endpointslices.discovery.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";

const mirrorAddress =
  (isReady: boolean) =>
  (address: NonNullable<EndpointSubset["addresses"]>[number]): Endpoint => ({
    addresses: [address.ip],
    conditions: { ready: isReady },
    ...(address.hostname && { hostname: address.hostname }),
    ...(address.nodeName && { nodeName: address.nodeName }),
    ...(address.targetRef && { targetRef: address.targetRef }),
  });

/** One slice per subset. */
export const mirroredContents = ({ subsets = [] }: Endpoints): SliceContent[] =>
  subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
    ports: ports.map(({ name = "", port, protocol = "TCP" }) => ({ name, port, protocol })),
    endpoints: [...addresses.map(mirrorAddress(true)), ...notReadyAddresses.map(mirrorAddress(false))],
  }));

export function endpointSliceMirroringController({ store }: ControllerContext): Controller {
  async function reconcile({ namespace, name: serviceName }: ObjectKey): Promise<undefined> {
    const service = store.get("services", namespace, serviceName);
    const endpoints = store.get("endpoints", namespace, serviceName);
    const isMirrored = service && !isSelecting(service) && endpoints?.metadata.labels?.[skipLabel] !== "true";
    const wanted = isMirrored && endpoints ? mirroredContents(endpoints) : [];
    const labels = { [serviceLabel]: serviceName, [managedByLabel]: manager };
    const { update, create, remove } = diffSlices(store.list(resource, { namespace, labels }), wanted);
    const fill = ({ ports, endpoints }: SliceContent) => ({ ports: [...ports], endpoints: [...endpoints] });
    for (const { name: slice, content } of update)
      await store.modify(resource, namespace, slice, (draft) => void Object.assign(draft, fill(content)));
    for (const content of service ? create : [])
      await store.create(resource, { ...newSlice(service!, manager), ...fill(content) }, { fieldManager: name });
    for (const slice of remove) await store.delete(resource, namespace, slice);
    return undefined;
  }

  return { name, watches: [watchSelf("services"), watchSelf("endpoints")], reconcile };
}
