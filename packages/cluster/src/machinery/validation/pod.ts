/** Rules of pods and pod templates. */
import { items } from "../defaults/fill.ts";
import { containersOf } from "../defaults/pod.ts";
import { isObject, jsonClone, jsonEqual } from "../json.ts";
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { localPath, validateContainer } from "./container.ts";
import { type FieldError, forbidden, invalid, required } from "./field-error.ts";
import { validateLabels } from "./metadata.ts";
import { validateSettings } from "./pod-settings.ts";
import { distinct, each, labelName, notNegative, oneOf, positive } from "./rules.ts";

export const validatePod = (pod: ApiObject, old?: ApiObject): FieldError[] => [
  ...validatePodSpec("spec", pod.spec ?? {}),
  ...(!old && items(pod.spec?.ephemeralContainers).length > 0
    ? [forbidden("spec.ephemeralContainers", "cannot be set on create")]
    : []),
];

export const validateTemplate = (path: string, template: ApiObject | undefined): FieldError[] => [
  ...validateLabels(`${path}.labels`, template?.metadata?.labels),
  ...validatePodSpec(`${path}.spec`, template?.spec ?? {}),
];

export function validatePodSpec(path: string, spec: ApiObject, claims: readonly string[] = []): FieldError[] {
  const volumes = new Set([...items(spec.volumes).map(({ name }) => name), ...claims]);
  const containers = (field: string) =>
    each(`${path}.${field}`, items(spec[field]), (at, container) => validateContainer(at, container, volumes));
  return [
    ...each(`${path}.volumes`, items(spec.volumes), validateVolume),
    ...distinct(`${path}.volumes`, items(spec.volumes), "name"),
    ...(items(spec.containers).length === 0 ? [required(`${path}.containers`)] : []),
    ...containers("containers"),
    ...containers("initContainers"),
    ...distinct(`${path}.containers`, containersOf({ containers: spec.containers }), "name"),
    ...distinct(`${path}.initContainers`, [...items(spec.initContainers)], "name"),
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]),
    ...notNegative(`${path}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds),
    ...positive(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...each(`${path}.tolerations`, items(spec.tolerations), validateToleration),
    ...validateSettings(path, spec),
  ];
}

function validateVolume(path: string, volume: ApiObject): FieldError[] {
  const sources = Object.keys(volume).filter((key) => key !== "name" && isObject(volume[key]));
  const surplus = sources
    .slice(1)
    .map((source) => forbidden(`${path}.${source}`, "may not specify more than 1 volume type"));
  const [source] = sources;
  return [
    ...labelName(`${path}.name`, volume.name),
    ...surplus,
    ...(source ? validateSource(path, source, volume[source]) : []),
  ];
}

const requiredOfSource: Readonly<Record<string, string>> = {
  secret: "secretName",
  configMap: "name",
  persistentVolumeClaim: "claimName",
  hostPath: "path",
};

function validateSource(path: string, kind: string, source: ApiObject): FieldError[] {
  const field = requiredOfSource[kind];
  const missing = field && !source[field] ? [required(`${path}.${kind}.${field}`)] : [];
  const paths = each(`${path}.${kind}.items`, items(source.items), (at, item) => [
    ...(kind === "downwardAPI" || item.key ? [] : [required(`${at}.key`)]),
    ...(item.path ? localPath(`${at}.path`, String(item.path)) : [required(`${at}.path`)]),
    ...fileMode(`${at}.mode`, item.mode),
  ]);
  return [...missing, ...fileMode(`${path}.${kind}.defaultMode`, source.defaultMode), ...paths];
}

const fileMode = (field: string, mode: unknown): FieldError[] =>
  mode === undefined || (Number(mode) >= 0 && Number(mode) <= 0o777)
    ? []
    : [invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")];

const matchesAll = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';

const validateToleration = (path: string, toleration: ApiObject): FieldError[] => {
  const { key, operator, value, effect, tolerationSeconds } = toleration;
  return [
    ...(!key && operator !== "Exists" ? [invalid(`${path}.operator`, operator ?? "", matchesAll)] : []),
    ...(tolerationSeconds !== undefined && effect !== "NoExecute"
      ? [invalid(`${path}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set")]
      : []),
    ...(operator === "Exists" && value
      ? [invalid(`${path}.operator`, toleration, "value must be empty when `operator` is 'Exists'")]
      : []),
    ...validateTolerationWords(path, toleration),
  ];
};

const validateTolerationWords = (path: string, { operator, effect }: ApiObject): FieldError[] => [
  ...oneOf(`${path}.operator`, operator || "Equal", ["Equal", "Exists"]),
  ...oneOf(`${path}.effect`, effect || undefined, ["NoSchedule", "PreferNoSchedule", "NoExecute"]),
];

const onlyThese =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`," +
  "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** A pod is what it is, but for its images, a deadline, more tolerations and, for the cluster's own parts, its node. */
export function validatePodUpdate(pod: ApiObject, old: ApiObject, context: WriteContext): FieldError[] {
  const isBinding = context.isInternal && !old.spec.nodeName;
  const fixed = (spec: ApiObject) => fixedPart(spec, isBinding);
  const keepsTolerations = items(old.spec.tolerations).every((toleration) =>
    items(pod.spec.tolerations).some((other) => jsonEqual(other, toleration)),
  );
  if (!keepsTolerations)
    return [forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")];
  return jsonEqual(fixed(pod.spec), fixed(old.spec)) ? [] : [forbidden("spec", onlyThese)];
}

function fixedPart(spec: ApiObject, isBinding: boolean): ApiObject {
  const { activeDeadlineSeconds: _, tolerations: __, ...rest } = jsonClone(spec);
  for (const container of [...items(rest.containers), ...items(rest.initContainers)]) delete container.image;
  if (isBinding) delete rest.nodeName;
  return rest;
}
