import { isStatus } from "../../machinery/errors.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { watchAs, watchOnce } from "../harness/watch.ts";

const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Keeps the namespaces that every cluster has. */
export function systemNamespacesController({ store }: ControllerContext): Controller {
  return {
    name: "system-namespaces-controller",
    watches: [watchAs("namespaces", "/"), watchOnce("/")],
    async reconcile() {
      const missing = systemNamespaces.filter((name) => !store.get("namespaces", "", name));
      await Promise.all(missing.map((name) => createNamespace(store, name)));
      return undefined;
    },
  };
}

async function createNamespace(store: ControllerContext["store"], name: string): Promise<void> {
  try {
    await store.create("namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  } catch (error) {
    if (!isStatus(error, "AlreadyExists")) throw error;
  }
}
