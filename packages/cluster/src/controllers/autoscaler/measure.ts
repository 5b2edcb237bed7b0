/** From what pods use to how many there should be, for one metric: pure arithmetic of the horizontal pod autoscaler. */
import type { MetricSpec, MetricStatus } from "kubernetes-types/autoscaling/v2.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { ContainerUsage } from "../../kubelet/types.ts";
import { quantityMilli, quantityValue } from "../../machinery/quantity.ts";
import { isActive, isReady } from "../harness/pods.ts";

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

const noMetrics = (resource: string) =>
  `unable to get metrics for resource ${resource}: no metrics returned from resource metrics API`;

/** What one metric asks for, given the target's present number of replicas. */
export function measure(metric: MetricSpec, samples: readonly Sample[], replicas: number): Measurement {
  const target = targetOf(metric);
  if (!target) return { failure: `${metric.type} metrics are not served by this cluster` };
  const { resource, utilization } = target;
  const active = samples.filter(({ pod }) => isActive(pod));
  const measured = active.filter((sample) => isUsable(sample, resource));
  if (measured.length === 0) return { failure: wordFailure(target, noMetrics(resource)) };
  if (utilization === undefined) return byValue(target, measured, active.length, replicas);
  const lacking = active.find(({ pod }) => requestOf(pod, resource, target.unit) === undefined);
  if (lacking) return { failure: wordFailure(target, missingRequest(resource, lacking.pod)) };
  return byUtilization(target, utilization, measured, active, replicas);
}

const wordFailure = ({ resource, utilization }: Target, why: string) =>
  utilization === undefined
    ? `failed to get ${resource} usage: ${why}`
    : `failed to get ${resource} utilization: ${why}`;

const missingRequest = (resource: string, { spec, metadata }: Pod) =>
  `missing request for ${resource} in container ${spec?.containers[0]?.name} of Pod ${metadata?.name}`;

/** A pod that is not ready may burn CPU only to start. */
const isUsable = ({ pod, usage }: Sample, resource: string) =>
  usage !== undefined && (resource !== "cpu" || isReady(pod));

function byUtilization(
  { resource, unit }: Target,
  utilization: number,
  measured: readonly Sample[],
  active: readonly Sample[],
  replicas: number,
): Measurement {
  const used = measured.reduce((sum, { usage }) => sum + unit.used(usage ?? []), 0);
  const requested = (samples: readonly Sample[]) =>
    samples.reduce((sum, { pod }) => sum + (requestOf(pod, resource, unit) ?? 0), 0);
  const current = Math.floor((used / requested(measured)) * 100);
  const ratio = cautiousRatio(current / utilization, (assumed) => {
    const unmeasured = requested(active) - requested(measured);
    return ((used + (unmeasured * assumed * utilization) / 100) / requested(active)) * (100 / utilization);
  });
  const averageValue = unit.format(used / measured.length);
  return {
    replicas: scaleBy(ratio, active.length, replicas),
    what: `${resource} resource utilization (percentage of request)`,
    status: { type: "Resource", resource: { name: resource, current: { averageUtilization: current, averageValue } } },
  };
}

function byValue(
  { resource, unit, averageValue = 0 }: Target,
  measured: readonly Sample[],
  count: number,
  replicas: number,
): Measurement {
  const used = measured.reduce((sum, { usage }) => sum + unit.used(usage ?? []), 0);
  const average = used / measured.length;
  const ratio = cautiousRatio(average / averageValue, (assumed) => {
    return (used + (count - measured.length) * assumed * averageValue) / (count * averageValue);
  });
  return {
    replicas: scaleBy(ratio, count, replicas),
    what: `${resource} resource`,
    status: { type: "Resource", resource: { name: resource, current: { averageValue: unit.format(average) } } },
  };
}

/**
 * Pods that were not measured count as idle where more are asked for, and as just right where fewer are: whatever they do, it must not
 * make the change larger. If that turns the direction around, nothing is changed.
 */
function cautiousRatio(ratio: number, withUnmeasured: (assumed: number) => number): number {
  const cautious = withUnmeasured(ratio > 1 ? 0 : 1);
  return ratio > 1 === cautious > 1 ? cautious : 1;
}

const scaleBy = (ratio: number, count: number, replicas: number) =>
  Math.abs(ratio - 1) <= tolerance ? replicas : Math.ceil(Number((ratio * count).toFixed(6)));
