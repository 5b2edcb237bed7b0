/** Deletes the objects of a custom kind whose definition is being deleted, then lets the definition go. */
import { isStatus } from "../../machinery/errors.ts";
import { keyOfResource } from "../../machinery/resources/row.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { instancesFinalizer } from "../../machinery/write/deletion.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { keyOf, type ObjectKey, type Watch } from "../harness/watch.ts";

const resource: string = "customresourcedefinitions.apiextensions.k8s.io";
/** Objects with finalizers go in their own time; this is how often the definition looks again, in milliseconds. */
const pollMs = 250;

const watchDefinitions: Watch = (store, add) => store.subscribe(resource, ({ object }) => add(keyOf(object)));

export function definitionCleanupController({ store }: ControllerContext): Controller {
  async function reconcile({ name }: ObjectKey): Promise<number | undefined> {
    const definition = store.get(resource, "", name);
    if (!definition || !isDeleting(definition) || !definition.metadata.finalizers?.includes(instancesFinalizer))
      return undefined;
    const { group, names } = definition.spec ?? {};
    const instances = keyOfResource({ group, plural: names.plural });
    const items = store.list(instances).filter((item) => !isDeleting(item));
    await Promise.all(items.map((item) => remove(instances, item)));
    if (store.list(instances).length > 0) return pollMs;
    await store.modify(resource, "", name, (draft) => {
      draft.metadata!.finalizers = (draft.metadata?.finalizers ?? []).filter((each) => each !== instancesFinalizer);
    });
    return undefined;
  }

  async function remove(instances: string, { metadata }: Stored<ApiObject>): Promise<void> {
    try {
      await store.delete(instances, metadata.namespace ?? "", metadata.name);
    } catch (error) {
      if (!isStatus(error, "NotFound")) throw error;
    }
  }

  return { name: "customresourcedefinition-controller", watches: [watchDefinitions], reconcile };
}
