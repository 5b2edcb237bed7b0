/** Rules of HorizontalPodAutoscalers. */
import { items } from "../defaults/fill.ts";
import { compareQuantities, isQuantity } from "../quantity.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { each, isSet, oneOf, positive, present } from "./rules.ts";

export function validateHorizontalPodAutoscaler({ spec }: ApiObject): FieldError[] {
  const { minReplicas, maxReplicas = 0, scaleTargetRef = {} } = spec;
  const isInverted = maxReplicas < minReplicas;
  return [
    ...(minReplicas < 1 ? [invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1")] : []),
    ...positive("spec.maxReplicas", maxReplicas),
    ...(isInverted ? [invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`")] : []),
    ...present("spec.scaleTargetRef.kind", scaleTargetRef.kind),
    ...present("spec.scaleTargetRef.name", scaleTargetRef.name),
    ...each("spec.metrics", items(spec.metrics), validateMetric),
    ...validateRules("spec.behavior.scaleUp", spec.behavior?.scaleUp),
    ...validateRules("spec.behavior.scaleDown", spec.behavior?.scaleDown),
  ];
}

/** The field of a metric's source, by its type. */
const sources: Readonly<Record<string, string>> = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
};

function validateMetric(path: string, metric: ApiObject): FieldError[] {
  const { type } = metric;
  if (!isSet(type)) return [required(`${path}.type`, "must specify a metric source type")];
  const wanted = sources[type];
  if (wanted === undefined) return [notSupported(`${path}.type`, type, Object.keys(sources))];
  const surplus = Object.values(sources).filter((source) => source !== wanted && metric[source] !== undefined);
  const source = metric[wanted];
  return [
    ...(source === undefined
      ? [required(`${path}.${wanted}`, "must populate information for the given metric source")]
      : validateSource(`${path}.${wanted}`, wanted, source)),
    ...surplus.map((field) => forbidden(`${path}.${field}`, "must populate the given metric source only")),
  ];
}

function validateSource(path: string, kind: string, source: ApiObject): FieldError[] {
  const isOfPods = kind === "resource" || kind === "containerResource";
  return [
    ...(isOfPods
      ? present(`${path}.name`, source.name, "must specify a resource name")
      : present(`${path}.metric.name`, source.metric?.name)),
    ...(kind === "containerResource" ? present(`${path}.container`, source.container, "must specify a container") : []),
    ...validateTarget(`${path}.target`, source.target ?? {}, isOfPods),
  ];
}

const targetTypes = ["AverageValue", "Utilization", "Value"];

function validateTarget(path: string, target: ApiObject, isOfPods: boolean): FieldError[] {
  const { type, averageUtilization, averageValue, value } = target;
  const hasNone = averageUtilization === undefined && averageValue === undefined && (isOfPods || value === undefined);
  const choose = isOfPods
    ? required(`${path}.averageUtilization`, "must set either a target raw value or a target utilization")
    : required(`${path}.averageValue`, "must set either a target value for metric or a per-pod target");
  return [
    ...(isSet(type)
      ? oneOf(`${path}.type`, type, targetTypes)
      : [required(`${path}.type`, "must specify a metric target type")]),
    ...(averageUtilization < 1
      ? [invalid(`${path}.averageUtilization`, averageUtilization, "must be greater than 0")]
      : []),
    ...positiveQuantity(`${path}.value`, value),
    ...positiveQuantity(`${path}.averageValue`, averageValue),
    ...(hasNone ? [choose] : []),
    ...(averageUtilization !== undefined && averageValue !== undefined
      ? [forbidden(`${path}.averageValue`, "may not set both a target raw value and a target utilization")]
      : []),
  ];
}

const positiveQuantity = (field: string, value: unknown): FieldError[] =>
  value === undefined || (isQuantity(value) && compareQuantities(value as string, 0) > 0)
    ? []
    : [invalid(field, value, "must be positive")];

const longestWindow = 3600;
const longestPeriod = 1800;

function validateRules(path: string, rules: ApiObject | undefined): FieldError[] {
  if (!rules) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies } = rules;
  return [
    ...(window < 0
      ? [invalid(`${path}.stabilizationWindowSeconds`, window, "must be greater than or equal to zero")]
      : []),
    ...(window > longestWindow
      ? [invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${longestWindow}`)]
      : []),
    ...oneOf(`${path}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]),
    ...(isSet(policies) ? [] : [required(`${path}.policies`, "must specify at least one Policy")]),
    ...each(`${path}.policies`, items(policies), validatePolicy),
  ];
}

const validatePolicy = (path: string, { type, value, periodSeconds }: ApiObject): FieldError[] => [
  ...oneOf(`${path}.type`, type ?? "", ["Percent", "Pods"]),
  ...(value > 0 ? [] : [invalid(`${path}.value`, value ?? 0, "must be greater than zero")]),
  ...(periodSeconds > 0 ? [] : [invalid(`${path}.periodSeconds`, periodSeconds ?? 0, "must be greater than zero")]),
  ...(periodSeconds > longestPeriod
    ? [invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${longestPeriod}`)]
    : []),
];
