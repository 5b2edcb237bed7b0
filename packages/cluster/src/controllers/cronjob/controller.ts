import type { CronJob, Job } from "kubernetes-types/batch/v1.js";
import type { ObjectReference } from "kubernetes-types/core/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import type { Stored } from "../../machinery/types.ts";
import { findCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { controllerReference, isControlledBy, isDeleting } from "../harness/owners.ts";
import { parseTime, timestamp } from "../harness/time.ts";
import { type ObjectKey, watchOwned, watchSelf } from "../harness/watch.ts";
import { isFinished } from "../job/decide.ts";
import { finishedAt } from "../job/ttl.ts";
import { type Due, findDue, isTooMany, parseSchedule, type Schedule } from "./schedule.ts";

const name = "cronjob-controller";
const resource = "cronjobs.batch";
const jobs = "jobs.batch";

/** Creates a Job at each time of a schedule. */
export function cronJobController(context: ControllerContext): Controller {
  const { store, clock, record } = context;

  async function reconcile({ namespace, name: cronJobName }: ObjectKey): Promise<number | undefined> {
    const cronJob = store.get(resource, namespace, cronJobName);
    if (!cronJob || isDeleting(cronJob)) return undefined;
    const children = store.list(jobs, { namespace }).filter((job) => isControlledBy(job, cronJob));
    await updateActive(context, cronJob, children);
    await trimHistory(context, cronJob, children);
    if (cronJob.spec?.suspend) return undefined;
    const schedule = readSchedule(cronJob);
    const due = schedule && findDue(cronJob, schedule, clock.now());
    if (due?.dueMs !== undefined)
      await startDue(
        context,
        cronJob,
        due,
        due.dueMs,
        children.filter((job) => !isFinished(job)),
      );
    return due?.nextInMs;
  }

  /** A bad schedule will not get better by itself: it is reported, not retried. */
  function readSchedule(cronJob: Stored<CronJob>): Schedule | undefined {
    const { schedule = "", timeZone } = cronJob.spec as { schedule?: string; timeZone?: string };
    try {
      return parseSchedule(schedule, timeZone);
    } catch (error) {
      const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${(error as Error).message}`;
      record(cronJob, "Warning", "UnparseableSchedule", message, name);
      return undefined;
    }
  }

  return { name, watches: [watchSelf(resource), watchOwned(jobs, "CronJob")], reconcile };
}

const reference = ({ apiVersion, kind, metadata }: Stored<Job>): ObjectReference => {
  const { name: jobName, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name: jobName, namespace, uid, resourceVersion };
};

async function updateStatus(
  { store }: ControllerContext,
  { metadata }: Stored<CronJob>,
  change: (status: NonNullable<CronJob["status"]>) => void,
) {
  const write = (draft: CronJob) => {
    const status = { ...draft.status };
    change(status);
    draft.status = status;
  };
  await store.modify(resource, metadata.namespace ?? "", metadata.name, write, {
    subresource: "status",
    fieldManager: name,
  });
}

/** Drops finished and vanished jobs from `status.active`, and notes the last success. Says so once for each. */
async function updateActive(
  context: ControllerContext,
  cronJob: Stored<CronJob>,
  children: readonly Stored<Job>[],
): Promise<void> {
  const listed = cronJob.status?.active ?? [];
  const isListed = (job: Stored<Job>) => listed.some(({ uid }) => uid === job.metadata.uid);
  const running = new Map(children.filter((job) => !isFinished(job)).map((job) => [job.metadata.uid, job]));
  const left = listed.filter(({ uid }) => running.has(uid ?? ""));
  for (const job of running.values()) if (!isListed(job)) reportUnexpected(context, cronJob, job);
  for (const job of children) if (isFinished(job) && isListed(job)) reportFinished(context, cronJob, job);
  const successes = children
    .filter(isSuccess)
    .map((job) => parseTime(job.status?.completionTime) ?? finishedAt(job) ?? 0);
  const lastSuccess = Math.max(parseTime(cronJob.status?.lastSuccessfulTime) ?? 0, ...successes);
  await updateStatus(context, cronJob, (status) => {
    if (left.length > 0) status.active = left;
    else delete status.active;
    if (lastSuccess > 0) status.lastSuccessfulTime = timestamp(lastSuccess);
  });
}

const isSuccess = ({ status }: Job) => findCondition(status?.conditions, "Complete")?.status === "True";

function reportFinished({ record }: ControllerContext, cronJob: Stored<CronJob>, job: Stored<Job>): void {
  const condition = isSuccess(job) ? "Complete" : "Failed";
  record(
    cronJob,
    "Normal",
    "SawCompletedJob",
    `Saw completed job: ${job.metadata.name}, condition: ${condition}`,
    name,
  );
}

/** Such as one made by `kubectl create job --from=cronjob/...`: it runs, but is not the schedule's. */
function reportUnexpected({ record }: ControllerContext, cronJob: Stored<CronJob>, { metadata }: Stored<Job>): void {
  const message = `Saw a job that the controller did not create or forgot: ${metadata.name}`;
  record(cronJob, "Warning", "UnexpectedJob", message, name);
}

/** Removes finished jobs beyond the history limits, the oldest first. */
async function trimHistory(
  context: ControllerContext,
  cronJob: Stored<CronJob>,
  children: readonly Stored<Job>[],
): Promise<void> {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec ?? {};
  const finished = children.filter(isFinished).sort((a, b) => startOf(a) - startOf(b));
  const successes = finished.filter(isSuccess);
  const failures = finished.filter((job) => !isSuccess(job));
  const surplus = [
    ...successes.slice(0, Math.max(0, successes.length - successfulJobsHistoryLimit)),
    ...failures.slice(0, Math.max(0, failures.length - failedJobsHistoryLimit)),
  ];
  await Promise.all(surplus.map((job) => removeJob(context, cronJob, job)));
}

const startOf = ({ metadata, status }: Stored<Job>) => parseTime(status?.startTime ?? metadata.creationTimestamp) ?? 0;

async function removeJob(
  { store, record }: ControllerContext,
  cronJob: Stored<CronJob>,
  { metadata }: Stored<Job>,
): Promise<void> {
  await store.delete(jobs, metadata.namespace ?? "", metadata.name, { propagationPolicy: "Background" });
  record(cronJob, "Normal", "SuccessfulDelete", `Deleted job ${metadata.name}`, name);
}

/** Starts the job of a time that has come, as the concurrency policy allows. */
async function startDue(
  context: ControllerContext,
  cronJob: Stored<CronJob>,
  due: Due,
  dueMs: number,
  running: readonly Stored<Job>[],
) {
  const { record } = context;
  const policy = cronJob.spec?.concurrencyPolicy ?? "Allow";
  if (isTooMany(due.missed))
    record(
      cronJob,
      "Warning",
      "TooManyMissedTimes",
      "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
      name,
    );
  if (policy === "Forbid" && running.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    return record(cronJob, "Normal", "JobAlreadyActive", message, name);
  }
  if (policy === "Replace") await Promise.all(running.map((job) => removeJob(context, cronJob, job)));
  await createJob(context, cronJob, dueMs);
}

/** The job of one time. Its name says which, so that no time is served twice. */
export function jobFor(cronJob: Stored<CronJob>, dueMs: number): Job {
  const { metadata, spec } = cronJob.spec!.jobTemplate;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: `${cronJob.metadata.name}-${Math.floor(dueMs / 60_000)}`,
      namespace: cronJob.metadata.namespace,
      labels: { ...metadata?.labels },
      annotations: { ...metadata?.annotations, "batch.kubernetes.io/cronjob-scheduled-timestamp": timestamp(dueMs) },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec,
  } as Job;
}

async function createJob(context: ControllerContext, cronJob: Stored<CronJob>, dueMs: number): Promise<void> {
  const { store, record } = context;
  const wanted = jobFor(cronJob, dueMs);
  const { namespace = "", name: jobName = "" } = wanted.metadata ?? {};
  let job: Stored<Job> | undefined;
  try {
    job = await store.create(jobs, wanted, { fieldManager: name });
    record(cronJob, "Normal", "SuccessfulCreate", `Created job ${jobName}`, name);
  } catch (error) {
    if (!isStatus(error, "AlreadyExists")) {
      record(cronJob, "Warning", "FailedCreate", `Error creating job: ${(error as Error).message}`, name);
      throw error;
    }
    job = store.get(jobs, namespace, jobName);
  }
  await updateStatus(context, cronJob, (status) => {
    status.lastScheduleTime = timestamp(dueMs);
    if (job && !status.active?.some(({ uid }) => uid === job.metadata.uid))
      status.active = [...(status.active ?? []), reference(job)];
  });
}
