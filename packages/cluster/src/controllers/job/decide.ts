/** What a Job does next: a pure decision. */
import type { Job, JobCondition } from "kubernetes-types/batch/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { findCondition } from "../harness/conditions.ts";
import { isDeleting } from "../harness/owners.ts";
import { isActive } from "../harness/pods.ts";
import { parseTime, secondMs } from "../harness/time.ts";
import { outcome, totals } from "./accounts.ts";
import { freeIndexes, indexOf, isIndexed, parseIndexes } from "./indexes.ts";
import { countsByIndex, failureVerdict, isIgnored, successVerdict } from "./policies.ts";

export interface JobSight {
  /** With counters that include the pods below. */
  readonly job: Job;
  readonly pods: readonly Stored<Pod>[];
  readonly now: number;
}

export interface Verdict {
  readonly type: "Failed" | "Complete";
  readonly reason: string;
  readonly message: string;
}

export interface JobPlan {
  /** The job's end has been decided; pods are stopped first. */
  readonly verdict?: Verdict;
  /** Pods to create: one per entry, with its completion index where the job has them. */
  readonly create: readonly (number | undefined)[];
  /** Active pods to delete. */
  readonly remove: readonly Stored<Pod>[];
  readonly againInMs?: number;
}

const firstBackOffMs = 10 * secondMs;
const longestBackOffMs = 600 * secondMs;

export const isFinished = ({ status }: Job) =>
  ["Complete", "Failed"].some((type) => findCondition(status?.conditions, type)?.status === "True");

/** What has been decided already, so that nothing decides otherwise while pods are stopping. */
function standingVerdict({ status }: Job): Verdict | undefined {
  const find = (type: string): JobCondition | undefined => findCondition(status?.conditions, type);
  const failure = find("FailureTarget");
  const success = find("SuccessCriteriaMet");
  if (failure?.status === "True")
    return { type: "Failed", reason: failure.reason ?? "", message: failure.message ?? "" };
  if (success?.status === "True")
    return { type: "Complete", reason: success.reason ?? "", message: success.message ?? "" };
  return undefined;
}

const restarts = ({ status }: Pod) =>
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].reduce(
    (sum, { restartCount }) => sum + restartCount,
    0,
  );

/** Pods that restart in place use up the limit by their restarts, others by failing. */
function isPastBackOffLimit({ job, pods }: JobSight): boolean {
  const limit = job.spec?.backoffLimit ?? 6;
  if (totals(job.status ?? {}).failed > limit) return true;
  if (job.spec?.template.spec?.restartPolicy !== "OnFailure") return false;
  const count = pods.filter(isActive).reduce((sum, pod) => sum + restarts(pod), 0);
  return limit === 0 ? count > 0 : count >= limit;
}

function deadlineInMs({ job, now }: JobSight): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  const start = parseTime(job.status?.startTime);
  if (activeDeadlineSeconds === undefined || start === undefined || suspend) return undefined;
  return Math.max(0, start + activeDeadlineSeconds * secondMs - now);
}

/** Whether the pods that are wanted have succeeded. Without completions: one success, and nobody works any more. */
function isComplete({ job, pods }: JobSight): boolean {
  const { succeeded } = totals(job.status ?? {});
  const { completions } = job.spec ?? {};
  return completions === undefined ? succeeded > 0 && !pods.some(isActive) : succeeded >= completions;
}

const failedPods = ({ job, pods }: JobSight) => pods.filter((pod) => outcome(pod, job) === "failed");

function decideVerdict(sight: JobSight): Verdict | undefined {
  const bySaying = successVerdict(sight.job) ?? failureVerdict(sight.job, failedPods(sight));
  if (bySaying) return bySaying;
  if (isPastBackOffLimit(sight))
    return { type: "Failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  if (deadlineInMs(sight) === 0)
    return { type: "Failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  if (isComplete(sight))
    return { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
  return undefined;
}

function endOf({ metadata, status }: Stored<Pod>): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => parseTime(state?.terminated?.finishedAt) ?? 0);
  return Math.max(0, ...ends) || (parseTime(metadata.deletionTimestamp) ?? Date.parse(metadata.creationTimestamp));
}

/** Milliseconds to wait before the next pod: 10 s after a failure, doubled by each one since the last success. */
export function backOffInMs({ job, pods, now }: JobSight): number {
  const ended = pods.filter((pod) => outcome(pod, job) && !isIgnored(pod, job)).sort((a, b) => endOf(b) - endOf(a));
  const success = ended.findIndex((pod) => outcome(pod, job) === "succeeded");
  const failures = success < 0 ? ended.length : success;
  if (failures === 0) return 0;
  const delay = Math.min(firstBackOffMs * 2 ** (failures - 1), longestBackOffMs);
  return Math.max(0, endOf(ended[0] as Stored<Pod>) + delay - now);
}

/** How many pods should be at work. */
function wantedActive({ job, pods }: JobSight): number {
  const { parallelism = 1, completions, suspend } = job.spec ?? {};
  if (suspend) return 0;
  const { succeeded } = totals(job.status ?? {});
  const active = pods.filter(isActive).length;
  if (completions === undefined) return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.min(parallelism, completions - succeeded - lostIndexes(job).size);
}

const lostIndexes = ({ spec, status }: Job): Set<number> =>
  parseIndexes((status as { failedIndexes?: string } | undefined)?.failedIndexes, spec?.completions);

/** Pods that must be gone before another takes their place. */
const isInTheWay = (pod: Stored<Pod>, job: Job) => isDeleting(pod) && !outcome(pod, job);

function chooseIndexes({ job, pods }: JobSight, count: number): (number | undefined)[] {
  if (!isIndexed(job)) return Array(count).fill(undefined);
  const done = parseIndexes(job.status?.completedIndexes, job.spec?.completions);
  const taken = pods.filter((pod) => isActive(pod) || isInTheWay(pod, job)).map((pod) => indexOf(pod) ?? -1);
  return freeIndexes(job.spec?.completions ?? 0, new Set([...done, ...lostIndexes(job), ...taken]), count);
}

/** Where failures are counted by index, each index waits for itself. */
function chooseRested(sight: JobSight, count: number): { create: (number | undefined)[]; wait: number } {
  if (!countsByIndex(sight.job)) {
    const wait = backOffInMs(sight);
    return { create: wait === 0 ? chooseIndexes(sight, count) : [], wait };
  }
  const waits = chooseIndexes(sight, sight.job.spec?.completions ?? 0).map((index) => ({
    index,
    wait: backOffInMs({ ...sight, pods: sight.pods.filter((pod) => indexOf(pod) === index) }),
  }));
  const rested = waits.filter(({ wait }) => wait === 0).slice(0, count);
  const tired = waits.flatMap(({ wait }) => (wait > 0 ? [wait] : []));
  return { create: rested.map(({ index }) => index), wait: Math.min(...tired, Number.MAX_SAFE_INTEGER) };
}

export function planJob(sight: JobSight): JobPlan {
  const { job, pods } = sight;
  const active = pods.filter(isActive);
  if (isDeleting(job) || isFinished(job)) return { create: [], remove: [] };
  const verdict = standingVerdict(job) ?? decideVerdict(sight);
  if (verdict) return { verdict, create: [], remove: active };
  const deadline = deadlineInMs(sight);
  const missing = wantedActive(sight) - active.length - pods.filter((pod) => isInTheWay(pod, job)).length;
  const { create, wait } = missing > 0 ? chooseRested(sight, missing) : { create: [], wait: 0 };
  const timers = [deadline, wait > 0 && wait < Number.MAX_SAFE_INTEGER ? wait : undefined].filter(
    (timer) => timer !== undefined,
  ) as number[];
  return {
    create,
    remove: missing < 0 ? active.slice(missing) : [],
    ...(timers.length > 0 && { againInMs: Math.min(...timers) }),
  };
}
