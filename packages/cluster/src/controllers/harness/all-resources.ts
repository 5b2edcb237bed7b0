import type { ApiStore, ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Change } from "../../machinery/types.ts";

export const resourceName = ({ group, plural }: Pick<ResourceDescriptor, "group" | "plural">) =>
  group ? `${plural}.${group}` : plural;

const definitions = "customresourcedefinitions.apiextensions.k8s.io";

/**
 * Subscribes to every resource that the cluster serves, those that custom resource definitions add later included. Events are left out:
 * nobody owns or waits for them, and they are the most.
 */
export function subscribeAll(
  store: ApiStore,
  listener: (resource: ResourceDescriptor, change: Change<ApiObject>) => void,
): () => void {
  const subscriptions = new Map<string, () => void>();
  const isWatched = ({ plural, verbs }: ResourceDescriptor) => plural !== "events" && verbs.includes("watch");
  function subscribeNew(): void {
    for (const descriptor of store.descriptors().filter(isWatched)) {
      const resource = resourceName(descriptor);
      if (subscriptions.has(resource)) continue;
      // Reserved first: the subscription delivers what is present before it returns.
      subscriptions.set(resource, () => {});
      subscriptions.set(
        resource,
        store.subscribe<string>(resource, (change) => {
          listener(descriptor, change);
          if (resource === definitions) queueMicrotask(subscribeNew);
        }),
      );
    }
  }
  subscribeNew();
  return () => {
    for (const unsubscribe of subscriptions.values()) unsubscribe();
  };
}
