/** What an autoscaler tells of a look at its target: conditions for the status, and events, in Kubernetes' words. */
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus } from "kubernetes-types/autoscaling/v2.js";
import type { Stored } from "../../machinery/types.ts";
import { withCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Recommendation } from "./recommend.ts";

export const name = "horizontal-pod-autoscaler";

export type Scaler = Stored<HorizontalPodAutoscaler>;

export interface Report {
  noTarget(): void;
  /** The target was found with so many replicas. */
  target(replicas: number): void;
  unmeasured(failure: string): void;
  /** `what` decided. */
  measured(what: string): void;
  limits(result: Recommendation, current: number): void;
  rescaled(replicas: number, cause: string): void;
  /** Those of before with what has been told since. */
  conditions(): HorizontalPodAutoscalerStatus["conditions"];
}

export function reportOf({ clock, record }: Pick<ControllerContext, "clock" | "record">, scaler: Scaler): Report {
  let conditions = scaler.status?.conditions;
  const say = (type: string, status: "True" | "False", reason: string, message: string): void => {
    conditions = withCondition(conditions, { type, status, reason, message }, clock.now());
  };
  const warn = (reason: string, message: string): void => record(scaler, "Warning", reason, message, name);
  return {
    noTarget() {
      const { kind, name: target } = scaler.spec!.scaleTargetRef;
      const message = `${kind.toLowerCase()}s "${target}" not found`;
      const failure = `the HPA controller was unable to get the target's current scale: ${message}`;
      say("AbleToScale", "False", "FailedGetScale", failure);
      warn("FailedGetScale", message);
    },
    target(replicas) {
      say("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale");
      const disabled = "scaling is disabled since the replica count of the target is zero";
      if (replicas === 0) say("ScalingActive", "False", "ScalingDisabled", disabled);
    },
    unmeasured(failure) {
      const { metrics } = scaler.spec!;
      const metric = metrics?.[0]?.resource?.name ?? "";
      const message = `the HPA was unable to compute the replica count: ${failure}`;
      say("ScalingActive", "False", "FailedGetResourceMetric", message);
      warn("FailedGetResourceMetric", failure);
      const all = `invalid metrics (1 invalid out of ${metrics?.length ?? 1}), first error is: failed to get ${metric} resource metric value: ${failure}`;
      warn("FailedComputeMetricsReplicas", all);
    },
    measured(what) {
      const message = `the HPA was able to successfully calculate a replica count from ${what}`;
      say("ScalingActive", "True", "ValidMetricFound", message);
    },
    limits({ isStabilized, limit, replicas }, current) {
      say("ScalingLimited", limit.isLimited ? "True" : "False", limit.reason, limit.message);
      if (replicas !== current) return;
      const higher = "recent recommendations were higher than current one, applying the highest recent recommendation";
      if (isStabilized) say("AbleToScale", "True", "ScaleDownStabilized", higher);
      else say("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");
    },
    rescaled(replicas, cause) {
      const message = `the HPA controller was able to update the target scale to ${replicas}`;
      say("AbleToScale", "True", "SucceededRescale", message);
      record(scaler, "Normal", "SuccessfulRescale", `New size: ${replicas}; reason: ${cause}`, name);
    },
    conditions: () => conditions,
  };
}
