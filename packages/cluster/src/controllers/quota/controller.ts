/** Keeps the status of ResourceQuotas: what is limited and how much of it is used. */
import type { ResourceQuota } from "kubernetes-types/core/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import { usedOf } from "../../machinery/quota/quota.ts";
import type { ApiObject } from "../../machinery/types.ts";
import { subscribeAll } from "../harness/all-resources.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { keyOf, type ObjectKey, type Watch } from "../harness/watch.ts";

const name = "resourcequota-controller";
const resource: string = "resourcequotas";

export function quotaController({ store }: ControllerContext): Controller {
  async function reconcile({ namespace, name: quotaName }: ObjectKey): Promise<undefined> {
    const quota = store.get(resource, namespace, quotaName);
    if (!quota) return undefined;
    const used = usedOf(quota, (key) => store.list<string>(key, { namespace }));
    const status = { hard: quota.spec?.hard ?? {}, used };
    if (jsonEqual(quota.status ?? {}, status)) return undefined;
    const change = (draft: ApiObject) => {
      draft.status = status satisfies ResourceQuota["status"];
    };
    await store.modify(resource, namespace, quotaName, change, { subresource: "status", fieldManager: name });
    return undefined;
  }

  return { name, watches: [watchCounted], reconcile };
}

/** Any change of an object may change what the quotas of its namespace count; most namespaces have none. */
const watchCounted: Watch = (store, add) =>
  subscribeAll(store, (_, { object }) => {
    const { namespace } = object.metadata;
    if (namespace) for (const quota of store.list(resource, { namespace })) add(keyOf(quota));
  });
