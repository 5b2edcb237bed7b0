/** RBAC's rule matching, as https://kubernetes.io/docs/reference/access-authn-authz/rbac/ describes it. Pure. */
import type { PolicyRule } from "kubernetes-types/rbac/v1.js";
import {
  type Attributes,
  combinedResource,
  isPath,
  type PathAttributes,
  type ResourceAttributes,
} from "./attributes.ts";

const any = "*";
const has = (values: readonly string[] | undefined, wanted: string): boolean =>
  values !== undefined && (values.includes(any) || values.includes(wanted));

export const ruleAllows = (rule: PolicyRule, attributes: Attributes): boolean =>
  isPath(attributes) ? allowsPath(rule, attributes) : allowsResource(rule, attributes);

function allowsResource(rule: PolicyRule, attributes: ResourceAttributes): boolean {
  return (
    has(rule.verbs, attributes.verb) &&
    has(rule.apiGroups, attributes.group) &&
    namesResource(rule.resources, attributes) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(attributes.name))
  );
}

function namesResource(resources: readonly string[] | undefined, attributes: ResourceAttributes): boolean {
  if (has(resources, combinedResource(attributes))) return true;
  return attributes.subresource !== "" && resources?.includes(`*/${attributes.subresource}`) === true;
}

function allowsPath(rule: PolicyRule, { verb, path }: PathAttributes): boolean {
  return has(rule.verbs, verb) && rule.nonResourceURLs?.some((url) => urlCovers(url, path)) === true;
}

const urlCovers = (url: string, path: string): boolean =>
  url === any || url === path || (url.endsWith(any) && path.startsWith(url.slice(0, -1)));

/** The parts of `wanted` that `held` does not allow, one rule per combination; used to stop users from granting what they lack. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(singleRules).filter((single) => !held.some((rule) => covers(rule, single)));
}

/** Splits a rule into rules with one verb and one resource or URL each. */
function singleRules(rule: PolicyRule): PolicyRule[] {
  const singles: PolicyRule[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) singles.push({ nonResourceURLs: [url], verbs: [verb] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const base: PolicyRule = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (!rule.resourceNames?.length) singles.push(base);
        for (const name of rule.resourceNames ?? []) singles.push({ ...base, resourceNames: [name] });
      }
    }
  }
  return singles;
}

function covers(rule: PolicyRule, single: PolicyRule): boolean {
  const [verb = ""] = single.verbs;
  if (!has(rule.verbs, verb)) return false;
  const [url] = single.nonResourceURLs ?? [];
  if (url !== undefined) return rule.nonResourceURLs?.some((held) => urlCovers(held, url)) === true;
  const [group = ""] = single.apiGroups ?? [];
  const [combined = ""] = single.resources ?? [];
  const [resource = "", subresource = ""] = combined.split("/");
  const name = single.resourceNames?.[0] ?? "";
  return allowsResource(rule, { verb, group, resource, subresource, namespace: "", name });
}
