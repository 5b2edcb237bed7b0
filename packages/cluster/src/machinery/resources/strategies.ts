/** The kinds' own rules. A kind without a row here has only the rules that all share. */
import { validateFault, validateFaultUpdate } from "../../faults/validation.ts";
import { admitIngress } from "../admission/ingress.ts";
import { admitNamespace, validatePodSecurityLabels, warnOfTemplate } from "../admission/pod-security.ts";
import { admitPod } from "../admission/pods.ts";
import { admitPriorityClass } from "../admission/priority.ts";
import { certificateRequests } from "../certificates/strategy.ts";
import * as core from "../defaults/core.ts";
import * as network from "../defaults/network.ts";
import { defaultPod, defaultTemplate } from "../defaults/pod.ts";
import { defaultPriorityClass } from "../defaults/priority.ts";
import * as storage from "../defaults/storage.ts";
import * as workloads from "../defaults/workloads.ts";
import * as prepare from "../prepare/core.ts";
import { preparePod } from "../prepare/pods.ts";
import { allocateService, prepareService } from "../prepare/services.ts";
import { defaultLimitRange } from "../quota/limit-range.ts";
import type { ResourceKey } from "../store.ts";
import { validateHorizontalPodAutoscaler } from "../validation/autoscaler.ts";
import * as coreRules from "../validation/core.ts";
import { validateIngress } from "../validation/ingress.ts";
import * as networkRules from "../validation/network.ts";
import * as pod from "../validation/pod.ts";
import { validateNetworkPolicy } from "../validation/policy.ts";
import { validatePriorityClass, validatePriorityClassUpdate } from "../validation/priority.ts";
import * as rbac from "../validation/rbac.ts";
import * as storageRules from "../validation/storage.ts";
import * as work from "../validation/workloads.ts";
import { extensionStrategies } from "./extensions.ts";
import type { Strategy } from "./row.ts";

const role: Strategy = { nameRule: "pathSegment", isCreatedByPut: true, validate: rbac.validateRole };

const binding: Strategy = {
  nameRule: "pathSegment",
  isCreatedByPut: true,
  defaults: core.defaultBinding,
  validate: rbac.validateRoleBinding,
  validateUpdate: rbac.validateBindingUpdate,
};

const warnOfPods = warnOfTemplate(({ spec }) => spec?.template);

const beginDaemonSetStatus = prepare.beginStatus({
  currentNumberScheduled: 0,
  numberMisscheduled: 0,
  desiredNumberScheduled: 0,
  numberReady: 0,
});

export const strategies: Readonly<Record<ResourceKey, Strategy>> = {
  namespaces: {
    nameRule: "label",
    selectableFields: ["status.phase", "name"],
    admit: admitNamespace,
    prepare: prepare.prepareNamespace,
    validate: validatePodSecurityLabels,
  },
  nodes: { selectableFields: ["spec.unschedulable"], defaults: core.defaultNode },
  pods: {
    validate: pod.validatePod,
    validateUpdate: pod.validatePodUpdate,
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
    validate: networkRules.validateService,
    validateUpdate: networkRules.validateServiceUpdate,
    nameRule: "label1035",
    isCreatedByPut: true,
    selectableFields: ["spec.clusterIP", "spec.type"],
    defaults: network.defaultService,
    prepare: prepareService,
    allocate: allocateService,
  },
  endpoints: { isCreatedByPut: true, defaults: network.defaultEndpoints },
  configmaps: { validate: coreRules.validateConfigMap, validateUpdate: coreRules.validateImmutable },
  secrets: {
    validate: coreRules.validateSecret,
    validateUpdate: coreRules.validateSecretUpdate,
    selectableFields: ["type"],
    defaults: core.defaultSecret,
  },
  persistentvolumes: {
    validate: storageRules.validateVolume,
    defaults: storage.defaultVolume,
    prepare: prepare.prepareVolume,
  },
  persistentvolumeclaims: {
    validate: storageRules.validateClaim,
    validateUpdate: storageRules.validateClaimUpdate,
    defaults: storage.defaultClaim,
    prepare: prepare.prepareClaim,
  },
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
    admit: warnOfPods,
    hasGeneration: true,
    propagation: "Orphan",
    selectableFields: ["status.replicas"],
    defaults: workloads.defaultReplicationController,
    prepare: prepare.beginStatus({ replicas: 0 }),
  },
  limitranges: { isCreatedByPut: true, defaults: defaultLimitRange },
  resourcequotas: { prepare: prepare.beginStatus() },
  podtemplates: { hasGeneration: true, defaults: (object) => defaultTemplate(object.template) },
  "statefulsets.apps": {
    admit: warnOfPods,
    validate: work.validateStatefulSet,
    validateUpdate: work.validateStatefulSetUpdate,
    hasGeneration: true,
    defaults: workloads.defaultStatefulSet,
    prepare: prepare.beginStatus({ replicas: 0, availableReplicas: 0 }),
  },
  "deployments.apps": {
    admit: warnOfPods,
    validate: work.validateDeployment,
    validateUpdate: work.keepsSelector,
    hasGeneration: true,
    defaults: workloads.defaultDeployment,
    prepare: prepare.beginStatus(),
  },
  "replicasets.apps": {
    admit: warnOfPods,
    validate: work.validateReplicaSet,
    validateUpdate: work.keepsSelector,
    hasGeneration: true,
    selectableFields: ["status.replicas"],
    defaults: workloads.defaultReplicaSet,
    prepare: prepare.beginStatus({ replicas: 0 }),
  },
  "daemonsets.apps": {
    admit: warnOfPods,
    validate: work.validateDaemonSet,
    validateUpdate: work.keepsSelector,
    hasGeneration: true,
    defaults: workloads.defaultDaemonSet,
    prepare: (set, context, old) => {
      prepare.prepareDaemonSet(set, context, old);
      beginDaemonSetStatus(set);
    },
  },
  "jobs.batch": {
    admit: warnOfPods,
    validate: work.validateJob,
    validateUpdate: work.validateJobUpdate,
    hasGeneration: true,
    propagation: "Orphan",
    selectableFields: ["status.successful"],
    defaults: workloads.defaultJob,
    prepare: (job, context, old) => {
      prepare.prepareJob(job, context, old);
      prepare.beginStatus()(job);
    },
  },
  "cronjobs.batch": {
    admit: warnOfTemplate(({ spec }) => spec?.jobTemplate?.spec?.template),
    validate: work.validateCronJob,
    hasGeneration: true,
    defaults: workloads.defaultCronJob,
    prepare: prepare.beginStatus(),
  },
  "horizontalpodautoscalers.autoscaling": {
    validate: validateHorizontalPodAutoscaler,
    defaults: workloads.defaultHorizontalPodAutoscaler,
    prepare: prepare.beginStatus({ desiredReplicas: 0 }),
  },
  "poddisruptionbudgets.policy": {
    validate: coreRules.validateDisruptionBudget,
    hasGeneration: true,
    isVersionRequired: true,
    prepare: prepare.beginStatus({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
  },
  "certificatesigningrequests.certificates.k8s.io": certificateRequests,
  "leases.coordination.k8s.io": {
    defaults: coreRules.readLease,
    validate: coreRules.validateLease,
    isVersionRequired: true,
    isCreatedByPut: true,
  },
  "roles.rbac.authorization.k8s.io": role,
  "rolebindings.rbac.authorization.k8s.io": binding,
  "clusterroles.rbac.authorization.k8s.io": { ...role, validate: rbac.validateClusterRole },
  "clusterrolebindings.rbac.authorization.k8s.io": { ...binding, validate: rbac.validateClusterRoleBinding },
  "ingresses.networking.k8s.io": {
    admit: admitIngress,
    validate: validateIngress,
    hasGeneration: true,
    prepare: prepare.beginStatus({ loadBalancer: {} }),
  },
  "ingressclasses.networking.k8s.io": { hasGeneration: true },
  "networkpolicies.networking.k8s.io": {
    validate: validateNetworkPolicy,
    hasGeneration: true,
    defaults: network.defaultNetworkPolicy,
  },
  "endpointslices.discovery.k8s.io": {
    validate: networkRules.validateEndpointSlice,
    hasGeneration: true,
    defaults: network.defaultEndpointSlice,
  },
  "storageclasses.storage.k8s.io": {
    validate: storageRules.validateStorageClass,
    validateUpdate: storageRules.validateStorageClassUpdate,
    defaults: storage.defaultStorageClass,
  },
  "priorityclasses.scheduling.k8s.io": {
    hasGeneration: true,
    defaults: defaultPriorityClass,
    admit: admitPriorityClass,
    validate: validatePriorityClass,
    validateUpdate: validatePriorityClassUpdate,
  },
  "customresourcedefinitions.apiextensions.k8s.io": {
    validate: coreRules.validateCustomResourceDefinition,
    hasGeneration: true,
    isVersionRequired: true,
    defaults: core.defaultCustomResourceDefinition,
    prepare: prepare.prepareCustomResourceDefinition,
  },
  ...extensionStrategies,
  "faults.faults.coracle.dev": { validate: validateFault, validateUpdate: validateFaultUpdate, nameRule: "label" },
};
