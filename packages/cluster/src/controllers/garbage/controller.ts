/** Deletes what nobody owns any more, and carries out foreground and orphan deletion: Kubernetes' garbage collector. */
import type { OwnerReference } from "kubernetes-types/meta/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import { jsonEqual } from "../../machinery/json.ts";
import type { ApiStore, ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Change, Stored } from "../../machinery/types.ts";
import { resourceName, subscribeAll } from "../harness/all-resources.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { formatKey, type ObjectKey, type Watch } from "../harness/watch.ts";
import {
  blocks,
  foregroundFinalizer,
  isForeground,
  isOrphaning,
  judge,
  type OwnerState,
  orphanFinalizer,
} from "./decide.ts";
import { OwnerGraph, ownersOf, type Place } from "./graph.ts";

const fieldManager = "garbage-collector";

export function garbageCollector({ store }: ControllerContext): Controller {
  const graph = new OwnerGraph();

  async function reconcile({ resource = "", namespace, name }: ObjectKey): Promise<undefined> {
    const place = { resource, namespace, name };
    const object = store.get<string>(resource, namespace, name);
    if (!object) return undefined;
    if (isOrphaning(object)) return orphanDependents(store, graph, place, object);
    if (isForeground(object)) return awaitDependents(store, graph, place, object);
    if (!isDeleting(object)) await judgeOwned(store, graph, place, object);
    return undefined;
  }

  return { name: fieldManager, watches: [watchGraph(graph)], reconcile };
}

const placeOf = (resource: ResourceDescriptor, { metadata }: Stored<ApiObject>): Place => ({
  resource: resourceName(resource),
  namespace: metadata.namespace ?? "",
  name: metadata.name,
});

/** Follows every object, keeps the graph, and reports those for which something may be due. */
const watchGraph =
  (graph: OwnerGraph): Watch =>
  (store, add) =>
    subscribeAll(store, (resource, change) => {
      const place = placeOf(resource, change.object);
      const { object, previous, type } = change;
      graph.update(place, ownersOf(previous), type === "DELETED" ? [] : ownersOf(object));
      if (type === "DELETED") for (const each of affectedByLoss(store, graph, object)) add(formatKey(each));
      else if (isNews(change)) add(formatKey(place));
    });

const isNews = ({ type, object, previous }: Change<ApiObject>) =>
  type === "ADDED"
    ? ownersOf(object).length > 0 || isDeleting(object)
    : !jsonEqual(ownersOf(object), ownersOf(previous)) ||
      object.metadata.deletionTimestamp !== previous?.metadata.deletionTimestamp ||
      !jsonEqual(object.metadata.finalizers, previous?.metadata.finalizers);

/** Its dependents, which have lost an owner, and its owners, which may have waited for it. */
function affectedByLoss(store: ApiStore, graph: OwnerGraph, object: Stored<ApiObject>): Place[] {
  const owners = ownersOf(object).map((reference) => ownerPlace(store, reference, object.metadata.namespace ?? ""));
  return [...graph.dependentsOf(object.metadata.uid), ...owners.filter((place) => place !== undefined)];
}

function ownerPlace(store: ApiStore, { apiVersion, kind, name }: OwnerReference, namespace: string): Place | undefined {
  const descriptor = store
    .descriptors()
    .find((row) => row.kind === kind && (row.group ? `${row.group}/${row.version}` : row.version) === apiVersion);
  return descriptor && { resource: resourceName(descriptor), namespace: descriptor.namespaced ? namespace : "", name };
}

function ownerState(store: ApiStore, reference: OwnerReference, namespace: string): OwnerState {
  const place = ownerPlace(store, reference, namespace);
  if (!place) return "unknown";
  const owner = store.get<string>(place.resource, place.namespace, place.name);
  if (owner?.metadata.uid !== reference.uid) return "gone";
  return isForeground(owner) ? "waiting" : "present";
}

async function judgeOwned(store: ApiStore, graph: OwnerGraph, place: Place, object: Stored<ApiObject>): Promise<void> {
  const { namespace = "", uid } = object.metadata;
  const owners = ownersOf(object).map((reference) => ({ reference, state: ownerState(store, reference, namespace) }));
  const verdict = judge(owners, graph.dependentsOf(uid).length > 0);
  if (verdict.do === "drop-owners") await dropOwners(store, place, verdict.uids);
  if (verdict.do === "delete")
    await removeObject(store, place, { propagationPolicy: verdict.propagationPolicy, preconditions: { uid } });
}

async function removeObject(
  store: ApiStore,
  { resource, namespace, name }: Place,
  options: Parameters<ApiStore["delete"]>[3],
) {
  try {
    await store.delete(resource, namespace, name, options);
  } catch (error) {
    if (!isStatus(error, "NotFound")) throw error;
  }
}

const dropOwners = (store: ApiStore, { resource, namespace, name }: Place, uids: ReadonlySet<string>) =>
  store.modify(resource, namespace, name, ({ metadata }) => {
    metadata!.ownerReferences = (metadata?.ownerReferences ?? []).filter(({ uid }) => !uids.has(uid));
  });

async function orphanDependents(
  store: ApiStore,
  graph: OwnerGraph,
  place: Place,
  owner: Stored<ApiObject>,
): Promise<undefined> {
  const uids = new Set([owner.metadata.uid]);
  await Promise.all(graph.dependentsOf(owner.metadata.uid).map((dependent) => dropOwners(store, dependent, uids)));
  await removeFinalizer(store, place, orphanFinalizer);
}

/** Lets the owner go once no blocking dependent is left; until then the dependents, which see it wait, delete themselves. */
async function awaitDependents(
  store: ApiStore,
  graph: OwnerGraph,
  place: Place,
  owner: Stored<ApiObject>,
): Promise<undefined> {
  const { uid } = owner.metadata;
  const places = graph.dependentsOf(uid);
  const present = places.flatMap((each) => {
    const object = store.get<string>(each.resource, each.namespace, each.name);
    return object ? [{ place: each, object }] : [];
  });
  if (!present.some(({ object }) => blocks(object, uid))) return removeFinalizer(store, place, foregroundFinalizer);
  const staying = present.filter(({ object }) => !isDeleting(object));
  await Promise.all(staying.map(({ place: each, object }) => judgeOwned(store, graph, each, object)));
}

async function removeFinalizer(
  store: ApiStore,
  { resource, namespace, name }: Place,
  finalizer: string,
): Promise<undefined> {
  await store.modify(resource, namespace, name, ({ metadata }) => {
    metadata!.finalizers = (metadata?.finalizers ?? []).filter((each) => each !== finalizer);
  });
}
