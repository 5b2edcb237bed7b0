import type { Pod } from "kubernetes-types/core/v1.js";
import { isNamespaceTerminating, isStatus } from "../../machinery/errors.ts";
import type { Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "./context.ts";

/** Creates and deletes pods for an owner, with the events that Kubernetes records on it. */
export interface PodControl {
  create(owner: Stored<object>, pod: Pod): Promise<Stored<Pod>>;
  /** Resolves too when the pod is gone already. */
  remove(owner: Stored<object>, pod: Stored<Pod>): Promise<void>;
}

export function podControl({ store, record }: ControllerContext, component: string): PodControl {
  return {
    async create(owner, pod) {
      try {
        const created = await store.create("pods", pod, { fieldManager: component });
        record(owner, "Normal", "SuccessfulCreate", `Created pod: ${created.metadata.name}`, component);
        return created;
      } catch (error) {
        // As in Kubernetes: where a namespace is going, nothing can be told in it either.
        if (isNamespaceTerminating(error)) throw error;
        record(owner, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`, component);
        throw error;
      }
    },
    async remove(owner, { metadata: { namespace = "", name, uid } }) {
      try {
        await store.delete("pods", namespace, name, { preconditions: { uid } });
        record(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`, component);
      } catch (error) {
        if (isStatus(error, "NotFound")) return;
        record(owner, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`, component);
        throw error;
      }
    },
  };
}
