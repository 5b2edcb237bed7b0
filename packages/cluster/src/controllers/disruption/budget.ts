/** How many pods a PodDisruptionBudget lets go: pure arithmetic. */

import type { Pod } from "kubernetes-types/core/v1.js";
import type { Condition } from "kubernetes-types/meta/v1.js";
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "kubernetes-types/policy/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { withCondition } from "../harness/conditions.ts";
import { isActive, isReady } from "../harness/pods.ts";
import { scaledValue } from "../harness/scaled.ts";
import { parseTime } from "../harness/time.ts";

/** An eviction that has not shown within this time is counted as not having happened. */
export const disruptionTimeoutMs = 120_000;

export interface BudgetSight {
  readonly budget: PodDisruptionBudget;
  /** The selected pods that have not ended. */
  readonly pods: readonly Stored<Pod>[];
  /** What the pods' controllers should have together; undefined when some pod has none. */
  readonly expectedScale: number | undefined;
  readonly now: number;
}

/** Percentages and maxUnavailable need the controllers' scale; a plain minAvailable does not. */
export function expectation({
  budget,
  pods,
  expectedScale,
}: BudgetSight): { expected: number; desired: number } | undefined {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (maxUnavailable === undefined && typeof minAvailable === "number")
    return { expected: pods.length, desired: minAvailable };
  if (expectedScale === undefined) return undefined;
  const desired =
    maxUnavailable === undefined
      ? scaledValue(minAvailable ?? 1, expectedScale, "up")
      : Math.max(0, expectedScale - scaledValue(maxUnavailable, expectedScale, "up"));
  return { expected: expectedScale, desired };
}

/** Evictions granted but not yet seen; those that showed, or never will, are forgotten. */
function pendingDisruptions({ budget, pods, now }: BudgetSight): Record<string, string> {
  const present = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  const granted = Object.entries(budget.status?.disruptedPods ?? {});
  return Object.fromEntries(
    granted.filter(([name, time]) => {
      const pod = present.get(name);
      return pod !== undefined && isActive(pod) && now - (parseTime(time) ?? 0) < disruptionTimeoutMs;
    }),
  );
}

/** The status of the budget. `expectation` undefined means that nothing may be disrupted, and why. */
export function budgetStatus(sight: BudgetSight): PodDisruptionBudgetStatus {
  const { budget, pods, now } = sight;
  const disruptedPods = pendingDisruptions(sight);
  const isHealthy = (pod: Stored<Pod>) => isActive(pod) && isReady(pod) && !(pod.metadata.name in disruptedPods);
  const { expected, desired } = expectation(sight) ?? { expected: pods.length, desired: pods.length };
  const currentHealthy = pods.filter(isHealthy).length;
  const disruptionsAllowed = expected > 0 ? Math.max(0, currentHealthy - desired) : 0;
  const observedGeneration = budget.metadata?.generation;
  const reason = disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods";
  const condition = {
    type: "DisruptionAllowed",
    status: disruptionsAllowed > 0 ? "True" : "False",
    reason,
    message: "",
  };
  const conditions = budget.status?.conditions as Condition[] | undefined;
  return {
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    conditions: withCondition(conditions, { ...condition, observedGeneration, lastTransitionTime: "" }, now),
    currentHealthy,
    desiredHealthy: desired,
    disruptionsAllowed,
    expectedPods: expected,
    observedGeneration,
  };
}
