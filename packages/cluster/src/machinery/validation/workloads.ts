/** Rules of apps, batch and autoscaling. */
import { items } from "../defaults/fill.ts";
import { jsonEqual } from "../json.ts";
import { matchesSelector, selectorOf } from "../selectors.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { validateTemplate } from "./pod.ts";
import { immutable, notNegative, oneOf, validateAmount } from "./rules.ts";
import { validateSchedule, validateTimeZone } from "./schedule.ts";
import { validateSelector } from "./selector.ts";
import { validateClaimSpec } from "./storage.ts";

/** What every workload with a selector and a template has. `kind` is in lower case, as messages have it. */
function validateSelected(spec: ApiObject, kind: string): FieldError[] {
  return [
    ...notNegative("spec.replicas", spec.replicas),
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...notNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
    ...selectsTemplate(spec, kind),
    ...validateTemplate("spec.template", withClaims(spec)),
    ...oneOf("spec.template.spec.restartPolicy", spec.template?.spec?.restartPolicy, ["Always"]),
  ];
}

/** The claims of a StatefulSet are volumes of its pods. */
function withClaims({ template, volumeClaimTemplates }: ApiObject): ApiObject {
  const claims = items(volumeClaimTemplates).map(({ metadata }) => ({
    name: metadata?.name,
    persistentVolumeClaim: { claimName: "-" },
  }));
  if (claims.length === 0) return template;
  const own = items(template?.spec?.volumes).filter(({ name }) => !claims.some((claim) => claim.name === name));
  return { ...template, spec: { ...template?.spec, volumes: [...own, ...claims] } };
}

function selectsTemplate({ selector, template }: ApiObject, kind: string): FieldError[] {
  if (!selector) return [required("spec.selector")];
  const malformed = validateSelector("spec.selector", selector);
  if (malformed.length > 0) return malformed;
  const requirements = selectorOf(selector);
  if (requirements.length === 0) return [invalid("spec.selector", selector, `empty selector is invalid for ${kind}`)];
  const labels = template?.metadata?.labels;
  if (matchesSelector(requirements, labels)) return [];
  return [invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`")];
}

export const validateDeployment = ({ spec }: ApiObject): FieldError[] => [
  ...validateSelected(spec, "deployment"),
  ...validateStrategy(spec.strategy),
  ...notNegative("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds),
  ...(spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)
    ? [invalid("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, "must be greater than minReadySeconds")]
    : []),
];

function validateStrategy({ type, rollingUpdate }: ApiObject): FieldError[] {
  const field = "spec.strategy.rollingUpdate";
  const errors = oneOf("spec.strategy.type", type, ["Recreate", "RollingUpdate"]);
  if (type === "Recreate" && rollingUpdate)
    return [...errors, forbidden(field, "may not be specified when strategy `type` is 'Recreate'")];
  errors.push(...validateAmount(`${field}.maxUnavailable`, rollingUpdate?.maxUnavailable, true));
  errors.push(...validateAmount(`${field}.maxSurge`, rollingUpdate?.maxSurge));
  const isStuck = [0, "0%"].includes(rollingUpdate?.maxUnavailable) && [0, "0%"].includes(rollingUpdate?.maxSurge);
  if (!isStuck) return errors;
  return [
    ...errors,
    invalid(`${field}.maxUnavailable`, rollingUpdate.maxUnavailable, "may not be 0 when `maxSurge` is 0"),
  ];
}

export const validateReplicaSet = ({ spec }: ApiObject): FieldError[] => validateSelected(spec, "deployment");
export const validateDaemonSet = ({ spec }: ApiObject): FieldError[] => [
  ...validateSelected(spec, "daemonset"),
  ...oneOf("spec.updateStrategy.type", spec.updateStrategy.type, ["RollingUpdate", "OnDelete"]),
];

const retention = (spec: ApiObject): ApiObject => spec.persistentVolumeClaimRetentionPolicy ?? {};

export const validateStatefulSet = ({ spec }: ApiObject): FieldError[] => [
  ...oneOf("spec.podManagementPolicy", spec.podManagementPolicy, ["OrderedReady", "Parallel"]),
  ...oneOf("spec.updateStrategy.type", spec.updateStrategy.type, ["RollingUpdate", "OnDelete"]),
  ...notNegative("spec.updateStrategy.rollingUpdate.partition", spec.updateStrategy.rollingUpdate?.partition),
  ...notNegative("spec.ordinals.start", spec.ordinals?.start),
  ...oneOf("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", retention(spec).whenDeleted, ["Delete", "Retain"]),
  ...oneOf("spec.persistentVolumeClaimRetentionPolicy.whenScaled", retention(spec).whenScaled, ["Delete", "Retain"]),
  ...validateSelected(spec, "statefulset"),
  ...items(spec.volumeClaimTemplates).flatMap((claim, index) =>
    validateClaimSpec(`spec.volumeClaimTemplates[${index}].spec`, claim.spec),
  ),
];

/** The selector names the pods that a workload owns; another one would lose them. */
export const keepsSelector = ({ spec }: ApiObject, old: ApiObject): FieldError[] =>
  immutable("spec.selector", spec.selector, old.spec.selector);

const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

export function validateStatefulSetUpdate({ spec }: ApiObject, old: ApiObject): FieldError[] {
  const fields = new Set([...Object.keys(spec), ...Object.keys(old.spec)]);
  const isFixed = [...fields].every((field) => changeable.includes(field) || jsonEqual(spec[field], old.spec[field]));
  const names = changeable
    .slice(0, -1)
    .map((field) => `'${field}'`)
    .join(", ");
  const detail = `updates to statefulset spec for fields other than ${names} and '${changeable.at(-1)}' are forbidden`;
  return isFixed ? [] : [forbidden("spec", detail)];
}

const endingPolicies = ["OnFailure", "Never"];

/** The pods of a job end. Who says nothing gets a pod's default, which would not, and is asked to choose. */
const endingPolicy = (field: string, policy: unknown): FieldError[] =>
  policy === "Always"
    ? [required(field, `valid values: ${endingPolicies.map((each) => JSON.stringify(each)).join(", ")}`)]
    : oneOf(field, policy, endingPolicies);

export const validateJob = ({ spec }: ApiObject): FieldError[] => [
  ...notNegative("spec.parallelism", spec.parallelism),
  ...notNegative("spec.completions", spec.completions),
  ...notNegative("spec.backoffLimit", spec.backoffLimit),
  ...notNegative("spec.ttlSecondsAfterFinished", spec.ttlSecondsAfterFinished),
  ...notNegative("spec.activeDeadlineSeconds", spec.activeDeadlineSeconds),
  ...validateTemplate("spec.template", spec.template),
  ...endingPolicy("spec.template.spec.restartPolicy", spec.template?.spec?.restartPolicy),
  ...oneOf("spec.completionMode", spec.completionMode, ["NonIndexed", "Indexed"]),
  ...(spec.completionMode === "Indexed" && spec.completions === undefined
    ? [required("spec.completions", "when completion mode is Indexed")]
    : []),
];

export const validateJobUpdate = ({ spec }: ApiObject, old: ApiObject): FieldError[] => [
  ...(spec.completionMode === "Indexed" ? [] : immutable("spec.completions", spec.completions, old.spec.completions)),
  ...immutable("spec.selector", spec.selector, old.spec.selector),
  ...(old.spec.suspend ? [] : immutable("spec.template", spec.template, old.spec.template)),
  ...immutable("spec.completionMode", spec.completionMode, old.spec.completionMode),
];

/** The controller adds to the name to make names of its jobs. */
const nameWithin = (most: number, name = ""): FieldError[] =>
  name.length > most ? [invalid("metadata.name", name, `must be no more than ${most} characters`)] : [];

export function validateCronJob({ metadata, spec }: ApiObject): FieldError[] {
  const job = spec.jobTemplate?.spec ?? {};
  const path = "spec.jobTemplate.spec";
  return [
    ...nameWithin(52, metadata?.name),
    ...(spec.schedule ? validateSchedule("spec.schedule", String(spec.schedule)) : [required("spec.schedule")]),
    ...validateTimeZone("spec.timeZone", spec.timeZone),
    ...notNegative("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit),
    ...notNegative("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit),
    ...oneOf("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]),
    ...notNegative("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds),
    ...validateTemplate(`${path}.template`, job.template),
    ...endingPolicy(`${path}.template.spec.restartPolicy`, job.template?.spec?.restartPolicy),
  ];
}
