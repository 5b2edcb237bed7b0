import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
} from "kubernetes-types/autoscaling/v2.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { withCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { selects } from "../harness/selectors.ts";
import { timestamp } from "../harness/time.ts";
import { formatKey, keyOf, type ObjectKey, type Watch } from "../harness/watch.ts";
import { isMeasured, type Measurement, measure, type Sample, type Unmeasured } from "./measure.ts";
import { type Memory, type Recommendation, recall, recommend } from "./recommend.ts";

const name = "horizontal-pod-autoscaler";
const resource = "horizontalpodautoscalers.autoscaling";

type Scaler = Stored<HorizontalPodAutoscaler>;

/** The kinds that can be scaled. */
const targets: Readonly<Record<string, string>> = {
  Deployment: "deployments.apps",
  StatefulSet: "statefulsets.apps",
  ReplicaSet: "replicasets.apps",
};

type Say = (type: string, status: "True" | "False", reason: string, message: string) => void;

/** Scales workloads by what their pods use. The one controller that looks at a fixed pace, as use changes without an event. */
export function autoscalerController(context: ControllerContext): Controller {
  const { store, clock, record, options } = context;
  const memories = new Map<string, Memory>();

  async function reconcile(key: ObjectKey): Promise<number | undefined> {
    const scaler = store.get<string>(resource, key.namespace, key.name) as Scaler | undefined;
    if (!scaler) {
      memories.delete(formatKey(key));
      return undefined;
    }
    await evaluate(scaler, formatKey(key));
    return options.autoscalerPeriodMs;
  }

  async function evaluate(scaler: Scaler, key: string): Promise<void> {
    let conditions = scaler.status?.conditions;
    const say: Say = (type, status, reason, message) => {
      conditions = withCondition(conditions, { type, status, reason, message }, clock.now());
    };
    const next = await step(scaler, key, say);
    await writeStatus(scaler, { ...next, conditions });
  }

  /** One look: measures, decides, scales. Returns what the status should say. */
  async function step(scaler: Scaler, key: string, say: Say): Promise<Partial<HorizontalPodAutoscalerStatus>> {
    const { namespace = "" } = scaler.metadata;
    const { scaleTargetRef, metrics = [] } = scaler.spec!;
    const target = store.get<string>(targets[scaleTargetRef.kind] ?? "", namespace, scaleTargetRef.name);
    if (!target) return missingTarget(scaler, say);
    const current: number = target.spec?.replicas ?? 1;
    say("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale");
    if (current === 0) {
      say(
        "ScalingActive",
        "False",
        "ScalingDisabled",
        "scaling is disabled since the replica count of the target is zero",
      );
      return { currentReplicas: 0, desiredReplicas: 0 };
    }
    // As in Kubernetes: the size that it finds is its first recommendation, so that a window holds from the beginning.
    if (!memories.has(key))
      memories.set(key, { recommendations: [{ atMs: clock.now(), replicas: current }], changes: [] });
    const bound = outOfBounds(scaler, current);
    if (bound) return scaleToBound(scaler, key, target, current, bound, say);
    const samples = await sample(namespace, target.spec?.selector);
    const measured = metrics.map((metric: MetricSpec) => measure(metric, samples, current, clock.now()));
    return decide(scaler, key, target, current, measured, say);
  }

  /** Neither measured nor stabilized: the bounds are the user's word. */
  async function scaleToBound(
    scaler: Scaler,
    key: string,
    target: Stored<ApiObject>,
    current: number,
    { replicas, cause }: Bound,
    say: Say,
  ) {
    const now = clock.now();
    memories.set(key, changed(recall(memoryOf(key), now), replicas - current, now));
    await scale(scaler, target, replicas, cause, say);
    return { currentReplicas: current, desiredReplicas: replicas, lastScaleTime: timestamp(now) };
  }

  const memoryOf = (key: string): Memory => memories.get(key) ?? { recommendations: [], changes: [] };

  function missingTarget(scaler: Scaler, say: Say): Partial<HorizontalPodAutoscalerStatus> {
    const { kind, name: targetName } = scaler.spec!.scaleTargetRef;
    const message = `${kind.toLowerCase()}s "${targetName}" not found`;
    const failure = `the HPA controller was unable to get the target's current scale: ${message}`;
    say("AbleToScale", "False", "FailedGetScale", failure);
    record(scaler, "Warning", "FailedGetScale", message, name);
    return {};
  }

  async function sample(namespace: string, selector: LabelSelector | undefined): Promise<Sample[]> {
    const pods = store.list("pods", { namespace }).filter(({ metadata }) => selects(selector, metadata.labels));
    return Promise.all(
      pods.map(async (pod) => ({ pod, usage: await options.metrics?.usage({ namespace, name: pod.metadata.name }) })),
    );
  }

  async function decide(
    scaler: Scaler,
    key: string,
    target: Stored<ApiObject>,
    current: number,
    measured: readonly Measurement[],
    say: Say,
  ) {
    const failure = measured.find((each): each is Unmeasured => !isMeasured(each));
    const found = measured.filter(isMeasured);
    const wanted = Math.max(...found.map(({ replicas }) => replicas));
    if (failure) reportFailure(scaler, failure.failure, say);
    // With part of the metrics missing it is safe to grow, but not to shrink.
    if (found.length === 0 || (failure && wanted <= current)) return { currentReplicas: current };
    const decisive = found.find(({ replicas }) => replicas === wanted) ?? found[0]!;
    const message = `the HPA was able to successfully calculate a replica count from ${decisive.what}`;
    if (!failure) say("ScalingActive", "True", "ValidMetricFound", message);
    const now = clock.now();
    const memory = recall(memoryOf(key), now);
    const result = recommend(scaler.spec!, wanted, current, memory, now);
    const change = result.replicas - current;
    const recommendations = [...memory.recommendations, { atMs: now, replicas: wanted }];
    memories.set(key, { ...changed(memory, change, now), recommendations });
    sayLimits(result, current, say);
    const cause = change > 0 ? `${decisive.what} above target` : "All metrics below target";
    if (change !== 0) await scale(scaler, target, result.replicas, cause, say);
    return {
      currentReplicas: current,
      desiredReplicas: result.replicas,
      currentMetrics: found.map(({ status }) => status),
      ...(change !== 0 && { lastScaleTime: timestamp(now) }),
    };
  }

  function reportFailure(scaler: Scaler, failure: string, say: Say): void {
    const metric = scaler.spec?.metrics?.[0]?.resource?.name ?? "";
    const message = `the HPA was unable to compute the replica count: ${failure}`;
    say("ScalingActive", "False", "FailedGetResourceMetric", message);
    record(scaler, "Warning", "FailedGetResourceMetric", failure, name);
    const all = `invalid metrics (1 invalid out of ${scaler.spec?.metrics?.length ?? 1}), first error is: failed to get ${metric} resource metric value: ${failure}`;
    record(scaler, "Warning", "FailedComputeMetricsReplicas", all, name);
  }

  async function scale(
    scaler: Scaler,
    target: Stored<ApiObject>,
    replicas: number,
    cause: string,
    say: Say,
  ): Promise<void> {
    const { namespace = "", name: targetName } = target.metadata;
    await store.modify<string>(targets[target.kind] ?? "", namespace, targetName, (draft) => {
      draft.spec.replicas = replicas;
    });
    say(
      "AbleToScale",
      "True",
      "SucceededRescale",
      `the HPA controller was able to update the target scale to ${replicas}`,
    );
    record(scaler, "Normal", "SuccessfulRescale", `New size: ${replicas}; reason: ${cause}`, name);
  }

  async function writeStatus({ metadata }: Scaler, status: Partial<HorizontalPodAutoscalerStatus>): Promise<void> {
    const change = (draft: ApiObject) => {
      draft.status = { desiredReplicas: 0, ...draft.status, ...status };
    };
    const write = { subresource: "status", fieldManager: name } as const;
    await store.modify<string>(resource, metadata.namespace ?? "", metadata.name, change, write);
  }

  return { name, watches: [watchScalers], reconcile };
}

interface Bound {
  readonly replicas: number;
  readonly cause: string;
}

function outOfBounds({ spec }: Scaler, current: number): Bound | undefined {
  const { minReplicas = 1, maxReplicas = minReplicas } = spec ?? {};
  if (current > maxReplicas)
    return { replicas: maxReplicas, cause: "Current number of replicas above Spec.MaxReplicas" };
  if (current < minReplicas)
    return { replicas: minReplicas, cause: "Current number of replicas below Spec.MinReplicas" };
  return undefined;
}

const changed = (memory: Memory, change: number, atMs: number): Memory =>
  change === 0 ? memory : { ...memory, changes: [...memory.changes, { atMs, replicas: change }] };

function sayLimits({ isStabilized, limit, replicas }: Recommendation, current: number, say: Say): void {
  say("ScalingLimited", limit.isLimited ? "True" : "False", limit.reason, limit.message);
  if (replicas !== current) return;
  const stabilized = "recent recommendations were higher than current one, applying the highest recent recommendation";
  if (isStabilized) say("AbleToScale", "True", "ScaleDownStabilized", stabilized);
  else say("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");
}

/** New, changed and removed autoscalers; their own status is no news. */
const watchScalers: Watch = (store, add) =>
  store.subscribe<string>(resource, ({ type, object, previous }) => {
    if (type !== "MODIFIED" || !jsonEqual(object.spec, previous?.spec)) add(keyOf(object));
  });
