/** What a write is about, as those who may refuse or change it are told; and whether a rule of theirs means it. Pure. */
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type { JsonObject } from "../json.ts";
import { apiVersionOf, type ResourceRow } from "../resources/row.ts";
import { matchesSelector, selectorOf } from "../selectors.ts";
import type { Author } from "../store.ts";
import type { ApiObject } from "../types.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE";

export interface Attributes {
  readonly row: ResourceRow;
  readonly operation: Operation;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** Absent for DELETE. */
  readonly object?: ApiObject | undefined;
  /** Absent for CREATE. */
  readonly old?: ApiObject | undefined;
  readonly user: Author;
  readonly isDryRun: boolean;
  /** The namespace of a namespaced object. */
  readonly holder?: ApiObject | undefined;
}

/** What webhooks, policies and bindings have in common: which writes they are about. */
export interface Scope {
  readonly rules: readonly ApiObject[];
  readonly excluded?: readonly ApiObject[];
  readonly namespaceSelector?: ApiObject | undefined;
  readonly objectSelector?: ApiObject | undefined;
}

export const isMeant = (scope: Scope, about: Attributes): boolean =>
  scope.rules.some((rule) => matchesRule(rule, about)) &&
  !(scope.excluded ?? []).some((rule) => matchesRule(rule, about)) &&
  matchesNamespace(scope.namespaceSelector, about) &&
  matchesObject(scope.objectSelector, about);

const holds = (list: readonly string[] | undefined, value: string): boolean =>
  list?.some((each) => each === "*" || each === value) ?? false;

function matchesRule(rule: ApiObject, { row, operation, name, subresource }: Attributes): boolean {
  const scope = row.namespaced ? "Namespaced" : "Cluster";
  const names: readonly string[] = rule.resourceNames ?? [];
  return (
    holds(rule.operations, operation) &&
    holds(rule.apiGroups, row.group) &&
    holds(rule.apiVersions, row.version) &&
    (rule.scope ?? "*") !== (scope === "Namespaced" ? "Cluster" : "Namespaced") &&
    (names.length === 0 || names.includes(name)) &&
    (rule.resources ?? []).some((resource: string) => matchesResource(resource, row.plural, subresource))
  );
}

/** `pods`, `pods/status`, `pods/*`, `*` (no subresources), `*\/status` or `*\/*`. */
function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  const [resource = "", below = ""] = pattern.split("/");
  if (resource !== "*" && resource !== plural) return false;
  return below === subresource || (below === "*" && pattern.includes("/"));
}

/** A Namespace is judged by its own labels, other objects without a namespace are always meant. */
function matchesNamespace(selector: ApiObject | undefined, about: Attributes): boolean {
  const labelled = about.row.key === "namespaces" ? (about.object ?? about.old) : about.holder;
  if (!selector || !labelled) return true;
  return matchesSelector(selectorOf(selector as LabelSelector), labelled.metadata?.labels);
}

const matchesObject = (selector: ApiObject | undefined, { object, old }: Attributes): boolean =>
  !selector ||
  [object, old].some(
    (each) => each !== undefined && matchesSelector(selectorOf(selector as LabelSelector), each.metadata?.labels),
  );

const kindOf = ({ group, version, kind }: ResourceRow) => ({ group, version, kind });
const resourceOf = ({ group, version, plural }: ResourceRow) => ({ group, version, resource: plural });

/** The request of an AdmissionReview, which policies see as `request` too. */
export function requestOf(about: Attributes, uid: string): JsonObject {
  const { row, operation, namespace, name, subresource, user, isDryRun } = about;
  const verb = { CREATE: "Create", UPDATE: "Update", DELETE: "Delete" }[operation];
  return {
    uid,
    kind: kindOf(row),
    resource: resourceOf(row),
    ...(subresource && { subResource: subresource, requestSubResource: subresource }),
    requestKind: kindOf(row),
    requestResource: resourceOf(row),
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: { ...user, groups: [...user.groups] },
    object: asSent(about.object, row),
    oldObject: asSent(about.old, row),
    dryRun: isDryRun,
    options: { apiVersion: "meta.k8s.io/v1", kind: `${verb}Options` },
  };
}

const asSent = (object: ApiObject | undefined, row: ResourceRow) =>
  object === undefined ? null : { ...object, apiVersion: apiVersionOf(row), kind: row.kind };
