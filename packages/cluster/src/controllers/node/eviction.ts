/** Deletes pods that do not tolerate their node's NoExecute taints: Kubernetes' taint-eviction-controller. */
import type { Pod, Taint, Toleration } from "kubernetes-types/core/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import type { Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { parseTime, secondMs } from "../harness/time.ts";
import { keyOf, type ObjectKey, watch, watchSelf } from "../harness/watch.ts";
import { tolerates } from "../scheduler/filters.ts";

const name = "taint-eviction-controller";

/** What admission gives pods that say nothing of lost nodes. */
const defaultTolerationSeconds = 300;
const lostNodeTaints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** The time for which a toleration covers a taint. The cluster's own time takes the place of admission's default. */
function coveredMs({ tolerationSeconds }: Toleration, { key }: Taint, defaultMs: number): number {
  if (tolerationSeconds === undefined) return Number.POSITIVE_INFINITY;
  const isDefault = tolerationSeconds === defaultTolerationSeconds && lostNodeTaints.includes(key);
  return isDefault ? defaultMs : Math.max(0, tolerationSeconds) * secondMs;
}

/** When the pod must go, in milliseconds since the epoch: at the first taint that it no longer tolerates. */
export function evictionTime(pod: Pod, taints: readonly Taint[], defaultMs: number, now: number): number {
  const ends = taints
    .filter(({ effect }) => effect === "NoExecute")
    .map((taint) => {
      const covers = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
      const since = parseTime(taint.timeAdded) ?? now;
      return covers.length === 0 ? since : since + Math.min(...covers.map((each) => coveredMs(each, taint, defaultMs)));
    });
  return Math.min(Number.POSITIVE_INFINITY, ...ends);
}

export function taintEvictionController({ store, clock, record, options }: ControllerContext): Controller {
  async function evict(pod: Stored<Pod>): Promise<void> {
    const { namespace = "", name: podName, uid } = pod.metadata;
    record(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${namespace}/${podName}`, name);
    try {
      await store.delete("pods", namespace, podName, { preconditions: { uid } });
    } catch (error) {
      if (!isStatus(error, "NotFound")) throw error;
    }
  }

  async function reconcile({ namespace, name: podName }: ObjectKey): Promise<number | undefined> {
    const pod = store.get("pods", namespace, podName);
    const taints = store.get("nodes", "", pod?.spec?.nodeName ?? "")?.spec?.taints;
    if (!pod || !taints || isDeleting(pod)) return undefined;
    const leftMs = evictionTime(pod, taints, options.evictionTolerationMs, clock.now()) - clock.now();
    if (leftMs <= 0) await evict(pod);
    return leftMs > 0 && Number.isFinite(leftMs) ? leftMs : undefined;
  }

  return {
    name,
    watches: [
      watchSelf("pods"),
      watch("nodes", ({ object }, store) =>
        object.spec?.taints
          ? store
              .list("pods")
              .filter(({ spec }) => spec?.nodeName === object.metadata.name)
              .map(keyOf)
          : [],
      ),
    ],
    reconcile,
  };
}
