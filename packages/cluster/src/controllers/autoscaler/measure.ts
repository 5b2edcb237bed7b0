/** From what pods use to how many there should be, for one metric: pure arithmetic of the horizontal pod autoscaler. */
import type { MetricSpec, MetricStatus } from "kubernetes-types/autoscaling/v2.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { ContainerUsage } from "../../kubelet/types.ts";
import { quantityMilli, quantityValue } from "../../machinery/quantity.ts";
import { isActive } from "../harness/pods.ts";
import { isStarting } from "./starting.ts";

export interface Sample {
  readonly pod: Pod;
  /** Undefined while nothing was measured. */
  readonly usage: readonly ContainerUsage[] | undefined;
}

export interface Measured {
  readonly replicas: number;
  readonly status: MetricStatus;
  /** The metric in the words of conditions and events. */
  readonly what: string;
}

export interface Unmeasured {
  readonly failure: string;
}

export type Measurement = Measured | Unmeasured;

export const isMeasured = (measurement: Measurement): measurement is Measured => "replicas" in measurement;

/** Within a tenth of the target nothing changes. */
const tolerance = 0.1;

interface Unit {
  /** In the unit of `requested`. */
  used(usage: readonly ContainerUsage[]): number;
  value(quantity: string): number;
  format(value: number): string;
}

const units: Readonly<Record<string, Unit>> = {
  cpu: {
    used: (usage) => usage.reduce((sum, { cpuNanoCores }) => sum + cpuNanoCores / 1e6, 0),
    value: quantityMilli,
    format: (milli) => `${Math.round(milli)}m`,
  },
  memory: {
    used: (usage) => usage.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    value: quantityValue,
    format: (bytes) => String(Math.round(bytes)),
  },
};

function requestOf({ spec }: Pod, resource: string, unit: Unit): number | undefined {
  const requests = (spec?.containers ?? []).map(({ resources }) => resources?.requests?.[resource]);
  return requests.includes(undefined) ? undefined : requests.reduce((sum, each) => sum + unit.value(each ?? "0"), 0);
}

interface Target {
  readonly resource: string;
  readonly unit: Unit;
  readonly utilization?: number;
  readonly averageValue?: number;
}

function targetOf({ type, resource }: MetricSpec): Target | undefined {
  const unit = units[resource?.name ?? ""];
  if (type !== "Resource" || !resource || !unit) return undefined;
  const { averageUtilization, averageValue } = resource.target;
  if (averageUtilization !== undefined) return { resource: resource.name, unit, utilization: averageUtilization };
  return averageValue === undefined
    ? undefined
    : { resource: resource.name, unit, averageValue: unit.value(averageValue) };
}

interface Groups {
  readonly measured: readonly Sample[];
  readonly missing: readonly Sample[];
  /** What they use says nothing about load: they use it to start, or wait for a node. */
  readonly starting: readonly Sample[];
}

function grouped(samples: readonly Sample[], resource: string, now: number): Groups {
  const groups = { measured: [] as Sample[], missing: [] as Sample[], starting: [] as Sample[] };
  for (const sample of samples) if (isActive(sample.pod)) groups[groupOf(sample, resource, now)].push(sample);
  return groups;
}

function groupOf({ pod, usage }: Sample, resource: string, now: number): keyof Groups {
  if (pod.status?.phase === "Pending") return "starting";
  if (usage === undefined) return "missing";
  return resource === "cpu" && isStarting(pod, now) ? "starting" : "measured";
}

const noMetrics = (resource: string) =>
  `unable to get metrics for resource ${resource}: no metrics returned from resource metrics API`;

/** What one metric asks for at `now`, given the target's present number of replicas. */
export function measure(metric: MetricSpec, samples: readonly Sample[], replicas: number, now: number): Measurement {
  const target = targetOf(metric);
  if (!target) return { failure: `${metric.type} metrics are not served by this cluster` };
  const { resource, utilization } = target;
  const groups = grouped(samples, resource, now);
  if (groups.measured.length === 0) {
    const isSilent = groups.starting.every(({ usage }) => usage === undefined);
    return { failure: wordFailure(target, isSilent ? noMetrics(resource) : noneReady) };
  }
  if (utilization === undefined) return byValue(target, groups, replicas);
  const lacking = samples.find(({ pod }) => isActive(pod) && requestOf(pod, resource, target.unit) === undefined);
  if (lacking) return { failure: wordFailure(target, missingRequest(resource, lacking.pod)) };
  return byUtilization(target, utilization, groups, replicas);
}

const wordFailure = ({ resource, utilization }: Target, why: string) =>
  utilization === undefined
    ? `failed to get ${resource} usage: ${why}`
    : `failed to get ${resource} utilization: ${why}`;

const noneReady = "did not receive metrics for targeted pods (pods might be unready)";

const missingRequest = (resource: string, { spec, metadata }: Pod) =>
  `missing request for ${resource} in container ${spec?.containers[0]?.name} of Pod ${metadata?.name}`;

function byUtilization({ resource, unit }: Target, utilization: number, groups: Groups, replicas: number): Measurement {
  const { measured } = groups;
  const used = usedBy(measured, unit);
  const requested = (samples: readonly Sample[]) =>
    samples.reduce((sum, { pod }) => sum + (requestOf(pod, resource, unit) ?? 0), 0);
  const current = Math.floor((used / requested(measured)) * 100);
  const averageValue = unit.format(used / measured.length);
  // On the way down all of the request, or the target where that is more.
  const most = Math.max(100, utilization) / 100;
  const ratioWith: RatioWith = (silent, isGrowing) => {
    const assumed = isGrowing ? 0 : requested(silent) * most;
    return (((used + assumed) / requested([...measured, ...silent])) * 100) / utilization;
  };
  return {
    replicas: replicasFor(current / utilization, groups, replicas, ratioWith),
    what: `${resource} resource utilization (percentage of request)`,
    status: { type: "Resource", resource: { name: resource, current: { averageUtilization: current, averageValue } } },
  };
}

function byValue({ resource, unit, averageValue = 0 }: Target, groups: Groups, replicas: number): Measurement {
  const { measured } = groups;
  const used = usedBy(measured, unit);
  const average = used / measured.length;
  const ratioWith: RatioWith = (silent, isGrowing) => {
    const assumed = isGrowing ? 0 : silent.length * averageValue;
    return (used + assumed) / ((measured.length + silent.length) * averageValue);
  };
  return {
    replicas: replicasFor(average / averageValue, groups, replicas, ratioWith),
    what: `${resource} resource`,
    status: { type: "Resource", resource: { name: resource, current: { averageValue: unit.format(average) } } },
  };
}

const usedBy = (samples: readonly Sample[], unit: Unit) =>
  samples.reduce((sum, { usage }) => sum + unit.used(usage ?? []), 0);

type RatioWith = (silent: readonly Sample[], isGrowing: boolean) => number;

/**
 * Pods of which nothing is known count as idle where more are asked for, and as busy where fewer are: whatever they do, it must not
 * make the change larger. If that turns the direction around, nothing is changed. Pods that start only hold growth back.
 */
function replicasFor(ratio: number, { measured, missing, starting }: Groups, replicas: number, ratioWith: RatioWith) {
  const isGrowing = ratio > 1;
  const silent = isGrowing ? [...missing, ...starting] : missing;
  if (silent.length === 0) return scaleBy(ratio, measured.length, replicas);
  const cautious = ratioWith(silent, isGrowing);
  if (cautious > 1 !== isGrowing) return replicas;
  const scaled = scaleBy(cautious, measured.length + silent.length, replicas);
  return isGrowing ? Math.max(scaled, replicas) : Math.min(scaled, replicas);
}

const scaleBy = (ratio: number, count: number, replicas: number) =>
  Math.abs(ratio - 1) <= tolerance ? replicas : Math.ceil(Number((ratio * count).toFixed(6)));
