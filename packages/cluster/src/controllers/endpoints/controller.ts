import type { Endpoints, Pod } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { ApiStore } from "../../machinery/store.ts";
import type { Change, Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { hasLabels } from "../harness/selectors.ts";
import { keyOf, type ObjectKey, type Watch, watch, watchSelf } from "../harness/watch.ts";
import { backendsOf, isSelecting } from "./addresses.ts";
import { endpointsFor } from "./endpoints.ts";
import {
  diffSlices,
  managedByLabel,
  newSlice,
  type SliceContent,
  serviceLabel,
  sliceContents,
  sliceManager,
} from "./slices.ts";

/** The services that a pod stands behind, or stood behind before the change. */
const servicesOfPod = ({ object, previous }: Change<Pod>, store: ApiStore) =>
  store
    .list("services", { namespace: object.metadata.namespace ?? "" })
    .filter(
      (service) =>
        isSelecting(service) &&
        [object, previous].some((pod) => pod && hasLabels(service.spec?.selector ?? {}, pod.metadata.labels)),
    )
    .map(keyOf);

const watches: readonly Watch[] = [watchSelf("services"), watch("pods", servicesOfPod)];

/** Keeps the Endpoints of services that select pods. */
export function endpointsController({ store }: ControllerContext): Controller {
  const fieldManager = "endpoint-controller";

  async function reconcile({ namespace, name }: ObjectKey): Promise<undefined> {
    const service = store.get("services", namespace, name);
    if (!service) return removeOrphan(store, namespace, name);
    if (!isSelecting(service)) return undefined;
    const wanted = endpointsFor(service, backendsOf(service, store.list("pods", { namespace })));
    if (!store.get("endpoints", namespace, name)) await store.create("endpoints", wanted, { fieldManager });
    else await store.modify("endpoints", namespace, name, (draft) => copyEndpoints(wanted, draft), { fieldManager });
    return undefined;
  }

  return { name: fieldManager, watches: [...watches, watchSelf("endpoints")], reconcile };
}

function copyEndpoints({ metadata, subsets }: Endpoints, draft: Endpoints): void {
  draft.metadata!.labels = metadata?.labels;
  if (subsets) draft.subsets = subsets;
  else delete draft.subsets;
}

/** Endpoints have no owner reference: they go with the service of their name. */
async function removeOrphan(store: ApiStore, namespace: string, name: string): Promise<undefined> {
  if (store.get("endpoints", namespace, name)) await store.delete("endpoints", namespace, name);
}

/** Keeps the EndpointSlices of services that select pods. */
export function endpointSliceController({ store }: ControllerContext): Controller {
  const fieldManager = "endpointslice-controller";
  const resource = "endpointslices.discovery.k8s.io";

  async function reconcile({ namespace, name }: ObjectKey): Promise<undefined> {
    const labels = { [serviceLabel]: name, [managedByLabel]: sliceManager };
    const present = store.list(resource, { namespace, labels });
    const service = store.get("services", namespace, name);
    const isOurs = service && isSelecting(service);
    const wanted = isOurs ? sliceContents(service, backendsOf(service, store.list("pods", { namespace }))) : [];
    const { update, create, remove } = diffSlices(present, wanted);
    await Promise.all([
      ...update.map((change) =>
        store.modify(resource, namespace, change.name, (draft) => fill(draft, change.content), { fieldManager }),
      ),
      ...(service
        ? create.map((content) => store.create(resource, filled(newSlice(service), content), { fieldManager }))
        : []),
      ...remove.map((slice) => store.delete(resource, namespace, slice)),
    ]);
    return undefined;
  }

  return { name: fieldManager, watches: [...watches, watch(resource, serviceOfSlice)], reconcile };
}

/** Only slices that somebody else changed or removed are news; our own writes change nothing the second time. */
const serviceOfSlice = ({ object }: Change<EndpointSlice>) => {
  const { namespace, labels } = (object as Stored<EndpointSlice>).metadata;
  const service = labels?.[managedByLabel] === sliceManager ? labels[serviceLabel] : undefined;
  return service ? [`${namespace}/${service}`] : [];
};

function fill(draft: EndpointSlice, { ports, endpoints }: SliceContent): void {
  draft.ports = [...ports];
  draft.endpoints = [...endpoints];
}

function filled(slice: EndpointSlice, content: SliceContent): EndpointSlice {
  fill(slice, content);
  return slice;
}
