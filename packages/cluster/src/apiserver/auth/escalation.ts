/** Nobody grants what they do not hold: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping */
import type { PolicyRule, RoleRef } from "kubernetes-types/rbac/v1.js";
import { StatusError } from "../../machinery/errors.ts";
import type { ApiObject } from "../../machinery/types.ts";
import type { Rbac } from "./rbac.ts";
import { uncovered } from "./rules.ts";
import type { UserInfo } from "./user.ts";

const group = "rbac.authorization.k8s.io";
const roles = ["roles", "clusterroles"];
const bindings = ["rolebindings", "clusterrolebindings"];

export interface RbacWrite {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Throws Forbidden when writing `object` would give out permissions that `user` lacks. */
export function checkEscalation(rbac: Rbac, user: UserInfo, write: RbacWrite, object: ApiObject): void {
  if (write.group !== group) return;
  if (roles.includes(write.resource))
    checkGrant(rbac, user, write, "escalate", write.resource, write.name, rulesIn(object));
  if (bindings.includes(write.resource)) checkBinding(rbac, user, write, object);
}

function checkBinding(rbac: Rbac, user: UserInfo, write: RbacWrite, object: ApiObject): void {
  const roleRef = object.roleRef as RoleRef | undefined;
  if (roleRef?.name === undefined) return; // validation refuses it
  const granted = rbac.rulesOf(roleRef, write.namespace);
  const resource = roleRef.kind === "ClusterRole" ? "clusterroles" : "roles";
  checkGrant(rbac, user, write, "bind", resource, roleRef.name, granted ?? []);
}

function checkGrant(
  rbac: Rbac,
  user: UserInfo,
  write: RbacWrite,
  verb: "escalate" | "bind",
  resource: string,
  name: string,
  granted: readonly PolicyRule[],
): void {
  if (rbac.decide(user, { verb, group, resource, subresource: "", namespace: write.namespace, name }).isAllowed) return;
  const missing = uncovered(rbac.rulesFor(user, write.namespace).rules, granted);
  if (missing.length > 0) throw refusal(user, write, missing);
}

const rulesIn = (object: ApiObject): readonly PolicyRule[] => (object.rules as PolicyRule[] | undefined) ?? [];

function refusal(user: UserInfo, { resource, name }: RbacWrite, missing: readonly PolicyRule[]): StatusError {
  const who = `user "${user.username}" (groups=${JSON.stringify(user.groups).replaceAll(",", " ")})`;
  const reason = `${who} is attempting to grant RBAC permissions not currently held:\n${missing.map(describe).join("\n")}`;
  const message = `${resource}.${group} "${name}" is forbidden: ${reason}`;
  return new StatusError("Forbidden", message, { name, group, kind: resource });
}

function describe(rule: PolicyRule): string {
  const fields = {
    APIGroups: rule.apiGroups,
    Resources: rule.resources,
    ResourceNames: rule.resourceNames,
    NonResourceURLs: rule.nonResourceURLs,
    Verbs: rule.verbs,
  };
  const parts = Object.entries(fields).flatMap(([key, list]) => (list ? [`${key}:${JSON.stringify(list)}`] : []));
  return `{${parts.join(", ")}}`;
}
