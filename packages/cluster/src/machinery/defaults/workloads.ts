/** Defaults of apps, batch and autoscaling. */
import type { ApiObject } from "../types.ts";
import { fill, items } from "./fill.ts";
import { defaultTemplate } from "./pod.ts";
import { defaultClaimSpec } from "./storage.ts";

/** `spec` is there after this, so that the rest need not ask. */
function specOf(object: ApiObject): ApiObject {
  object.spec ??= {};
  return object.spec;
}

export function defaultDeployment(deployment: ApiObject): void {
  const spec = fill(specOf(deployment), {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {},
  });
  fill(spec.strategy, { type: "RollingUpdate" });
  if (spec.strategy.type === "RollingUpdate")
    spec.strategy.rollingUpdate = fill(spec.strategy.rollingUpdate ?? {}, { maxSurge: "25%", maxUnavailable: "25%" });
  defaultTemplate(spec.template);
}

export function defaultReplicaSet(replicaSet: ApiObject): void {
  defaultTemplate(fill(specOf(replicaSet), { replicas: 1 }).template);
}

export function defaultReplicationController(controller: ApiObject): void {
  const spec = fill(specOf(controller), { replicas: 1 });
  defaultTemplate(spec.template);
  const labels = spec.template?.metadata?.labels;
  if (labels) fill(spec, { selector: { ...labels } });
  if (labels && controller.metadata) controller.metadata.labels ??= { ...labels };
}

export function defaultStatefulSet(set: ApiObject): void {
  const spec = fill(specOf(set), {
    replicas: 1,
    podManagementPolicy: "OrderedReady",
    revisionHistoryLimit: 10,
    updateStrategy: {},
    persistentVolumeClaimRetentionPolicy: {},
  });
  fill(spec.persistentVolumeClaimRetentionPolicy, { whenDeleted: "Retain", whenScaled: "Retain" });
  fill(spec.updateStrategy, { type: "RollingUpdate" });
  if (spec.updateStrategy.type === "RollingUpdate")
    spec.updateStrategy.rollingUpdate = fill(spec.updateStrategy.rollingUpdate ?? {}, { partition: 0 });
  defaultTemplate(spec.template);
  items(spec.volumeClaimTemplates).forEach(defaultClaimTemplate);
}

function defaultClaimTemplate(claim: ApiObject): void {
  fill(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim", status: {} });
  fill(claim.status, { phase: "Pending" });
  claim.spec ??= {};
  defaultClaimSpec(claim.spec);
}

export function defaultDaemonSet(set: ApiObject): void {
  const spec = fill(specOf(set), { revisionHistoryLimit: 10, updateStrategy: {} });
  fill(spec.updateStrategy, { type: "RollingUpdate" });
  if (spec.updateStrategy.type === "RollingUpdate")
    spec.updateStrategy.rollingUpdate = fill(spec.updateStrategy.rollingUpdate ?? {}, {
      maxUnavailable: 1,
      maxSurge: 0,
    });
  defaultTemplate(spec.template);
}

export function defaultJob(job: ApiObject): void {
  const spec = specOf(job);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  fill(spec, {
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1,
    completionMode: "NonIndexed",
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed",
  });
  defaultTemplate(spec.template);
}

export function defaultCronJob(cronJob: ApiObject): void {
  const spec = fill(specOf(cronJob), {
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  });
  if (!spec.jobTemplate) return;
  spec.jobTemplate.metadata ??= {};
  defaultTemplate(spec.jobTemplate.spec?.template);
}

const cpuAtEightyPercent = () => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
});

export function defaultHorizontalPodAutoscaler(autoscaler: ApiObject): void {
  const spec = fill(specOf(autoscaler), { minReplicas: 1 });
  if (items(spec.metrics).length === 0) spec.metrics = [cpuAtEightyPercent()];
  if (spec.behavior) defaultScaling(spec.behavior);
}

function defaultScaling(behavior: ApiObject): void {
  behavior.scaleUp = fill(behavior.scaleUp ?? {}, {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 },
    ],
  });
  behavior.scaleDown = fill(behavior.scaleDown ?? {}, {
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  });
}
