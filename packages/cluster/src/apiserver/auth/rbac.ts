/** The RBAC authorizer: bindings are indexed by subject as they change, so a decision looks only at the user's own. */
import type { PolicyRule, RoleRef, Subject } from "kubernetes-types/rbac/v1.js";
import type { Registry } from "../../machinery/types.ts";
import type { Attributes, Authorizer, Decision } from "./attributes.ts";
import { isPath } from "./attributes.ts";
import { ruleAllows } from "./rules.ts";
import { serviceAccountUsername, type UserInfo } from "./user.ts";

/** A role given to one subject, in one namespace or (`""`) everywhere. */
interface Grant {
  readonly namespace: string;
  readonly binding: string;
  readonly roleRef: RoleRef;
  readonly subject: Subject;
}

/** The rules that a user holds in a namespace, and what went wrong looking them up. */
export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
}

export interface Rbac extends Authorizer {
  /** Rules that apply to `user` in `namespace`, and everywhere. */
  rulesFor(user: UserInfo, namespace: string): HeldRules;
  /** The rules behind a role reference of a binding in `namespace` (`""` for cluster role bindings); undefined when it does not exist. */
  rulesOf(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined;
  stop(): void;
}

const privilegedGroup = "system:masters";
const allowed: Decision = { isAllowed: true, reason: "" };
const denied: Decision = { isAllowed: false, reason: "" };

/** Follows the roles and bindings in `store` until `stop`. */
export function openRbac(store: Registry): Rbac {
  const index = new GrantIndex();
  const stops = [
    store.subscribe("clusterrolebindings.rbac.authorization.k8s.io", ({ type, object }) =>
      index.set("", object.metadata.name, type === "DELETED" ? [] : object.subjects, object.roleRef),
    ),
    store.subscribe("rolebindings.rbac.authorization.k8s.io", ({ type, object }) =>
      index.set(
        object.metadata.namespace ?? "",
        object.metadata.name,
        type === "DELETED" ? [] : object.subjects,
        object.roleRef,
      ),
    ),
  ];

  function rulesOf(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    const isClusterRole = roleRef.kind === "ClusterRole";
    const role = isClusterRole
      ? store.get("clusterroles.rbac.authorization.k8s.io", "", roleRef.name)
      : store.get("roles.rbac.authorization.k8s.io", namespace, roleRef.name);
    return role && (role.rules ?? []);
  }

  function decide(user: UserInfo, attributes: Attributes): Decision {
    if (user.groups.includes(privilegedGroup)) return allowed;
    const namespace = isPath(attributes) ? "" : attributes.namespace;
    const errors: string[] = [];
    for (const grant of index.of(user, namespace)) {
      const rules = rulesOf(grant.roleRef, grant.namespace);
      if (rules === undefined) errors.push(missingRole(grant.roleRef));
      else if (rules.some((rule) => ruleAllows(rule, attributes))) return { isAllowed: true, reason: describe(grant) };
    }
    return errors.length === 0 ? denied : { isAllowed: false, reason: `RBAC: ${aggregate(errors)}` };
  }

  function rulesFor(user: UserInfo, namespace: string): HeldRules {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const grant of index.of(user, namespace)) {
      const granted = rulesOf(grant.roleRef, grant.namespace);
      if (granted === undefined) errors.push(missingRole(grant.roleRef));
      else rules.push(...granted);
    }
    return { rules, errors };
  }

  return { decide, rulesFor, rulesOf, stop: () => stops.forEach((stop) => void stop()) };
}

class GrantIndex {
  readonly #bySubject = new Map<string, Set<Grant>>();
  readonly #byBinding = new Map<string, readonly Grant[]>();

  /** Replaces what the binding grants. */
  set(namespace: string, binding: string, subjects: readonly Subject[] | undefined, roleRef: RoleRef): void {
    const key = `${namespace}/${binding}`;
    for (const grant of this.#byBinding.get(key) ?? []) this.#bySubject.get(subjectKey(grant))?.delete(grant);
    const grants = (subjects ?? []).map((subject) => ({ namespace, binding, roleRef, subject }));
    for (const grant of grants) this.#setOf(subjectKey(grant)).add(grant);
    this.#byBinding.set(key, grants);
  }

  /** The user's grants, first those that apply everywhere, then those of `namespace`. */
  of(user: UserInfo, namespace: string): Grant[] {
    const found: Grant[] = [];
    for (const scope of namespace === "" ? [""] : ["", namespace]) {
      this.#collect(`User ${user.username}`, scope, found);
      for (const group of user.groups) this.#collect(`Group ${group}`, scope, found);
    }
    return found;
  }

  #collect(subject: string, scope: string, found: Grant[]): void {
    for (const grant of this.#bySubject.get(subject) ?? []) if (grant.namespace === scope) found.push(grant);
  }

  #setOf(key: string): Set<Grant> {
    let grants = this.#bySubject.get(key);
    if (grants === undefined) {
      grants = new Set();
      this.#bySubject.set(key, grants);
    }
    return grants;
  }
}

/** A service account is the user of its name; its namespace defaults to the binding's. */
function subjectKey({ subject, namespace }: Grant): string {
  if (subject.kind !== "ServiceAccount") return `${subject.kind} ${subject.name}`;
  return `User ${serviceAccountUsername(subject.namespace ?? namespace, subject.name)}`;
}

function describe({ namespace, binding, roleRef, subject }: Grant): string {
  const kind = namespace === "" ? "ClusterRoleBinding" : "RoleBinding";
  const name = namespace === "" ? binding : `${binding}/${namespace}`;
  const who = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name;
  return `RBAC: allowed by ${kind} "${name}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${who}"`;
}

const missingRole = ({ kind, name }: RoleRef): string =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io "${name}" not found`;

/** Several errors as Go prints an aggregate: distinct, in brackets. */
function aggregate(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length === 1 ? (distinct[0] ?? "") : `[${distinct.join(", ")}]`;
}
