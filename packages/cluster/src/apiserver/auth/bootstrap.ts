import { isDeepStrictEqual } from "node:util";
import type { ClusterRole, PolicyRule } from "kubernetes-types/rbac/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import type { Registry, Stored } from "../../machinery/types.ts";
import { defaultClusterRoleBindings, defaultClusterRoles } from "./default-roles.ts";

const roles = "clusterroles.rbac.authorization.k8s.io";
const bindings = "clusterrolebindings.rbac.authorization.k8s.io";

/** Creates the default roles and bindings that are missing; those that exist are the user's to change. */
export async function bootstrapRbac(store: Registry): Promise<void> {
  await Promise.all([
    ...defaultClusterRoles.map((role) => unlessPresent(() => store.create(roles, structuredClone(role)))),
    ...defaultClusterRoleBindings.map((binding) =>
      unlessPresent(() => store.create(bindings, structuredClone(binding))),
    ),
  ]);
}

async function unlessPresent(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isStatus(error, "AlreadyExists")) throw error;
  }
}

/** Keeps the rules of aggregated cluster roles equal to those of the roles they select. Returns the stop function. */
export function aggregateClusterRoles(store: Registry): () => void {
  let isPending = false;
  let isStopped = false;
  const pass = async () => {
    isPending = false;
    for (const role of store.list(roles)) {
      if (isStopped || role.aggregationRule === undefined) continue;
      await refresh(store, role).catch(() => undefined); // tried again with the next change
    }
  };
  const stop = store.subscribe(roles, () => {
    if (isPending) return;
    isPending = true;
    setImmediate(() => void pass());
  });
  return () => {
    isStopped = true;
    stop();
  };
}

async function refresh(store: Registry, role: Stored<ClusterRole>): Promise<void> {
  const rules = aggregatedRules(role, store.list(roles));
  if (isDeepStrictEqual(role.rules ?? [], rules)) return;
  const change = (draft: ClusterRole) => {
    draft.rules = rules;
  };
  await store.modify(roles, "", role.metadata.name, change, { fieldManager: "clusterrole-aggregation-controller" });
}

/** The distinct rules of all roles that `role` selects, by name. */
export function aggregatedRules(role: ClusterRole, all: readonly Stored<ClusterRole>[]): PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const rules: PolicyRule[] = [];
  for (const candidate of [...all].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    if (candidate.metadata.name === role.metadata?.name) continue;
    if (!selectors.some((selector) => matches(selector.matchLabels, candidate.metadata.labels))) continue;
    for (const rule of candidate.rules ?? []) {
      if (!rules.some((known) => isDeepStrictEqual(known, rule))) rules.push(structuredClone(rule));
    }
  }
  return rules;
}

const matches = (wanted: Record<string, string> | undefined, labels: Record<string, string> | undefined): boolean =>
  wanted !== undefined && Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
