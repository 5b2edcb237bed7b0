import type { HorizontalPodAutoscalerStatus, MetricSpec } from "kubernetes-types/autoscaling/v2.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { selects } from "../harness/selectors.ts";
import { timestamp } from "../harness/time.ts";
import { formatKey, keyOf, type ObjectKey, type Watch } from "../harness/watch.ts";
import { isMeasured, type Measurement, measure, type Sample, type Unmeasured } from "./measure.ts";
import { type Memory, recall, recommend } from "./recommend.ts";
import { name, type Report, reportOf, type Scaler } from "./report.ts";

const resource = "horizontalpodautoscalers.autoscaling";

/** The kinds that can be scaled. */
const targets: Readonly<Record<string, string>> = {
  Deployment: "deployments.apps",
  StatefulSet: "statefulsets.apps",
  ReplicaSet: "replicasets.apps",
};

type Target = Stored<ApiObject>;
type Status = Partial<HorizontalPodAutoscalerStatus>;

/** One look at one autoscaler. */
interface Look {
  readonly scaler: Scaler;
  readonly key: string;
  readonly report: Report;
}

/** Scales workloads by what their pods use. The one controller that looks at a fixed pace, as use changes without an event. */
export function autoscalerController(context: ControllerContext): Controller {
  const autoscaler = new Autoscaler(context);
  return { name, watches: [watchScalers], reconcile: (key) => autoscaler.reconcile(key) };
}

class Autoscaler {
  readonly #context: ControllerContext;
  readonly #memories = new Map<string, Memory>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  async reconcile(place: ObjectKey): Promise<number | undefined> {
    const key = formatKey(place);
    const scaler = this.#context.store.get<string>(resource, place.namespace, place.name) as Scaler | undefined;
    if (!scaler) {
      this.#memories.delete(key);
      return undefined;
    }
    const report = reportOf(this.#context, scaler);
    const next = await this.#look({ scaler, key, report });
    await this.#writeStatus(scaler, { ...next, conditions: report.conditions() });
    return this.#context.options.autoscalerPeriodMs;
  }

  /** Measures, decides, scales. Returns what the status should say. */
  async #look(look: Look): Promise<Status> {
    const { scaler, report } = look;
    const { namespace = "" } = scaler.metadata;
    const { scaleTargetRef, metrics = [] } = scaler.spec!;
    const target = this.#context.store.get<string>(targets[scaleTargetRef.kind] ?? "", namespace, scaleTargetRef.name);
    if (!target) {
      report.noTarget();
      return {};
    }
    const current: number = target.spec?.replicas ?? 1;
    report.target(current);
    if (current === 0) return { currentReplicas: 0, desiredReplicas: 0 };
    this.#begin(look.key, current);
    const bound = outOfBounds(scaler, current);
    if (bound) return this.#scaleToBound(look, target, current, bound);
    const samples = await this.#sample(namespace, target.spec?.selector);
    const now = this.#context.clock.now();
    const measured = metrics.map((metric: MetricSpec) => measure(metric, samples, current, now));
    return this.#decide(look, target, current, measured);
  }

  /** As in Kubernetes: the size that it finds is its first recommendation, so that a window holds from the beginning. */
  #begin(key: string, replicas: number): void {
    const recommendations = [{ atMs: this.#context.clock.now(), replicas }];
    if (!this.#memories.has(key)) this.#memories.set(key, { recommendations, changes: [] });
  }

  #recall(key: string, now: number): Memory {
    return recall(this.#memories.get(key) ?? { recommendations: [], changes: [] }, now);
  }

  /** Neither measured nor stabilized: the bounds are the user's word. */
  async #scaleToBound({ key, report }: Look, target: Target, current: number, { replicas, cause }: Bound) {
    const now = this.#context.clock.now();
    this.#memories.set(key, changed(this.#recall(key, now), replicas - current, now));
    await this.#scale(target, replicas);
    report.rescaled(replicas, cause);
    return { currentReplicas: current, desiredReplicas: replicas, lastScaleTime: timestamp(now) };
  }

  async #sample(namespace: string, selector: LabelSelector | undefined): Promise<Sample[]> {
    const { store, options } = this.#context;
    const pods = store.list("pods", { namespace }).filter(({ metadata }) => selects(selector, metadata.labels));
    return Promise.all(
      pods.map(async (pod) => ({ pod, usage: await options.metrics?.usage({ namespace, name: pod.metadata.name }) })),
    );
  }

  async #decide({ scaler, key, report }: Look, target: Target, current: number, measured: readonly Measurement[]) {
    const failure = measured.find((each): each is Unmeasured => !isMeasured(each));
    const found = measured.filter(isMeasured);
    const wanted = Math.max(...found.map(({ replicas }) => replicas));
    if (failure) report.unmeasured(failure.failure);
    // With part of the metrics missing it is safe to grow, but not to shrink.
    if (found.length === 0 || (failure && wanted <= current)) return { currentReplicas: current };
    const decisive = found.find(({ replicas }) => replicas === wanted) ?? found[0]!;
    if (!failure) report.measured(decisive.what);
    const now = this.#context.clock.now();
    const memory = this.#recall(key, now);
    const result = recommend(scaler.spec!, wanted, current, memory, now);
    const change = result.replicas - current;
    const recommendations = [...memory.recommendations, { atMs: now, replicas: wanted }];
    this.#memories.set(key, { ...changed(memory, change, now), recommendations });
    report.limits(result, current);
    if (change !== 0) {
      await this.#scale(target, result.replicas);
      report.rescaled(result.replicas, change > 0 ? `${decisive.what} above target` : "All metrics below target");
    }
    return {
      currentReplicas: current,
      desiredReplicas: result.replicas,
      currentMetrics: found.map(({ status }) => status),
      ...(change !== 0 && { lastScaleTime: timestamp(now) }),
    };
  }

  async #scale({ kind, metadata }: Target, replicas: number): Promise<void> {
    const { store } = this.#context;
    await store.modify<string>(targets[kind] ?? "", metadata.namespace ?? "", metadata.name, (draft) => {
      draft.spec.replicas = replicas;
    });
  }

  async #writeStatus({ metadata }: Scaler, status: Status): Promise<void> {
    const change = (draft: ApiObject) => {
      draft.status = { desiredReplicas: 0, ...draft.status, ...status };
    };
    const write = { subresource: "status", fieldManager: name } as const;
    await this.#context.store.modify<string>(resource, metadata.namespace ?? "", metadata.name, change, write);
  }
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

/** New, changed and removed autoscalers; their own status is no news. */
const watchScalers: Watch = (store, add) =>
  store.subscribe<string>(resource, ({ type, object, previous }) => {
    if (type !== "MODIFIED" || !jsonEqual(object.spec, previous?.spec)) add(keyOf(object));
  });
