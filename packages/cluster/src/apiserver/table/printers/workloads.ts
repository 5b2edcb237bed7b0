import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Scale } from "kubernetes-types/autoscaling/v1.js";
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from "kubernetes-types/autoscaling/v2.js";
import type { CronJob, Job } from "kubernetes-types/batch/v1.js";
import type { PodTemplateSpec, ReplicationController } from "kubernetes-types/core/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import {
  ageColumn,
  column,
  containersColumn,
  count,
  formatLabels,
  imagesColumn,
  nameColumn,
  none,
  printer,
  selectorColumn,
  unset,
  wide,
} from "../columns.ts";
import { humanDuration, since } from "../duration.ts";

type Replicated = Pick<ReplicaSet | ReplicationController, "metadata" | "status"> & {
  readonly spec?: { readonly replicas?: number; readonly template?: PodTemplateSpec };
};

const replicaColumns = [
  nameColumn,
  count<Replicated>("Desired", ({ spec }) => spec?.replicas ?? 0),
  count<Replicated>("Current", ({ status }) => status?.replicas ?? 0),
  count<Replicated>("Ready", ({ status }) => status?.readyReplicas ?? 0),
  ageColumn,
  containersColumn,
  imagesColumn,
];

/** Conditions of a Job in the order in which they decide its status. */
const jobStatuses = ["Complete", "Failed", "", "Suspended", "FailureTarget", "SuccessCriteriaMet"];

function jobStatus(job: Job): string {
  const isTrue = (type: string) => job.status?.conditions?.some((c) => c.type === type && c.status === "True");
  for (const type of jobStatuses) {
    if (type === "" && job.metadata?.deletionTimestamp) return "Terminating";
    if (type !== "" && isTrue(type)) return type;
  }
  return "Running";
}

function jobCompletions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Job, now: number): string {
  if (!status?.startTime) return "";
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return humanDuration(end - Date.parse(status.startTime));
}

const pythonBoolean = (value: boolean | undefined): string => (value === undefined ? unset : value ? "True" : "False");

function controllerOf({ metadata }: ControllerRevision): string {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
  if (owner === undefined) return none;
  const group = owner.apiVersion.includes("/") ? `.${owner.apiVersion.split("/")[0]}` : "";
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

const maxMetrics = 2;

function hpaTargets({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec?.metrics ?? [];
  if (metrics.length === 0) return none;
  const shown = metrics
    .slice(0, maxMetrics)
    .map((metric, i) => hpaTarget(metric, status?.currentMetrics?.[i]))
    .join(", ");
  return metrics.length > maxMetrics ? `${shown} + ${metrics.length - maxMetrics} more...` : shown;
}

function hpaTarget(metric: MetricSpec, current: MetricStatus | undefined): string {
  const resource = metric.resource ?? metric.containerResource;
  if (resource !== undefined) {
    const measured = (current?.resource ?? current?.containerResource)?.current;
    return `${resource.name}: ${currentAndTarget(measured, resource.target)}`;
  }
  const other = metric.pods ?? metric.object ?? metric.external;
  const measured = (current?.pods ?? current?.object ?? current?.external)?.current;
  const suffix = other?.target.averageValue !== undefined && metric.pods === undefined ? " (avg)" : "";
  return other === undefined ? "<unknown type>" : `${currentAndTarget(measured, other.target)}${suffix}`;
}

function currentAndTarget(measured: MetricValueStatus | undefined, target: MetricTarget): string {
  const unknown = "<unknown>";
  if (target.averageValue !== undefined) return `${measured?.averageValue ?? unknown}/${target.averageValue}`;
  if (target.averageUtilization !== undefined) {
    const now = measured?.averageUtilization;
    return `${now === undefined ? unknown : `${now}%`}/${target.averageUtilization}%`;
  }
  return `${measured?.value ?? unknown}/${target.value ?? "<auto>"}`;
}

export const workloadPrinters = {
  "deployments.apps": printer<Deployment>(
    nameColumn,
    column("Ready", ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    count("Up-to-date", ({ status }) => status?.updatedReplicas ?? 0),
    count("Available", ({ status }) => status?.availableReplicas ?? 0),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ),
  "statefulsets.apps": printer<StatefulSet>(
    nameColumn,
    column("Ready", ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    ageColumn,
    containersColumn,
    imagesColumn,
  ),
  "replicasets.apps": printer<ReplicaSet>(...replicaColumns, selectorColumn),
  replicationcontrollers: printer<ReplicationController>(
    ...replicaColumns,
    wide("Selector", ({ spec }) => formatLabels(spec?.selector)),
  ),
  "daemonsets.apps": printer<DaemonSet>(
    nameColumn,
    count("Desired", ({ status }) => status?.desiredNumberScheduled ?? 0),
    count("Current", ({ status }) => status?.currentNumberScheduled ?? 0),
    count("Ready", ({ status }) => status?.numberReady ?? 0),
    count("Up-to-date", ({ status }) => status?.updatedNumberScheduled ?? 0),
    count("Available", ({ status }) => status?.numberAvailable ?? 0),
    column("Node Selector", ({ spec }) => formatLabels(spec?.template?.spec?.nodeSelector)),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ),
  "controllerrevisions.apps": printer<ControllerRevision>(
    nameColumn,
    column("Controller", controllerOf),
    count("Revision", ({ revision }) => revision),
    ageColumn,
  ),
  "jobs.batch": printer<Job>(
    nameColumn,
    column("Status", jobStatus),
    column("Completions", jobCompletions),
    column("Duration", jobDuration),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ),
  "cronjobs.batch": printer<CronJob>(
    nameColumn,
    column("Schedule", ({ spec }) => spec?.schedule ?? ""),
    column("Timezone", ({ spec }) => spec?.timeZone ?? none),
    column("Suspend", ({ spec }) => pythonBoolean(spec?.suspend)),
    count("Active", ({ status }) => status?.active?.length ?? 0),
    column("Last Schedule", ({ status }, now) =>
      status?.lastScheduleTime ? since(status.lastScheduleTime, now) : none,
    ),
    ageColumn,
    wide("Containers", ({ spec }, now) => containersColumn.cell(spec?.jobTemplate ?? {}, now)),
    wide("Images", ({ spec }, now) => imagesColumn.cell(spec?.jobTemplate ?? {}, now)),
    wide("Selector", ({ spec }, now) => selectorColumn.cell(spec?.jobTemplate ?? {}, now)),
  ),
  "horizontalpodautoscalers.autoscaling": printer<HorizontalPodAutoscaler>(
    nameColumn,
    column("Reference", ({ spec }) => `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`),
    column("Targets", hpaTargets),
    column("MinPods", ({ spec }) => (spec?.minReplicas === undefined ? unset : String(spec.minReplicas))),
    count("MaxPods", ({ spec }) => spec?.maxReplicas ?? 0),
    count("Replicas", ({ status }) => status?.currentReplicas ?? 0),
    ageColumn,
  ),
  "scales.autoscaling": printer<Scale>(
    nameColumn,
    count("Desired", ({ spec }) => spec?.replicas ?? 0),
    count("Available", ({ status }) => status?.replicas ?? 0),
    ageColumn,
  ),
  "poddisruptionbudgets.policy": printer<PodDisruptionBudget>(
    nameColumn,
    column("Min Available", ({ spec }) => String(spec?.minAvailable ?? "N/A")),
    column("Max Unavailable", ({ spec }) => String(spec?.maxUnavailable ?? "N/A")),
    count("Allowed Disruptions", ({ status }) => status?.disruptionsAllowed ?? 0),
    ageColumn,
  ),
};
