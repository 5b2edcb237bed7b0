/** Rules of what a pod says beside its containers and volumes: names, DNS, security, placement. */
import { isIP } from "node:net";
import { items } from "../defaults/fill.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, invalid, required } from "./field-error.ts";
import { validateLabels } from "./metadata.ts";
import { qualifiedNameProblems, subdomainProblems } from "./names.ts";
import { each, isSet, labelName, oneOf, present } from "./rules.ts";
import { validateSelector } from "./selector.ts";

export const validateSettings = (path: string, spec: ApiObject): FieldError[] => [
  ...optionalLabel(`${path}.hostname`, spec.hostname),
  ...optionalLabel(`${path}.subdomain`, spec.subdomain),
  ...named(`${path}.serviceAccountName`, spec.serviceAccountName),
  ...named(`${path}.nodeName`, spec.nodeName),
  ...validateLabels(`${path}.nodeSelector`, spec.nodeSelector ?? {}),
  ...validateDns(path, spec),
  ...validateSecurity(`${path}.securityContext`, spec.securityContext ?? {}),
  ...each(`${path}.hostAliases`, items(spec.hostAliases), (at, { ip }) =>
    isIP(ip ?? "")
      ? []
      : [invalid(`${at}.ip`, ip ?? "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")],
  ),
  ...each(`${path}.readinessGates`, items(spec.readinessGates), (at, { conditionType = "" }) =>
    qualifiedNameProblems(conditionType).map((problem) => invalid(`${at}.conditionType`, conditionType, problem)),
  ),
  ...each(`${path}.topologySpreadConstraints`, items(spec.topologySpreadConstraints), validateSpread),
  ...validateAffinity(`${path}.affinity`, spec.affinity ?? {}),
];

const optionalLabel = (field: string, value: unknown): FieldError[] => (isSet(value) ? labelName(field, value) : []);

const named = (field: string, value: unknown): FieldError[] =>
  isSet(value) ? subdomainProblems(String(value)).map((problem) => invalid(field, value, problem)) : [];

function validateDns(path: string, { dnsPolicy, dnsConfig = {} }: ApiObject): FieldError[] {
  const servers: unknown[] = dnsConfig.nameservers ?? [];
  const field = `${path}.dnsConfig.nameservers`;
  if (dnsPolicy === "None" && servers.length === 0)
    return [required(field, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
  return servers.flatMap((server, index) =>
    isIP(String(server))
      ? []
      : [invalid(`${field}[${index}]`, server, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")],
  );
}

const greatestId = 2147483647;

const userId = (field: string, id: unknown): FieldError[] =>
  id === undefined || (Number(id) >= 0 && Number(id) <= greatestId)
    ? []
    : [invalid(field, id, `must be between 0 and ${greatestId}, inclusive`)];

const profiles = ["Localhost", "RuntimeDefault", "Unconfined"];

/** What pods and containers say alike. */
export const validateIdentity = (path: string, context: ApiObject): FieldError[] => [
  ...userId(`${path}.runAsUser`, context.runAsUser),
  ...userId(`${path}.runAsGroup`, context.runAsGroup),
  ...(context.seccompProfile ? oneOf(`${path}.seccompProfile.type`, context.seccompProfile.type ?? "", profiles) : []),
  ...(context.seccompProfile?.type === "Localhost"
    ? present(`${path}.seccompProfile.localhostProfile`, context.seccompProfile.localhostProfile, localProfile)
    : []),
];

const localProfile = "must be set when seccomp type is Localhost";

const validateSecurity = (path: string, context: ApiObject): FieldError[] => [
  ...validateIdentity(path, context),
  ...userId(`${path}.fsGroup`, context.fsGroup),
  ...((context.supplementalGroups as unknown[] | undefined) ?? []).flatMap((id, index) =>
    userId(`${path}.supplementalGroups[${index}]`, id),
  ),
  ...oneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ["Always", "OnRootMismatch"]),
];

const validateSpread = (path: string, constraint: ApiObject): FieldError[] => [
  ...(constraint.maxSkew > 0 ? [] : [invalid(`${path}.maxSkew`, constraint.maxSkew ?? 0, "must be greater than zero")]),
  ...topologyKey(path, constraint.topologyKey),
  ...oneOf(`${path}.whenUnsatisfiable`, constraint.whenUnsatisfiable ?? "", ["DoNotSchedule", "ScheduleAnyway"]),
  ...validateSelector(`${path}.labelSelector`, constraint.labelSelector),
];

const topologyKey = (path: string, key: unknown): FieldError[] =>
  isSet(key)
    ? qualifiedNameProblems(String(key)).map((problem) => invalid(`${path}.topologyKey`, key, problem))
    : [required(`${path}.topologyKey`, "can not be empty")];

const soft = "preferredDuringSchedulingIgnoredDuringExecution";
const hard = "requiredDuringSchedulingIgnoredDuringExecution";

function validateAffinity(path: string, affinity: ApiObject): FieldError[] {
  const { nodeAffinity = {}, podAffinity = {}, podAntiAffinity = {} } = affinity;
  const nodes = `${path}.nodeAffinity.${hard}`;
  const terms = nodeAffinity[hard]?.nodeSelectorTerms;
  return [
    ...(nodeAffinity[hard] && !isSet(terms)
      ? [required(`${nodes}.nodeSelectorTerms`, "must have at least one node selector term")]
      : []),
    ...each(`${nodes}.nodeSelectorTerms`, items(terms), validateNodeTerm),
    ...each(`${path}.nodeAffinity.${soft}`, items(nodeAffinity[soft]), (at, { weight, preference }) => [
      ...weighted(at, weight),
      ...validateNodeTerm(`${at}.preference`, preference ?? {}),
    ]),
    ...validatePodTerms(`${path}.podAffinity`, podAffinity),
    ...validatePodTerms(`${path}.podAntiAffinity`, podAntiAffinity),
  ];
}

const weighted = (path: string, weight: unknown): FieldError[] =>
  Number(weight) >= 1 && Number(weight) <= 100
    ? []
    : [invalid(`${path}.weight`, weight ?? 0, "must be in the range 1-100")];

const validateNodeTerm = (path: string, { matchExpressions, matchFields }: ApiObject): FieldError[] => [
  ...each(`${path}.matchExpressions`, items(matchExpressions), validateNodeRequirement),
  ...each(`${path}.matchFields`, items(matchFields), validateNodeRequirement),
];

function validateNodeRequirement(path: string, { key = "", operator, values = [] }: ApiObject): FieldError[] {
  return [
    ...nodeValues(path, operator, values),
    ...qualifiedNameProblems(String(key)).map((problem) => invalid(`${path}.key`, key, problem)),
  ];
}

function nodeValues(path: string, operator: unknown, values: readonly unknown[]): FieldError[] {
  const field = `${path}.values`;
  if (operator === "In" || operator === "NotIn")
    return values.length > 0 ? [] : [required(field, "must be specified when `operator` is 'In' or 'NotIn'")];
  if (operator === "Exists" || operator === "DoesNotExist")
    return values.length === 0
      ? []
      : [invalid(field, values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
  if (operator === "Gt" || operator === "Lt")
    return values.length === 1
      ? []
      : [required(field, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
  return [invalid(`${path}.operator`, operator ?? "", "not a valid selector operator")];
}

const validatePodTerms = (path: string, affinity: ApiObject): FieldError[] => [
  ...each(`${path}.${hard}`, items(affinity[hard]), validatePodTerm),
  ...each(`${path}.${soft}`, items(affinity[soft]), (at, { weight, podAffinityTerm }) => [
    ...weighted(at, weight),
    ...validatePodTerm(`${at}.podAffinityTerm`, podAffinityTerm ?? {}),
  ]),
];

const validatePodTerm = (path: string, term: ApiObject): FieldError[] => [
  ...validateSelector(`${path}.labelSelector`, term.labelSelector),
  ...topologyKey(path, term.topologyKey),
];
