import type { Job } from "kubernetes-types/batch/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { claimChildren } from "../harness/claims.ts";
import { findCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { controllerOf, isControlledBy } from "../harness/owners.ts";
import { podControl } from "../harness/pod-control.ts";
import { type ObjectKey, watchOwned, watchSelf } from "../harness/watch.ts";
import { type Accounts, isTracked, outcome, settleAccounts, trackingFinalizer } from "./accounts.ts";
import { type JobPlan, planJob } from "./decide.ts";
import { jobPod } from "./pod.ts";
import { countsByIndex, failuresOf } from "./policies.ts";
import { jobStatus } from "./status.ts";

const name = "job-controller";
const resource = "jobs.batch";

/** Runs pods until as many as wanted have succeeded, or too many have failed. */
export function jobController(context: ControllerContext): Controller {
  const { store, clock } = context;
  const pods = podControl(context, name);

  async function reconcile({ namespace, name: jobName }: ObjectKey): Promise<number | undefined> {
    const job = store.get(resource, namespace, jobName);
    await releaseOrphans(context, namespace, jobName, job?.metadata.uid);
    if (!job) return undefined;
    const owned = (await claimChildren(store, "pods", job, job.spec?.selector)) as Stored<Pod>[];
    const accounts = settleAccounts(job, owned);
    const counted = { ...job, status: { ...job.status, ...accounts.counted } };
    const plan = planJob({ job: counted, pods: owned, now: clock.now() });
    await carryOut(job, owned, plan);
    await writeStatus(context, job, accounts, plan);
    await Promise.all(accounts.release.map((pod) => untrack(context, pod)));
    return plan.againInMs;
  }

  async function carryOut(
    job: Stored<Job>,
    owned: readonly Stored<Pod>[],
    { create, remove, verdict }: JobPlan,
  ): Promise<void> {
    const failed = owned.filter((pod) => outcome(pod, job) === "failed");
    const failures = (index: number | undefined) =>
      index !== undefined && countsByIndex(job) ? failuresOf(index, job, failed) : undefined;
    await Promise.all(create.map((index) => pods.create(job, jobPod(job, index, failures(index)))));
    // A pod that the job itself gives up (suspended, less parallelism) has not failed; one that dies with its job has.
    await Promise.all(
      remove.map(async (pod) => {
        if (!verdict) await untrack(context, pod);
        await pods.remove(job, pod);
      }),
    );
  }

  return { name, watches: [watchSelf(resource), watchOwned("pods", "Job")], reconcile };
}

async function untrack({ store }: ControllerContext, { metadata }: Stored<Pod>): Promise<void> {
  await store.modify("pods", metadata.namespace ?? "", metadata.name, (draft) => {
    const { finalizers } = draft.metadata!;
    if (draft.metadata?.uid !== metadata.uid || !finalizers?.includes(trackingFinalizer)) return false;
    draft.metadata.finalizers = finalizers.filter((finalizer) => finalizer !== trackingFinalizer);
    return undefined;
  });
}

/** Pods of a job that is gone have nobody to count them, and must not be held up by that. */
async function releaseOrphans(context: ControllerContext, namespace: string, jobName: string, uid: string | undefined) {
  const orphans = context.store.list("pods", { namespace }).filter((pod) => {
    const owner = isTracked(pod) ? controllerOf(pod) : undefined;
    return owner?.kind === "Job" && owner.name === jobName && owner.uid !== uid;
  });
  await Promise.all(orphans.map((pod) => untrack(context, pod)));
}

async function writeStatus(
  context: ControllerContext,
  job: Stored<Job>,
  { counted, isSettled }: Accounts,
  plan: JobPlan,
) {
  const { store, clock } = context;
  const { namespace = "", name: jobName, uid } = job.metadata;
  const pods = store.list("pods", { namespace }).filter((pod) => isControlledBy(pod, job));
  const change = (draft: Job) => {
    if (draft.metadata?.uid !== uid) return false;
    const current = { ...draft, status: { ...draft.status, ...counted } };
    draft.status = jobStatus({ job: current, pods, plan, isSettled, now: clock.now() });
    return undefined;
  };
  const written = await store.modify(resource, namespace, jobName, change, {
    subresource: "status",
    fieldManager: name,
  });
  if (written) announce(context, job, written);
}

/** Condition to the event that its arrival causes. */
const events: Readonly<
  Record<string, (reason: string, message: string) => readonly ["Normal" | "Warning", string, string]>
> = {
  Complete: () => ["Normal", "Completed", "Job completed"],
  Failed: (reason, message) => ["Warning", reason, message],
  Suspended: () => ["Normal", "Suspended", "Job suspended"],
};

function announce({ record }: ControllerContext, before: Stored<Job>, after: Stored<Job>): void {
  for (const { type, status, reason = "", message = "" } of after.status?.conditions ?? []) {
    const old = findCondition(before.status?.conditions, type);
    if (old?.status === status) continue;
    const event = status === "True" ? events[type]?.(reason, message) : undefined;
    if (event) record(after, ...event, name);
    if (type === "Suspended" && status === "False") record(after, "Normal", "Resumed", "Job resumed", name);
  }
}
