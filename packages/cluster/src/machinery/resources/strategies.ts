/** The kinds' own rules. A kind without a row here has only the rules that all share. */
import { admitPod } from "../admission/pods.ts";
import * as core from "../defaults/core.ts";
import * as network from "../defaults/network.ts";
import { defaultPod, defaultTemplate } from "../defaults/pod.ts";
import * as storage from "../defaults/storage.ts";
import * as workloads from "../defaults/workloads.ts";
import * as prepare from "../prepare/core.ts";
import { preparePod } from "../prepare/pods.ts";
import { allocateService, prepareService } from "../prepare/services.ts";
import type { ResourceKey } from "../store.ts";
import type { Strategy } from "./row.ts";

const rbac: Strategy = { nameRule: "pathSegment", isCreatedByPut: true };

export const strategies: Readonly<Record<ResourceKey, Strategy>> = {
  namespaces: { nameRule: "label", selectableFields: ["status.phase", "name"], prepare: prepare.prepareNamespace },
  nodes: { selectableFields: ["spec.unschedulable"], defaults: core.defaultNode },
  pods: {
    hasGeneration: true,
    selectableFields: [
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "spec.hostNetwork",
      "status.phase",
      "status.podIP",
      "status.nominatedNodeName",
    ],
    defaults: defaultPod,
    admit: admitPod,
    prepare: preparePod,
  },
  services: {
    nameRule: "label1035",
    isCreatedByPut: true,
    selectableFields: ["spec.clusterIP", "spec.type"],
    defaults: network.defaultService,
    prepare: prepareService,
    allocate: allocateService,
  },
  endpoints: { isCreatedByPut: true, defaults: network.defaultEndpoints },
  secrets: { selectableFields: ["type"], defaults: core.defaultSecret },
  persistentvolumes: { defaults: storage.defaultVolume, prepare: prepare.prepareVolume },
  persistentvolumeclaims: { defaults: storage.defaultClaim, prepare: prepare.prepareClaim },
  events: {
    isCreatedByPut: true,
    selectableFields: [
      "involvedObject.kind",
      "involvedObject.namespace",
      "involvedObject.name",
      "involvedObject.uid",
      "involvedObject.apiVersion",
      "involvedObject.resourceVersion",
      "involvedObject.fieldPath",
      "reason",
      "reportingComponent",
      "source",
      "type",
    ],
  },
  replicationcontrollers: {
    hasGeneration: true,
    propagation: "Orphan",
    selectableFields: ["status.replicas"],
    defaults: workloads.defaultReplicationController,
    prepare: prepare.beginStatus({ replicas: 0 }),
  },
  limitranges: { isCreatedByPut: true },
  resourcequotas: { prepare: prepare.beginStatus() },
  podtemplates: { hasGeneration: true, defaults: (object) => defaultTemplate(object.template) },
  "statefulsets.apps": {
    hasGeneration: true,
    defaults: workloads.defaultStatefulSet,
    prepare: prepare.beginStatus({ replicas: 0, availableReplicas: 0 }),
  },
  "deployments.apps": {
    hasGeneration: true,
    defaults: workloads.defaultDeployment,
    prepare: prepare.beginStatus(),
  },
  "replicasets.apps": {
    hasGeneration: true,
    selectableFields: ["status.replicas"],
    defaults: workloads.defaultReplicaSet,
    prepare: prepare.beginStatus({ replicas: 0 }),
  },
  "daemonsets.apps": {
    hasGeneration: true,
    defaults: workloads.defaultDaemonSet,
    prepare: prepare.beginStatus({
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    }),
  },
  "jobs.batch": {
    hasGeneration: true,
    propagation: "Orphan",
    selectableFields: ["status.successful"],
    defaults: workloads.defaultJob,
    prepare: (job, context, old) => {
      prepare.prepareJob(job, context, old);
      prepare.beginStatus()(job);
    },
  },
  "cronjobs.batch": { hasGeneration: true, defaults: workloads.defaultCronJob, prepare: prepare.beginStatus() },
  "horizontalpodautoscalers.autoscaling": {
    defaults: workloads.defaultHorizontalPodAutoscaler,
    prepare: prepare.beginStatus({ desiredReplicas: 0 }),
  },
  "poddisruptionbudgets.policy": {
    hasGeneration: true,
    isVersionRequired: true,
    prepare: prepare.beginStatus({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
  },
  "leases.coordination.k8s.io": { isVersionRequired: true, isCreatedByPut: true },
  "roles.rbac.authorization.k8s.io": rbac,
  "rolebindings.rbac.authorization.k8s.io": { ...rbac, defaults: core.defaultBinding },
  "clusterroles.rbac.authorization.k8s.io": rbac,
  "clusterrolebindings.rbac.authorization.k8s.io": { ...rbac, defaults: core.defaultBinding },
  "ingresses.networking.k8s.io": { hasGeneration: true, prepare: prepare.beginStatus({ loadBalancer: {} }) },
  "ingressclasses.networking.k8s.io": { hasGeneration: true },
  "networkpolicies.networking.k8s.io": { hasGeneration: true, defaults: network.defaultNetworkPolicy },
  "endpointslices.discovery.k8s.io": { hasGeneration: true, defaults: network.defaultEndpointSlice },
  "storageclasses.storage.k8s.io": { defaults: storage.defaultStorageClass },
  "priorityclasses.scheduling.k8s.io": { hasGeneration: true, defaults: core.defaultPriorityClass },
  "customresourcedefinitions.apiextensions.k8s.io": {
    hasGeneration: true,
    isVersionRequired: true,
    defaults: core.defaultCustomResourceDefinition,
    prepare: prepare.prepareCustomResourceDefinition,
  },
};
