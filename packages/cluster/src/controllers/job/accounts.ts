/**
 * Counts the pods that ended, each exactly once, whatever crashes in between. A job's pod carries a finalizer until it is counted:
 *
 *   1. its uid is written to `status.uncountedTerminatedPods`;
 *   2. the finalizer is taken off the pod;
 *   3. the uid leaves that list and the counter goes up, in one write.
 *
 * A crash after any step is repaired by the next look: a listed uid whose pod has the finalizer is at step 2, one whose pod has none
 * (or is gone) at step 3.
 */
import type { Job, JobStatus } from "kubernetes-types/batch/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { isDeleting } from "../harness/owners.ts";
import { formatIndexes, indexOf, isIndexed, parseIndexes } from "./indexes.ts";
import { countsByIndex, failedIndexes, isIgnored } from "./policies.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";

export const isTracked = ({ metadata }: Pod) => metadata?.finalizers?.includes(trackingFinalizer) ?? false;

/** Deleted pods count as failed, unless the job waits for them to fail (podReplacementPolicy). */
export function outcome(pod: Pod, { spec }: Job): "succeeded" | "failed" | undefined {
  if (pod.status?.phase === "Succeeded") return "succeeded";
  const waits = (spec as { podReplacementPolicy?: string } | undefined)?.podReplacementPolicy === "Failed";
  return pod.status?.phase === "Failed" || (isDeleting(pod) && !waits) ? "failed" : undefined;
}

export interface Accounts {
  /** The counters and lists to write. */
  readonly counted: Pick<JobStatus, "succeeded" | "failed" | "uncountedTerminatedPods" | "completedIndexes">;
  /** Pods whose finalizer may go once that is written. */
  readonly release: readonly Stored<Pod>[];
  readonly isSettled: boolean;
}

export function settleAccounts(job: Job, pods: readonly Stored<Pod>[]): Accounts {
  const status = job.status ?? {};
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid, pod]));
  const lists = {
    succeeded: status.uncountedTerminatedPods?.succeeded ?? [],
    failed: status.uncountedTerminatedPods?.failed ?? [],
  };
  const listed = new Set([...lists.succeeded, ...lists.failed]);
  const indexes = parseIndexes(status.completedIndexes, job.spec?.completions);
  const counts = { succeeded: status.succeeded ?? 0, failed: status.failed ?? 0 };
  const ignored: Stored<Pod>[] = [];
  const next: Record<"succeeded" | "failed", string[]> = { succeeded: [], failed: [] };
  for (const kind of ["succeeded", "failed"] as const)
    for (const uid of lists[kind])
      if (tracked.has(uid)) next[kind].push(uid);
      else counts[kind] += 1;
  for (const [uid, pod] of tracked) {
    const kind = outcome(pod, job);
    if (!kind || listed.has(uid)) continue;
    if (isIgnored(pod, job)) ignored.push(pod);
    else next[kind].push(uid);
    if (kind === "succeeded") indexes.add(indexOf(pod) ?? 0);
  }
  const release = [...ignored, ...[...next.succeeded, ...next.failed].flatMap((uid) => tracked.get(uid) ?? [])];
  const failed = pods.filter((pod) => outcome(pod, job) === "failed");
  const lost = countsByIndex(job) ? formatIndexes(failedIndexes(job, failed)) : undefined;
  if (isIndexed(job)) counts.succeeded = indexes.size - next.succeeded.length;
  return {
    counted: {
      succeeded: counts.succeeded,
      failed: counts.failed,
      uncountedTerminatedPods: {
        ...(next.succeeded.length > 0 && { succeeded: next.succeeded }),
        ...(next.failed.length > 0 && { failed: next.failed }),
      },
      ...(isIndexed(job) && indexes.size > 0 && { completedIndexes: formatIndexes(indexes) }),
      ...(lost !== undefined && { failedIndexes: lost }),
    },
    release,
    isSettled: release.length === 0,
  };
}

/** All that ended so far, counted or about to be. */
export const totals = ({ succeeded = 0, failed = 0, uncountedTerminatedPods: listed }: JobStatus) => ({
  succeeded: succeeded + (listed?.succeeded?.length ?? 0),
  failed: failed + (listed?.failed?.length ?? 0),
});
