/** Empties namespaces that are being deleted, then lets them go. */
import type { Namespace } from "kubernetes-types/core/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import type { ApiStore, ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { resourceName, subscribeAll } from "../harness/all-resources.ts";
import { withCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { type ObjectKey, type Watch, watchSelf } from "../harness/watch.ts";

const name = "namespace-controller";

interface Content {
  readonly resource: ResourceDescriptor;
  readonly objects: readonly Stored<ApiObject>[];
}

export function namespaceController(context: ControllerContext): Controller {
  const { store } = context;

  async function reconcile({ name: namespace }: ObjectKey): Promise<number | undefined> {
    const object = store.get("namespaces", "", namespace);
    if (!object || !isDeleting(object)) return undefined;
    const contents = contentsOf(store, namespace);
    if (contents.length === 0) return finalize(store, object);
    await Promise.all(nextToGo(contents).map((content) => removeContent(store, namespace, content)));
    const left = contentsOf(store, namespace);
    if (left.length === 0) return finalize(store, object);
    await report(context, namespace, left);
    return undefined;
  }

  return { name, watches: [watchSelf("namespaces"), watchDepartures], reconcile };
}

/** Every object that goes may be the last one that its namespace waits for. */
const watchDepartures: Watch = (store, add) =>
  subscribeAll(store, (_, { type, object }) => {
    const { namespace } = object.metadata;
    if (type === "DELETED" && namespace && isTerminating(store, namespace)) add(`/${namespace}`);
  });

const isTerminating = (store: ApiStore, namespace: string) => {
  const object = store.get("namespaces", "", namespace);
  return object !== undefined && isDeleting(object);
};

function contentsOf(store: ApiStore, namespace: string): Content[] {
  return store
    .descriptors()
    .filter(({ namespaced, verbs }) => namespaced && verbs.includes("delete") && verbs.includes("list"))
    .map((resource) => ({ resource, objects: store.list<string>(resourceName(resource), { namespace }) }))
    .filter(({ objects }) => objects.length > 0);
}

/** Pods first: they need their secrets, claims and network policies until they have stopped. */
const nextToGo = (contents: readonly Content[]) => {
  const pods = contents.filter(({ resource }) => resourceName(resource) === "pods");
  return pods.length > 0 ? pods : contents;
};

const removeContent = (store: ApiStore, namespace: string, { resource, objects }: Content) =>
  Promise.all(
    objects
      .filter((object) => !isDeleting(object))
      .map(async ({ metadata }) => {
        try {
          await store.delete(resourceName(resource), namespace, metadata.name, { propagationPolicy: "Background" });
        } catch (error) {
          if (!isStatus(error, "NotFound")) throw error;
        }
      }),
  );

/** Takes Kubernetes' finalizer off, through the `finalize` subresource; the registry then drops the namespace. */
async function finalize(store: ApiStore, namespace: Stored<Namespace>): Promise<undefined> {
  const namespaces = store.find("", "v1", "namespaces");
  if (!namespaces) return undefined;
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== "kubernetes");
  const body = { ...namespace, spec: { ...namespace.spec, finalizers } };
  await store.put(namespaces, "", namespace.metadata.name, body, { subresource: "finalize", fieldManager: name });
  return undefined;
}

/** What `kubectl describe namespace` shows of a namespace that does not go. */
async function report(
  { store, clock }: ControllerContext,
  namespace: string,
  contents: readonly Content[],
): Promise<void> {
  const kinds = contents.map(
    ({ resource, objects }) => `${resourceName(resource)}. has ${objects.length} resource instances`,
  );
  const finalizers = countFinalizers(contents);
  const held = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
  const conditions = [
    remaining("NamespaceContentRemaining", "SomeResourcesRemain", "Some resources are remaining: ", kinds),
    remaining(
      "NamespaceFinalizersRemaining",
      "SomeFinalizersRemain",
      "Some content in the namespace has finalizers remaining: ",
      held,
    ),
  ].filter((condition) => condition !== undefined);
  await store.modify(
    "namespaces",
    "",
    namespace,
    (draft) => {
      let list = draft.status?.conditions;
      for (const condition of conditions) list = withCondition(list, condition, clock.now());
      draft.status = { ...draft.status, ...(list && { conditions: list }) };
    },
    { subresource: "status", fieldManager: name },
  );
}

const remaining = (type: string, reason: string, prefix: string, items: readonly string[]) =>
  items.length > 0 ? { type, status: "True", reason, message: prefix + items.join(", ") } : undefined;

function countFinalizers(contents: readonly Content[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of contents.flatMap(({ objects }) => objects))
    for (const finalizer of metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
  return counts;
}
