/** From what the metrics ask for to what is done about it: bounds, rates and stabilization. Pure. */
import type {
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from "kubernetes-types/autoscaling/v2.js";
import { secondMs } from "../harness/time.ts";

export interface Moment {
  readonly atMs: number;
  readonly replicas: number;
}

/** What an autoscaler remembers. Bounded by the longest window, an hour. */
export interface Memory {
  /** What the metrics asked for. */
  readonly recommendations: readonly Moment[];
  /** Replicas added (or taken away, when negative). */
  readonly changes: readonly Moment[];
}

export interface Limit {
  readonly isLimited: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface Recommendation {
  readonly replicas: number;
  readonly isStabilized: boolean;
  readonly limit: Limit;
}

const longestWindowMs = 3_600_000;

const defaultUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const defaultDown: HPAScalingRules = {
  stabilizationWindowSeconds: 300,
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

const rulesOf = (behavior: HorizontalPodAutoscalerBehavior | undefined) => ({
  up: { ...defaultUp, ...behavior?.scaleUp },
  down: { ...defaultDown, ...behavior?.scaleDown },
});

/** Drops what no window can reach. */
export const recall = ({ recommendations, changes }: Memory, now: number): Memory => {
  const isRecent = ({ atMs }: Moment) => now - atMs <= longestWindowMs;
  return { recommendations: recommendations.filter(isRecent), changes: changes.filter(isRecent) };
};

/** The lowest recent recommendation bounds growth, the highest bounds shrinking. */
function stabilize(
  wanted: number,
  current: number,
  { recommendations }: Memory,
  rules: ReturnType<typeof rulesOf>,
  now: number,
): number {
  const within = ({ stabilizationWindowSeconds = 0 }: HPAScalingRules) =>
    recommendations
      .filter(({ atMs }) => now - atMs < stabilizationWindowSeconds * secondMs)
      .map(({ replicas }) => replicas);
  const lowest = Math.min(wanted, ...within(rules.up));
  const highest = Math.max(wanted, ...within(rules.down));
  return Math.min(Math.max(current, lowest), highest);
}

function permitted(
  rules: HPAScalingRules,
  current: number,
  { changes }: Memory,
  now: number,
  direction: 1 | -1,
): number {
  if (rules.selectPolicy === "Disabled") return current;
  const bounds = (rules.policies ?? []).map((policy) => {
    const recent = changes.filter(
      ({ atMs, replicas }) => now - atMs < policy.periodSeconds * secondMs && replicas * direction > 0,
    );
    const start = current - recent.reduce((sum, { replicas }) => sum + replicas, 0);
    return boundOf(policy, start, direction);
  });
  const pick = (rules.selectPolicy === "Min") === (direction === 1) ? Math.min : Math.max;
  return direction === 1 ? Math.max(current, pick(...bounds)) : Math.min(current, pick(...bounds));
}

function boundOf({ type, value }: HPAScalingPolicy, start: number, direction: 1 | -1): number {
  if (type === "Pods") return start + direction * value;
  const share = (start * (100 + direction * value)) / 100;
  return direction === 1 ? Math.ceil(share) : Math.floor(share);
}

const inRange: Limit = {
  isLimited: false,
  reason: "DesiredWithinRange",
  message: "the desired count is within the acceptable range",
};
const limited = (reason: string, rest: string): Limit => ({
  isLimited: true,
  reason,
  message: `the desired replica count is ${rest}`,
});

export function recommend(
  spec: HorizontalPodAutoscalerSpec,
  wanted: number,
  current: number,
  memory: Memory,
  now: number,
): Recommendation {
  const { minReplicas = 1, maxReplicas, behavior } = spec;
  const rules = rulesOf(behavior);
  const stable = stabilize(wanted, current, memory, rules, now);
  const isStabilized = stable !== wanted;
  const most = permitted(rules.up, current, memory, now, 1);
  const least = permitted(rules.down, current, memory, now, -1);
  const bounded = Math.min(Math.max(stable, minReplicas), maxReplicas);
  if (bounded > current && bounded > most)
    return {
      replicas: most,
      isStabilized,
      limit: limited("ScaleUpLimit", "increasing faster than the maximum scale rate"),
    };
  if (bounded < current && bounded < least)
    return {
      replicas: least,
      isStabilized,
      limit: limited("ScaleDownLimit", "decreasing faster than the maximum scale rate"),
    };
  if (stable < minReplicas)
    return { replicas: bounded, isStabilized, limit: limited("TooFewReplicas", "less than the minimum replica count") };
  if (stable > maxReplicas)
    return {
      replicas: bounded,
      isStabilized,
      limit: limited("TooManyReplicas", "more than the maximum replica count"),
    };
  return { replicas: bounded, isStabilized, limit: inRange };
}
