/**
 * Rules of the kinds that extend the API server or describe drivers and runtimes. Where this cluster has no part that acts on a kind, its
 * objects are kept and listed as elsewhere, and whoever writes one is warned.
 */
import * as defaults from "../defaults/extensions.ts";
import type { ResourceKey } from "../store.ts";
import * as rules from "../validation/extensions.ts";
import type { Strategy, WriteContext } from "./row.ts";

/** Tells people; the cluster's own parts know. */
const warning =
  (text: string): NonNullable<Strategy["admit"]> =>
  (_object, context: WriteContext) => {
    if (!context.isInternal) context.warn(text);
  };

const fairness: Strategy = {
  hasGeneration: true,
  admit: warning(
    "this cluster has no API Priority and Fairness: the object is stored, and requests are served in the order in which they come",
  ),
};

const devices: Strategy = {
  admit: warning("this cluster has no device drivers: the object is stored, and pods that need devices stay Pending"),
};

const drivers = warning(
  "this cluster runs no CSI drivers: the object is stored, and volumes are provisioned from this machine's disk",
);

export const extensionStrategies: Readonly<Record<ResourceKey, Strategy>> = {
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": {
    hasGeneration: true,
    defaults: defaults.defaultMutatingWebhooks,
    validate: rules.validateWebhooks,
  },
  "validatingwebhookconfigurations.admissionregistration.k8s.io": {
    hasGeneration: true,
    defaults: defaults.defaultValidatingWebhooks,
    validate: rules.validateWebhooks,
  },
  "validatingadmissionpolicies.admissionregistration.k8s.io": {
    hasGeneration: true,
    defaults: defaults.defaultAdmissionPolicy,
    validate: rules.validateAdmissionPolicy,
  },
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": {
    hasGeneration: true,
    defaults: defaults.defaultAdmissionPolicyBinding,
    validate: rules.validateAdmissionPolicyBinding,
  },
  "runtimeclasses.node.k8s.io": {
    admit: warning("every pod of this cluster runs as processes of this machine, whatever its runtimeClassName"),
    validate: rules.validateRuntimeClass,
    validateUpdate: rules.validateRuntimeClassUpdate,
  },
  "csidrivers.storage.k8s.io": {
    hasGeneration: true,
    admit: drivers,
    defaults: defaults.defaultCsiDriver,
    validate: rules.validateCsiDriver,
  },
  "csinodes.storage.k8s.io": { validate: rules.validateCsiNode },
  "csistoragecapacities.storage.k8s.io": { admit: drivers },
  "volumeattachments.storage.k8s.io": {
    admit: drivers,
    validate: rules.validateVolumeAttachment,
    validateUpdate: rules.keepsSpec,
  },
  "volumeattributesclasses.storage.k8s.io": {
    admit: drivers,
    validate: rules.validateVolumeAttributesClass,
    validateUpdate: rules.validateVolumeAttributesClassUpdate,
  },
  "deviceclasses.resource.k8s.io": { ...devices, hasGeneration: true },
  "resourceclaims.resource.k8s.io": { ...devices, validateUpdate: rules.keepsSpec },
  "resourceclaimtemplates.resource.k8s.io": { ...devices, validateUpdate: rules.keepsSpec },
  "resourceslices.resource.k8s.io": { ...devices, hasGeneration: true },
  "flowschemas.flowcontrol.apiserver.k8s.io": {
    ...fairness,
    defaults: defaults.defaultFlowSchema,
    validate: rules.validateFlowSchema,
  },
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": {
    ...fairness,
    defaults: defaults.defaultPriorityLevel,
    validate: rules.validatePriorityLevel,
  },
};
