import type { Job, JobCondition, JobStatus } from "kubernetes-types/batch/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import { findCondition, withCondition } from "../harness/conditions.ts";
import { isDeleting } from "../harness/owners.ts";
import { isActive, isReady, isTerminated } from "../harness/pods.ts";
import { timestamp } from "../harness/time.ts";
import type { JobPlan, Verdict } from "./decide.ts";

interface StatusSight {
  readonly job: Job;
  /** The job's pods after the plan was carried out. */
  readonly pods: readonly Pod[];
  readonly plan: JobPlan;
  /** Whether every pod that ended has been counted. */
  readonly isSettled: boolean;
  readonly now: number;
}

/** The condition that says what the end will be, while pods are still stopping. */
const announcements: Readonly<Record<Verdict["type"], string>> = {
  Failed: "FailureTarget",
  Complete: "SuccessCriteriaMet",
};

const condition = (type: string, status: string, reason: string, message: string, now: number): JobCondition => ({
  type,
  status,
  reason,
  message,
  lastProbeTime: timestamp(now),
});

/** Keeps the probe time of a condition that says the same. */
function put(conditions: JobCondition[] | undefined, next: JobCondition, now: number): JobCondition[] {
  const old = findCondition(conditions, next.type);
  return old?.status === next.status && old.reason === next.reason
    ? (conditions ?? [])
    : withCondition(conditions, next, now);
}

function suspension({ spec, status }: Job, now: number): JobCondition | undefined {
  if (spec?.suspend) return condition("Suspended", "True", "JobSuspended", "Job suspended", now);
  const wasSuspended = findCondition(status?.conditions, "Suspended")?.status === "True";
  return wasSuspended ? condition("Suspended", "False", "JobResumed", "Job resumed", now) : undefined;
}

/** The conditions and times of the job's life. */
function progress({ job, pods, plan: { verdict }, isSettled, now }: StatusSight): Partial<JobStatus> {
  const isStopped = !pods.some((pod) => isActive(pod) || (isDeleting(pod) && !isTerminated(pod)));
  let { conditions } = job.status ?? {};
  const suspended = verdict ? undefined : suspension(job, now);
  if (suspended) conditions = put(conditions, suspended, now);
  if (!verdict) return conditions ? { conditions } : {};
  const { type, reason, message } = verdict;
  conditions = put(conditions, condition(announcements[type], "True", reason, message, now), now);
  if (!isStopped || !isSettled) return { conditions };
  conditions = put(conditions, condition(type, "True", reason, message, now), now);
  return { conditions, ...(type === "Complete" && { completionTime: timestamp(now) }) };
}

/** A job starts when it is first seen unsuspended, and anew when it is resumed. */
function startTime({ spec, status }: Job, now: number): Partial<JobStatus> {
  if (spec?.suspend) return { startTime: undefined };
  return { startTime: status?.startTime ?? timestamp(now) };
}

/** Counts that Kubernetes leaves out when they are zero. */
const zeroes = ["active", "succeeded", "failed"];

/** The job's status, counters included as they stand. */
export function jobStatus(sight: StatusSight): JobStatus {
  const { job, pods, now } = sight;
  const active = pods.filter(isActive);
  const counts = {
    active: active.length,
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => isDeleting(pod) && !isTerminated(pod)).length,
  };
  const { active: _, ...rest } = job.status ?? {};
  const status = { ...rest, ...startTime(job, now), ...counts, ...progress(sight) };
  return Object.fromEntries(
    Object.entries(status).filter(([key, value]) => value !== undefined && !(value === 0 && zeroes.includes(key))),
  );
}
