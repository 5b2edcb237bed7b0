import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { controllerOf } from "../harness/owners.ts";
import { isTerminated } from "../harness/pods.ts";
import { scaleOf } from "../harness/scale.ts";
import { selects } from "../harness/selectors.ts";
import { type ObjectKey, watchAll, watchSelected, watchSelf } from "../harness/watch.ts";
import { budgetStatus, disruptionTimeoutMs } from "./budget.ts";

const name = "controllermanager";
const resource = "poddisruptionbudgets.policy";

/** Keeps the status that eviction reads: how many of the selected pods may go now. */
export function disruptionController({ store, clock, record }: ControllerContext): Controller {
  /** The pods' controllers' scales, each controller once; undefined when a pod has no controller with a scale. */
  function expectedScale(namespace: string, pods: readonly Stored<Pod>[]): number | undefined {
    const scales = new Map<string, number>();
    for (const pod of pods) {
      const owner = controllerOf(pod);
      const scale = owner && scaleOf(store, owner, namespace);
      if (!scale) return undefined;
      scales.set(scale.uid, scale.replicas);
    }
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  async function reconcile({ namespace, name: budgetName }: ObjectKey): Promise<number | undefined> {
    const budget = store.get(resource, namespace, budgetName);
    if (!budget) return undefined;
    const pods = store
      .list("pods", { namespace })
      .filter((pod) => !isTerminated(pod) && selects(budget.spec?.selector, pod.metadata.labels));
    const isNew = budget.status?.observedGeneration !== budget.metadata.generation;
    if (pods.length === 0 && isNew) record(budget, "Normal", "NoPods", "No matching pods found", name);
    const status = budgetStatus({ budget, pods, expectedScale: expectedScale(namespace, pods), now: clock.now() });
    const write = { subresource: "status", fieldManager: "disruption-controller" } as const;
    await store.modify(
      resource,
      namespace,
      budgetName,
      (draft) => {
        draft.status = status;
      },
      write,
    );
    return status.disruptedPods ? disruptionTimeoutMs : undefined;
  }

  return {
    name: "disruption-controller",
    watches: [
      watchSelf(resource),
      watchSelected(resource, ({ spec }) => spec.selector, "pods"),
      watchAll(resource, "statefulsets.apps"),
      watchAll(resource, "deployments.apps"),
      watchAll(resource, "replicasets.apps"),
    ],
    reconcile,
  };
}
