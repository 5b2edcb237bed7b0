import { isPodReady } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";

/**
 * What is missing until as many pods as `wanted` are ready. They are counted: a pod that was deleted is for a moment neither there nor replaced, and the
 * next fault would come while the system lacks a member.
 */
export function unready(pods: readonly Pod[], wanted: number): string | undefined {
  if (pods.length < wanted) return `${wanted - pods.length} of ${wanted} pods to come back`;
  const one = pods.find((pod) => !isPodReady(pod) || pod.metadata?.deletionTimestamp !== undefined);
  return one && `${one.metadata?.name} to be ready`;
}
