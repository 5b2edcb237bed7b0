import type { Job } from "kubernetes-types/batch/v1.js";
import { findCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { parseTime, secondMs } from "../harness/time.ts";
import { type ObjectKey, watchSelf } from "../harness/watch.ts";

const resource = "jobs.batch";

/** When the job finished, in milliseconds since the epoch. */
export function finishedAt({ status }: Job): number | undefined {
  const ends = ["Complete", "Failed"].map((type) => findCondition(status?.conditions, type));
  return parseTime(ends.find((condition) => condition?.status === "True")?.lastTransitionTime);
}

/** Removes finished jobs after ttlSecondsAfterFinished, their pods first. */
export function jobTtlController({ store, clock }: ControllerContext): Controller {
  async function reconcile({ namespace, name }: ObjectKey): Promise<number | undefined> {
    const job = store.get(resource, namespace, name);
    const end = job && finishedAt(job);
    const { ttlSecondsAfterFinished } = job?.spec ?? {};
    if (!job || end === undefined || ttlSecondsAfterFinished === undefined || isDeleting(job)) return undefined;
    const leftMs = end + ttlSecondsAfterFinished * secondMs - clock.now();
    if (leftMs > 0) return leftMs;
    const preconditions = { uid: job.metadata.uid };
    await store.delete(resource, namespace, name, { propagationPolicy: "Foreground", preconditions });
    return undefined;
  }

  return { name: "ttl-after-finished-controller", watches: [watchSelf(resource)], reconcile };
}
