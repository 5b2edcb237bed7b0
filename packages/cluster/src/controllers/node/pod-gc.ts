/** Removes pods that nobody else will: Kubernetes' pod garbage collector. */
import type { Node, Pod } from "kubernetes-types/core/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import type { Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { isTerminated } from "../harness/pods.ts";
import { secondMs } from "../harness/time.ts";
import { keyOf, type ObjectKey, watch, watchSelf } from "../harness/watch.ts";
import { outOfService, readinessOf } from "./health.ts";

const name = "pod-garbage-collector";

/** How long a pod may be bound to a node that does not exist (yet). */
const quarantineMs = 40 * secondMs;

/** Whether a pod on its way out waits for a node that somebody declared lost for good. */
const isOnLostNode = (pod: Pod, node: Node) =>
  isDeleting(pod) && readinessOf(node) !== "True" && (node.spec?.taints ?? []).some(({ key }) => key === outOfService);

export function podGarbageCollector({ store, clock, options }: ControllerContext): Controller {
  const orphanedSince = new Map<string, number>();

  async function reconcile({ namespace, name: podName }: ObjectKey): Promise<number | undefined> {
    const pod = store.get("pods", namespace, podName);
    if (!pod) return undefined;
    if (!pod.spec?.nodeName) return isDeleting(pod) ? remove(pod) : undefined;
    const node = store.get("nodes", "", pod.spec.nodeName);
    if (!node) return removeOrphan(pod);
    orphanedSince.delete(pod.metadata.uid);
    if (isOnLostNode(pod, node)) return remove(pod);
    if (isTerminated(pod)) await removeSurplus();
    return undefined;
  }

  async function removeOrphan(pod: Stored<Pod>): Promise<number | undefined> {
    const since = orphanedSince.get(pod.metadata.uid) ?? clock.now();
    orphanedSince.set(pod.metadata.uid, since);
    const leftMs = since + quarantineMs - clock.now();
    if (leftMs > 0) return leftMs;
    orphanedSince.delete(pod.metadata.uid);
    return remove(pod);
  }

  async function remove({ metadata }: Stored<Pod>): Promise<undefined> {
    const options = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
    try {
      await store.delete("pods", metadata.namespace ?? "", metadata.name, options);
    } catch (error) {
      if (!isStatus(error, "NotFound")) throw error;
    }
  }

  /** Ended pods are kept for their logs, the newest ones up to a bound. */
  async function removeSurplus(): Promise<void> {
    const ended = store.list("pods").filter((pod) => isTerminated(pod) && !isDeleting(pod));
    const surplus = ended.length - options.maxTerminatedPods;
    if (surplus <= 0) return;
    const age = ({ metadata }: Stored<Pod>) => Date.parse(metadata.creationTimestamp);
    await Promise.all(
      [...ended]
        .sort((a, b) => age(a) - age(b))
        .slice(0, surplus)
        .map(remove),
    );
  }

  return {
    name,
    watches: [
      watchSelf("pods"),
      watch("nodes", ({ object }, store) =>
        store
          .list("pods")
          .filter(({ spec }) => spec?.nodeName === object.metadata.name)
          .map(keyOf),
      ),
    ],
    reconcile,
    // Surplus is counted over all pods: two at once would remove too many.
    concurrency: 1,
  };
}
