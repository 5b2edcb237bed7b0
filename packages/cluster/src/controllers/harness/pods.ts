import type { Pod, PodCondition, PodTemplateSpec } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { findCondition } from "./conditions.ts";
import { controllerReference, isDeleting } from "./owners.ts";
import { parseTime, secondMs } from "./time.ts";

export const podCondition = (pod: Pod, type: string): PodCondition | undefined =>
  findCondition(pod.status?.conditions, type);

export const isReady = (pod: Pod) => podCondition(pod, "Ready")?.status === "True";

export const isRunningAndReady = (pod: Pod) => pod.status?.phase === "Running" && isReady(pod);

/** Milliseconds until a ready pod has been ready for `minReadySeconds`; 0 when it is available, undefined when not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  const since = parseTime(ready.lastTransitionTime) ?? now;
  return Math.max(0, since + minReadySeconds * secondMs - now);
}

export const isAvailable = (pod: Pod, minReadySeconds: number, now: number) =>
  availableInMs(pod, minReadySeconds, now) === 0;

/** Ended for good: no container of it runs or will run again. */
export const isTerminated = (pod: Pod) => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

/** Neither ended nor on its way out. */
export const isActive = (pod: Pod) => !isTerminated(pod) && !isDeleting(pod);

/** A pod as its controller's template describes it. */
export function podFromTemplate(
  owner: Stored<{ metadata?: { namespace?: string } }>,
  template: PodTemplateSpec,
  name: { readonly name: string } | { readonly generateName: string },
): Pod & { metadata: NonNullable<Pod["metadata"]>; spec: NonNullable<Pod["spec"]> } {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...name,
      ...(owner.metadata.namespace && { namespace: owner.metadata.namespace }),
      labels: { ...labels },
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: structuredClone(template.spec ?? { containers: [] }),
  };
}
