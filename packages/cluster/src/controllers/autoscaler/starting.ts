/** Whether a pod's CPU is that of its start, which must not look like load: the rule of Kubernetes' autoscaler with its defaults. */
import type { Pod } from "kubernetes-types/core/v1.js";
import { podCondition } from "../harness/pods.ts";
import { parseTime, secondMs } from "../harness/time.ts";

/** Kubernetes' `--horizontal-pod-autoscaler-cpu-initialization-period`. */
const initializationMs = 300 * secondMs;
/** Kubernetes' `--horizontal-pod-autoscaler-initial-readiness-delay`. */
const readinessDelayMs = 30 * secondMs;
/** What a sample of the metrics API covers (its `window`). */
const sampleWindowMs = 15 * secondMs;

export function isStarting(pod: Pod, now: number): boolean {
  const ready = podCondition(pod, "Ready");
  const startedAt = parseTime(pod.status?.startTime);
  if (!ready || startedAt === undefined) return true;
  const changedAt = parseTime(ready.lastTransitionTime) ?? startedAt;
  const isUnready = ready.status === "False";
  // At first a sample counts only if all of it was taken since the pod became ready ...
  if (now < startedAt + initializationMs) return isUnready || now < changedAt + sampleWindowMs;
  // ... later also while the pod is unready, unless it never was ready.
  return isUnready && changedAt < startedAt + readinessDelayMs;
}
