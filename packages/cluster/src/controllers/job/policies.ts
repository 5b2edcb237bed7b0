/**
 * What a Job's author says about failures and success beyond counting them: podFailurePolicy, backoffLimitPerIndex and successPolicy. See the
 * Kubernetes pages "Handling retriable and non-retriable pod failures" and "Job". Pure.
 */
import type { Job, PodFailurePolicyRule } from "kubernetes-types/batch/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import type { Verdict } from "./decide.ts";
import { indexOf, isIndexed, parseIndexes } from "./indexes.ts";

/** Not in the types' version of Kubernetes. */
interface NewerSpec {
  readonly backoffLimitPerIndex?: number;
  readonly maxFailedIndexes?: number;
  readonly successPolicy?: { readonly rules: readonly SuccessRule[] };
}

interface SuccessRule {
  readonly succeededIndexes?: string;
  readonly succeededCount?: number;
}

interface Match {
  readonly action: string;
  /** Why, as the job's condition tells it. */
  readonly message: string;
}

/** How often the index of a pod had failed when it was created. */
export const failureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";

const specOf = ({ spec }: Job) => (spec ?? {}) as NewerSpec;

const failedContainers = ({ status }: Pod) =>
  [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(({ name, state }) =>
    state?.terminated?.exitCode ? [{ name, exitCode: state.terminated.exitCode }] : [],
  );

function whyMatched(pod: Pod, { onExitCodes, onPodConditions }: PodFailurePolicyRule): string | undefined {
  const called = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
  if (onExitCodes) {
    const { containerName, operator, values } = onExitCodes;
    const found = failedContainers(pod).find(
      ({ name, exitCode }) =>
        (!containerName || containerName === name) && values.includes(exitCode) === (operator === "In"),
    );
    return found && `Container ${found.name} for pod ${called} failed with exit code ${found.exitCode}`;
  }
  const condition = (onPodConditions ?? []).find(({ type, status = "True" }) =>
    pod.status?.conditions?.some((each) => each.type === type && each.status === status),
  );
  return condition && `Pod ${called} has condition ${condition.type}`;
}

/** The first rule of the job's podFailurePolicy that a failed pod matches. */
export function matchFailure(pod: Pod, job: Job): Match | undefined {
  if (pod.status?.phase !== "Failed") return undefined;
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const why = whyMatched(pod, rule);
    if (why) return { action: rule.action, message: `${why} matching ${rule.action} rule at index ${index}` };
  }
  return undefined;
}

export const isIgnored = (pod: Pod, job: Job): boolean => matchFailure(pod, job)?.action === "Ignore";

const failuresBefore = ({ metadata }: Pod): number => Number(metadata?.annotations?.[failureCountAnnotation] ?? 0);

/** Failures of an index so far. A pod carries those before it, so that they are known when the older pods are gone. */
export const failuresOf = (index: number, job: Job, failed: readonly Stored<Pod>[]): number =>
  Math.max(
    0,
    ...failed.filter((pod) => indexOf(pod) === index && !isIgnored(pod, job)).map((pod) => failuresBefore(pod) + 1),
  );

export const countsByIndex = (job: Job): boolean => isIndexed(job) && specOf(job).backoffLimitPerIndex !== undefined;

/** The indexes that are given up, those known from before included. */
export function failedIndexes(job: Job, failed: readonly Stored<Pod>[]): Set<number> {
  const status = job.status as { failedIndexes?: string } | undefined;
  const indexes = parseIndexes(status?.failedIndexes, job.spec?.completions);
  const limit = specOf(job).backoffLimitPerIndex ?? Number.POSITIVE_INFINITY;
  for (const pod of failed) {
    const index = indexOf(pod);
    if (index === undefined) continue;
    const action = matchFailure(pod, job)?.action;
    if (action === "FailIndex" || (action !== "Ignore" && failuresBefore(pod) + 1 > limit)) indexes.add(index);
  }
  return indexes;
}

/** What the failures so far mean for the job, beyond their number. */
export function failureVerdict(job: Job, failed: readonly Stored<Pod>[]): Verdict | undefined {
  const fatal = failed.map((pod) => matchFailure(pod, job)).find((match) => match?.action === "FailJob");
  if (fatal) return { type: "Failed", reason: "PodFailurePolicy", message: fatal.message };
  if (!countsByIndex(job)) return undefined;
  const lost = failedIndexes(job, failed);
  if (lost.size > (specOf(job).maxFailedIndexes ?? Number.POSITIVE_INFINITY))
    return {
      type: "Failed",
      reason: "MaxFailedIndexesExceeded",
      message: "Job has exceeded the specified maximal number of failed indexes",
    };
  const { completions = 0 } = job.spec ?? {};
  const done = parseIndexes(job.status?.completedIndexes, completions);
  const isOver = lost.size > 0 && new Set([...lost, ...done]).size >= completions;
  return isOver ? { type: "Failed", reason: "FailedIndexes", message: "Job has failed indexes" } : undefined;
}

/** Whether a rule of the job's successPolicy is met. */
export function successVerdict(job: Job): Verdict | undefined {
  const { completions } = job.spec ?? {};
  const done = parseIndexes(job.status?.completedIndexes, completions);
  const isMet = ({ succeededIndexes, succeededCount }: SuccessRule) => {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, completions);
    const reached = wanted ? [...wanted].filter((index) => done.has(index)).length : done.size;
    return reached >= (succeededCount ?? wanted?.size ?? Number.POSITIVE_INFINITY);
  };
  const index = (specOf(job).successPolicy?.rules ?? []).findIndex(isMet);
  return index < 0
    ? undefined
    : { type: "Complete", reason: "SuccessPolicy", message: `Matched rules at index ${index}` };
}
