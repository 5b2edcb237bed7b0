/** Rules of the kinds that extend the API server, and of those that describe drivers and runtimes. */
import { items } from "../defaults/fill.ts";
import { jsonEqual } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { unreadable } from "./expressions.ts";
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { subdomainProblems } from "./names.ts";
import { distinct, each, immutable, isSet, labelName, oneOf, portNumber, present } from "./rules.ts";

const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const reviewVersions = ["v1", "v1beta1"];

/** A list that has to say something, and of which `*` is all or nothing. */
function wildcardOrList(field: string, list: unknown): FieldError[] {
  if (!Array.isArray(list) || list.length === 0) return [required(field)];
  return list.length > 1 && list.includes("*")
    ? [invalid(field, list, "if '*' is present, must not specify other values")]
    : [];
}

const validateRule = (path: string, rule: ApiObject): FieldError[] => [
  ...wildcardOrList(`${path}.apiGroups`, rule.apiGroups),
  ...wildcardOrList(`${path}.apiVersions`, rule.apiVersions),
  ...(Array.isArray(rule.resources) && rule.resources.length > 0 ? [] : [required(`${path}.resources`)]),
  ...oneOf(`${path}.scope`, rule.scope, ["*", "Cluster", "Namespaced"]),
  ...wildcardOrList(`${path}.operations`, rule.operations),
  ...((rule.operations as unknown[] | undefined) ?? []).flatMap((operation, index) =>
    operations.includes(operation as string)
      ? []
      : [notSupported(`${path}.operations[${index}]`, operation, operations)],
  ),
];

const qualifiedHookName = (field: string, name: unknown): FieldError[] => {
  if (!isSet(name)) return [required(field)];
  const problems = subdomainProblems(String(name)).map((problem) => invalid(field, name, problem));
  const isShort = String(name).split(".").length < 3;
  return [
    ...problems,
    ...(isShort ? [invalid(field, name, "should be a domain with at least three segments separated by dots")] : []),
  ];
};

function validateClientConfig(path: string, { url, service }: ApiObject = {}): FieldError[] {
  if ((url === undefined) === (service === undefined))
    return [required(path, "exactly one of url or service is required")];
  if (service)
    return [
      ...present(`${path}.service.name`, service.name),
      ...present(`${path}.service.namespace`, service.namespace),
      ...portNumber(`${path}.service.port`, service.port),
    ];
  if (URL.canParse(url) && new URL(url).protocol === "https:") return [];
  return [invalid(`${path}.url`, url, "'https' is the only allowed URL scheme; desired format: https://host[/path]")];
}

const validateWebhook = (path: string, hook: ApiObject): FieldError[] => {
  const versions = (hook.admissionReviewVersions as string[] | undefined) ?? [];
  const isKnown = versions.some((version) => reviewVersions.includes(version));
  const mustKnow = `must include at least one of ${reviewVersions.join(", ")}`;
  return [
    ...qualifiedHookName(`${path}.name`, hook.name),
    ...(versions.length === 0
      ? [required(`${path}.admissionReviewVersions`, `must specify one of ${reviewVersions.join(", ")}`)]
      : isKnown
        ? []
        : [invalid(`${path}.admissionReviewVersions`, versions, mustKnow)]),
    ...each(`${path}.rules`, items(hook.rules), validateRule),
    ...oneOf(`${path}.failurePolicy`, hook.failurePolicy, ["Fail", "Ignore"]),
    ...oneOf(`${path}.matchPolicy`, hook.matchPolicy, ["Equivalent", "Exact"]),
    ...(hook.sideEffects === undefined
      ? [required(`${path}.sideEffects`, "must specify one of None, NoneOnDryRun")]
      : oneOf(`${path}.sideEffects`, hook.sideEffects, ["None", "NoneOnDryRun"])),
    ...oneOf(`${path}.reinvocationPolicy`, hook.reinvocationPolicy, ["IfNeeded", "Never"]),
    ...(hook.timeoutSeconds >= 1 && hook.timeoutSeconds <= 30
      ? []
      : [invalid(`${path}.timeoutSeconds`, hook.timeoutSeconds, "the timeout value must be between 1 and 30 seconds")]),
    ...validateClientConfig(`${path}.clientConfig`, hook.clientConfig),
  ];
};

export const validateWebhooks = ({ webhooks }: ApiObject): FieldError[] => [
  ...each("webhooks", items(webhooks), validateWebhook),
  ...distinct("webhooks", items(webhooks), "name"),
];

export function validateAdmissionPolicy({ spec }: ApiObject): FieldError[] {
  const { validations, auditAnnotations, matchConstraints, failurePolicy } = spec;
  const hasRules = items(validations).length + items(auditAnnotations).length > 0;
  const mustJudge = "validations or auditAnnotations must be specified";
  return [
    ...(matchConstraints ? present("spec.matchConstraints.resourceRules", matchConstraints.resourceRules) : []),
    ...(matchConstraints ? [] : [required("spec.matchConstraints")]),
    ...each("spec.matchConstraints.resourceRules", items(matchConstraints?.resourceRules), validateRule),
    ...oneOf("spec.failurePolicy", failurePolicy, ["Fail", "Ignore"]),
    ...(hasRules ? [] : [required("spec.validations", mustJudge), required("spec.auditAnnotations", mustJudge)]),
    ...each("spec.validations", items(validations), (path, { expression, reason }) => [
      ...(isSet(expression)
        ? unreadable(`${path}.expression`, expression)
        : [required(`${path}.expression`, "expression is not specified")]),
      ...oneOf(`${path}.reason`, reason, ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"]),
    ]),
  ];
}

const actions = ["Audit", "Deny", "Warn"];

export function validateAdmissionPolicyBinding({ spec = {} }: ApiObject): FieldError[] {
  const chosen = (spec.validationActions as string[] | undefined) ?? [];
  const field = "spec.validationActions";
  return [
    ...present("spec.policyName", spec.policyName),
    ...present(field, chosen),
    ...chosen.flatMap((action, index) => [
      ...oneOf(`${field}[${index}]`, action, actions),
      ...(chosen.indexOf(action) < index ? [duplicate(`${field}[${index}]`, action)] : []),
    ]),
    ...(chosen.includes("Deny") && chosen.includes("Warn")
      ? [
          invalid(
            field,
            chosen,
            "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
          ),
        ]
      : []),
  ];
}

export const validateRuntimeClass = ({ handler }: ApiObject): FieldError[] => labelName("handler", handler);

export const validateRuntimeClassUpdate = (next: ApiObject, old: ApiObject): FieldError[] =>
  immutable("handler", next.handler, old.handler);

export const validateCsiDriver = ({ spec }: ApiObject): FieldError[] => [
  ...oneOf("spec.fsGroupPolicy", spec.fsGroupPolicy, ["File", "None", "ReadWriteOnceWithFSType"]),
  ...(spec.volumeLifecycleModes as unknown[]).flatMap((mode, index) =>
    oneOf(`spec.volumeLifecycleModes[${index}]`, mode, ["Ephemeral", "Persistent"]),
  ),
];

export const validateCsiNode = ({ spec }: ApiObject): FieldError[] => [
  ...each("spec.drivers", items(spec?.drivers), (path, { name, nodeID }) => [
    ...present(`${path}.name`, name),
    ...present(`${path}.nodeID`, nodeID),
  ]),
  ...distinct("spec.drivers", items(spec?.drivers), "name"),
];

export const validateVolumeAttachment = ({ spec = {} }: ApiObject): FieldError[] => [
  ...present("spec.attacher", spec.attacher),
  ...(isSet(spec.source?.persistentVolumeName) || spec.source?.inlineVolumeSpec
    ? []
    : [required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName")]),
  ...present("spec.nodeName", spec.nodeName),
];

export const keepsSpec = ({ spec }: ApiObject, old: ApiObject): FieldError[] =>
  jsonEqual(spec, old.spec) ? [] : [invalid("spec", spec, "field is immutable")];

export const validateVolumeAttributesClass = ({ driverName, parameters }: ApiObject): FieldError[] => [
  ...present("driverName", driverName),
  ...present("parameters", Object.keys(parameters ?? {})),
];

export const validateVolumeAttributesClassUpdate = (next: ApiObject, old: ApiObject): FieldError[] => [
  ...(next.driverName === old.driverName ? [] : [forbidden("driverName", "updates to driverName are forbidden.")]),
  ...(jsonEqual(next.parameters, old.parameters)
    ? []
    : [forbidden("parameters", "updates to parameters are forbidden.")]),
];

export const validateFlowSchema = ({ spec = {} }: ApiObject): FieldError[] => [
  ...(spec.matchingPrecedence >= 1 && spec.matchingPrecedence <= 10000
    ? []
    : [
        invalid(
          "spec.matchingPrecedence",
          spec.matchingPrecedence ?? 0,
          "must be a positive value less than or equal to 10000",
        ),
      ]),
  ...present("spec.priorityLevelConfiguration.name", spec.priorityLevelConfiguration?.name),
];

export const validatePriorityLevel = ({ spec = {} }: ApiObject): FieldError[] => [
  ...oneOf("spec.type", spec.type ?? "", ["Exempt", "Limited"]),
  ...(spec.type === "Limited"
    ? oneOf("spec.limited.limitResponse.type", spec.limited?.limitResponse?.type ?? "", ["Queue", "Reject"])
    : []),
];
