/** Rules of roles and their bindings. */
import { items } from "../defaults/fill.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, invalid, required } from "./field-error.ts";
import { each, immutable, isSet, oneOf, present } from "./rules.ts";

const rbacGroup = "rbac.authorization.k8s.io";

const validateRule = (path: string, rule: ApiObject, isNamespaced: boolean): FieldError[] => [
  ...(isSet(rule.verbs) ? [] : [required(`${path}.verbs`, "verbs must contain at least one value")]),
  ...(isSet(rule.nonResourceURLs) ? validateUrlRule(path, rule, isNamespaced) : validateResourceRule(path, rule)),
];

const validateResourceRule = (path: string, { apiGroups, resources }: ApiObject): FieldError[] => [
  ...(isSet(apiGroups) ? [] : [required(`${path}.apiGroups`, "resource rules must supply at least one api group")]),
  ...(isSet(resources) ? [] : [required(`${path}.resources`, "resource rules must supply at least one resource")]),
];

function validateUrlRule(path: string, rule: ApiObject, isNamespaced: boolean): FieldError[] {
  const field = `${path}.nonResourceURLs`;
  const isMixed = isSet(rule.apiGroups) || isSet(rule.resources) || isSet(rule.resourceNames);
  const mixed = "rules cannot apply to both regular resources and non-resource URLs";
  return [
    ...(isNamespaced
      ? [invalid(field, rule.nonResourceURLs, "namespaced rules cannot apply to non-resource URLs")]
      : []),
    ...(isMixed ? [invalid(field, rule.nonResourceURLs, mixed)] : []),
  ];
}

export const validateRole = ({ rules }: ApiObject): FieldError[] =>
  each("rules", items(rules), (path, rule) => validateRule(path, rule, true));

export const validateClusterRole = ({ rules, aggregationRule }: ApiObject): FieldError[] => [
  ...each("rules", items(rules), (path, rule) => validateRule(path, rule, false)),
  ...(aggregationRule && !isSet(aggregationRule.clusterRoleSelectors)
    ? [
        required(
          "aggregationRule.clusterRoleSelectors",
          "at least one clusterRoleSelector required if aggregationRule is non-nil",
        ),
      ]
    : []),
];

/** `kinds` are those that the binding may refer to. */
const bindingRules =
  (kinds: readonly string[]) =>
  ({ roleRef = {}, subjects }: ApiObject): FieldError[] => [
    ...oneOf("roleRef.apiGroup", roleRef.apiGroup ?? "", [rbacGroup]),
    ...oneOf("roleRef.kind", roleRef.kind ?? "", kinds),
    ...present("roleRef.name", roleRef.name),
    ...each("subjects", items(subjects), validateSubject),
  ];

export const validateRoleBinding = bindingRules(["Role", "ClusterRole"]);
export const validateClusterRoleBinding = bindingRules(["ClusterRole"]);

const validateSubject = (path: string, { kind, name, namespace, apiGroup }: ApiObject): FieldError[] => [
  ...present(`${path}.name`, name),
  ...oneOf(`${path}.kind`, kind ?? "", ["ServiceAccount", "User", "Group"]),
  ...oneOf(`${path}.apiGroup`, apiGroup || undefined, kind === "ServiceAccount" ? [""] : [rbacGroup]),
  ...(kind === "ServiceAccount" && !namespace ? [required(`${path}.namespace`)] : []),
];

export const validateBindingUpdate = ({ roleRef }: ApiObject, old: ApiObject): FieldError[] =>
  immutable("roleRef", roleRef, old.roleRef, "cannot change roleRef");
