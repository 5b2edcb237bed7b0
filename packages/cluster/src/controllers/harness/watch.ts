import type { LabelSelector, ObjectMeta } from "kubernetes-types/meta/v1.js";
import type { ApiStore } from "../../machinery/store.ts";
import type { ApiObject, Change, ResourceName, ResourceTypes } from "../../machinery/types.ts";
import { controllerOf } from "./owners.ts";
import { selects } from "./selectors.ts";

/** Namespace and name; namespace is `""` for cluster-scoped kinds. The resource is named where one queue holds several kinds. */
export interface ObjectKey {
  readonly resource?: string;
  readonly namespace: string;
  readonly name: string;
}

/** Starts to report keys; returns the unsubscribe function. */
export type Watch = (store: ApiStore, add: (key: string) => void) => () => void;

interface WithMetadata {
  readonly metadata?: ObjectMeta;
}

/** A queue's text of a key: `namespace/name` or `resource|namespace/name`. */
export const formatKey = ({ resource, namespace, name }: ObjectKey) =>
  resource ? `${resource}|${namespace}/${name}` : `${namespace}/${name}`;

export function parseKey(key: string): ObjectKey {
  const bar = key.indexOf("|");
  const slash = key.indexOf("/", bar);
  const resource = bar < 0 ? {} : { resource: key.slice(0, bar) };
  return { ...resource, namespace: key.slice(bar + 1, slash), name: key.slice(slash + 1) };
}

/** The queue's key of an object. */
export const keyOf = ({ metadata }: WithMetadata) => `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;

/** Watches a resource and reports the keys that `keys` makes of each change. */
export const watch =
  <R extends ResourceName>(
    resource: R,
    keys: (change: Change<ResourceTypes[R]>, store: ApiStore) => Iterable<string>,
  ): Watch =>
  (store, add) =>
    store.subscribe<R>(resource, (change) => {
      for (const key of keys(change as Change<ResourceTypes[R]>, store)) add(key);
    });

/** Watches the controller's own kind. */
export const watchSelf = (resource: ResourceName): Watch => watch(resource, ({ object }) => [keyOf(object)]);

/** Reports the owner of a changed child, before and after the change. */
export const watchOwned = (resource: ResourceName, ownerKind: string): Watch =>
  watch(resource, ({ object, previous }) => ownerKeys([object, previous], ownerKind));

function ownerKeys(children: readonly (WithMetadata | undefined)[], ownerKind: string): string[] {
  const keys: string[] = [];
  for (const child of children) {
    const owner = child && controllerOf(child);
    if (owner?.kind === ownerKind) keys.push(`${child?.metadata?.namespace ?? ""}/${owner.name}`);
  }
  return keys;
}

/**
 * Reports the objects of `resource` in the changed object's namespace whose selector matches its labels, before and
 * after the change: those that count it, or may adopt it.
 */
export const watchSelected = (
  resource: ResourceName,
  selectorOf: (selecting: ApiObject) => LabelSelector | undefined,
  selected: ResourceName,
): Watch =>
  watch(selected, ({ object, previous }, store) => {
    const { namespace } = object.metadata;
    const labels = [object.metadata.labels, previous?.metadata.labels];
    return store
      .list<string>(resource, namespace ? { namespace } : {})
      .filter((selecting) => labels.some((each) => selects(selectorOf(selecting), each)))
      .map(keyOf);
  });

/** Reports every present object of `resource` whenever any of `cause` changes: for few objects that depend on all of a kind. */
export const watchAll = (resource: ResourceName, cause: ResourceName): Watch =>
  watch(cause, (_, store) => store.list<string>(resource).map(keyOf));

/** The same few keys whatever changed. */
export const watchAs = (resource: ResourceName, ...keys: readonly string[]): Watch => watch(resource, () => keys);

/** The keys once, at the start: for what must be looked at even while there is nothing to watch. */
export const watchOnce =
  (...keys: readonly string[]): Watch =>
  (_, add) => {
    for (const key of keys) add(key);
    return () => {};
  };
