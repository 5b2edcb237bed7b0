/** Keeps a claim that a pod uses: its deletion waits until the pod is gone. */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { isTerminated } from "../harness/pods.ts";
import { type ObjectKey, watch, watchSelf } from "../harness/watch.ts";

const name = "pvc-protection-controller";
const finalizer = "kubernetes.io/pvc-protection";
const resource = "persistentvolumeclaims";

const claimNames = ({ metadata, spec }: Pod) =>
  (spec?.volumes ?? []).flatMap((volume) => {
    if (volume.ephemeral) return [`${metadata?.name}-${volume.name}`];
    return volume.persistentVolumeClaim ? [volume.persistentVolumeClaim.claimName] : [];
  });

/** A pod uses its claims from when it is placed until it has ended. */
const uses = (pod: Pod, claimName: string) =>
  Boolean(pod.spec?.nodeName) && !isTerminated(pod) && claimNames(pod).includes(claimName);

export function claimProtectionController({ store }: ControllerContext): Controller {
  async function reconcile({ namespace, name: claimName }: ObjectKey): Promise<undefined> {
    const claim = store.get(resource, namespace, claimName);
    if (!claim) return undefined;
    const isProtected = claim.metadata.finalizers?.includes(finalizer) ?? false;
    const isUsed = store.list("pods", { namespace }).some((pod) => uses(pod, claimName));
    if (isDeleting(claim) ? isUsed || !isProtected : isProtected) return undefined;
    await store.modify(resource, namespace, claimName, ({ metadata }) => {
      const others = (metadata?.finalizers ?? []).filter((each) => each !== finalizer);
      metadata!.finalizers = metadata?.deletionTimestamp ? others : [...others, finalizer];
    });
    return undefined;
  }

  return {
    name,
    watches: [
      watchSelf(resource),
      watch("pods", ({ object }) => claimNames(object).map((claim) => `${object.metadata.namespace}/${claim}`)),
    ],
    reconcile,
  };
}
