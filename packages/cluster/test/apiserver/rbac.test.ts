import type { PolicyRule } from "kubernetes-types/rbac/v1.js";
import { beforeEach, describe, expect, it } from "vitest";
import type { Attributes, ResourceAttributes } from "../../src/apiserver/auth/attributes.ts";
import { forbidden } from "../../src/apiserver/auth/attributes.ts";
import { aggregateClusterRoles, bootstrapRbac } from "../../src/apiserver/auth/bootstrap.ts";
import { checkEscalation } from "../../src/apiserver/auth/escalation.ts";
import { openRbac, type Rbac } from "../../src/apiserver/auth/rbac.ts";
import { ruleAllows, uncovered } from "../../src/apiserver/auth/rules.ts";
import { adminUser, type UserInfo } from "../../src/apiserver/auth/user.ts";
import { systemClock } from "../../src/machinery/clock.ts";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore } from "../../src/machinery/store.ts";
import { testPlan } from "./fixture.ts";

const rule = (parts: Partial<PolicyRule>): PolicyRule => ({
  verbs: ["get"],
  apiGroups: [""],
  resources: ["pods"],
  ...parts,
});
const ask = (parts: Partial<ResourceAttributes> = {}): ResourceAttributes => ({
  verb: "get",
  group: "",
  resource: "pods",
  subresource: "",
  namespace: "a",
  name: "",
  ...parts,
});

const matches: [what: string, rule: PolicyRule, attributes: Attributes, isAllowed: boolean][] = [
  ["the same", rule({}), ask(), true],
  ["another verb", rule({}), ask({ verb: "list" }), false],
  ["any verb", rule({ verbs: ["*"] }), ask({ verb: "list" }), true],
  ["another group", rule({}), ask({ group: "apps" }), false],
  ["any group", rule({ apiGroups: ["*"] }), ask({ group: "apps" }), true],
  ["a subresource not named", rule({}), ask({ subresource: "log" }), false],
  ["a subresource named", rule({ resources: ["pods/log"] }), ask({ subresource: "log" }), true],
  ["a subresource of any", rule({ resources: ["*/scale"] }), ask({ subresource: "scale" }), true],
  ["any resource", rule({ resources: ["*"] }), ask({ subresource: "log" }), true],
  ["a name listed", rule({ resourceNames: ["x"] }), ask({ name: "x" }), true],
  ["a name not listed", rule({ resourceNames: ["x"] }), ask({ name: "y" }), false],
  ["no name where one is needed", rule({ resourceNames: ["x"] }), ask(), false],
  ["a path by prefix", { verbs: ["get"], nonResourceURLs: ["/api/*"] }, { verb: "get", path: "/api/v1" }, true],
  [
    "a path outside of the prefix",
    { verbs: ["get"], nonResourceURLs: ["/api/*"] },
    { verb: "get", path: "/apis" },
    false,
  ],
];

describe("rules", () => {
  it.each(matches)("%s", (_what, policy, attributes, isAllowed) => {
    expect(ruleAllows(policy, attributes)).toBe(isAllowed);
  });

  it("what is not covered is named piece by piece", () => {
    const held = [rule({ verbs: ["get", "list"] })];
    expect(uncovered(held, [rule({ verbs: ["list"] })])).toEqual([]);
    expect(uncovered(held, [rule({ verbs: ["get", "watch"] })])).toEqual([rule({ verbs: ["watch"] })]);
    expect(uncovered([rule({ resourceNames: ["x"] })], [rule({})])).toHaveLength(1);
  });
});

describe("the authorizer", () => {
  let store: ApiStore;
  let rbac: Rbac;
  const jane: UserInfo = { username: "jane", groups: ["dev", "system:authenticated"] };
  const robot: UserInfo = { username: "system:serviceaccount:a:robot", groups: ["system:serviceaccounts"] };
  const rbacGroup = "rbac.authorization.k8s.io";
  const bind = (subject: object, kind: "Role" | "ClusterRole", name: string) =>
    store.create(`rolebindings.${rbacGroup}`, {
      metadata: { name: "b", namespace: "a" },
      roleRef: { apiGroup: rbacGroup, kind, name },
      subjects: [subject as { kind: string; name: string }],
    });

  beforeEach(async () => {
    store = await openStore({ plan: testPlan, clock: systemClock });
    await store.create("namespaces", { metadata: { name: "a" } });
    await bootstrapRbac(store);
    await store.create(`roles.${rbacGroup}`, { metadata: { name: "r", namespace: "a" }, rules: [rule({})] });
    rbac = openRbac(store);
  });

  it("lets masters do anything and others nothing", () => {
    expect(rbac.decide(adminUser, ask({ verb: "delete" })).isAllowed).toBe(true);
    expect(rbac.decide(jane, ask())).toEqual({ isAllowed: false, reason: "" });
  });

  it("grants a role in its namespace only, and says why", async () => {
    await bind({ kind: "User", name: "jane", apiGroup: rbacGroup }, "Role", "r");
    expect(rbac.decide(jane, ask())).toEqual({
      isAllowed: true,
      reason: 'RBAC: allowed by RoleBinding "b/a" of Role "r" to User "jane"',
    });
    expect(rbac.decide(jane, ask({ namespace: "b" })).isAllowed).toBe(false);
    expect(rbac.decide(jane, ask({ namespace: "" })).isAllowed).toBe(false);
  });

  it("knows groups and service accounts as subjects, and forgets a deleted binding", async () => {
    await bind({ kind: "ServiceAccount", name: "robot", namespace: "a" }, "ClusterRole", "view");
    expect(rbac.decide(robot, ask({ verb: "list" })).isAllowed).toBe(true);
    expect(rbac.decide(robot, ask({ resource: "secrets" })).isAllowed).toBe(false);
    await store.delete(`rolebindings.${rbacGroup}`, "a", "b");
    expect(rbac.decide(robot, ask({ verb: "list" })).isAllowed).toBe(false);
    await bind({ kind: "Group", name: "dev", apiGroup: rbacGroup }, "Role", "r");
    expect(rbac.decide(jane, ask()).isAllowed).toBe(true);
  });

  it("says which role is missing", async () => {
    await bind({ kind: "User", name: "jane", apiGroup: rbacGroup }, "ClusterRole", "gone");
    const { reason } = rbac.decide(jane, ask());
    expect(reason).toBe('RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found');
  });

  it("aggregates the rules of roles that are labelled for it", async () => {
    const stop = aggregateClusterRoles(store);
    const aggregated = new Promise<void>((resolve) => {
      store.subscribe(`clusterroles.${rbacGroup}`, ({ object }) => {
        if (object.metadata.name === "view" && object.rules?.some(({ resources }) => resources?.includes("widgets")))
          resolve();
      });
    });
    await store.create(`clusterroles.${rbacGroup}`, {
      metadata: { name: "widgets", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
      rules: [rule({ apiGroups: ["example.org"], resources: ["widgets"] })],
    });
    await aggregated;
    stop();
  });

  it("nobody grants what they lack", async () => {
    await bind({ kind: "User", name: "jane", apiGroup: rbacGroup }, "Role", "r");
    const write = { group: rbacGroup, resource: "roles", namespace: "a", name: "new" };
    checkEscalation(rbac, jane, write, { rules: [rule({})] });
    expect(() => checkEscalation(rbac, jane, write, { rules: [rule({ verbs: ["delete"] })] })).toThrow(
      'roles.rbac.authorization.k8s.io "new" is forbidden: user "jane" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}',
    );
    const binding = { group: rbacGroup, resource: "rolebindings", namespace: "a", name: "new" };
    expect(() => checkEscalation(rbac, jane, binding, { roleRef: { kind: "ClusterRole", name: "admin" } })).toThrow(
      /attempting to grant/,
    );
    checkEscalation(rbac, jane, binding, { roleRef: { kind: "Role", name: "r" } });
    checkEscalation(rbac, adminUser, binding, { roleRef: { kind: "ClusterRole", name: "cluster-admin" } });
  });
});

describe("refusals", () => {
  const jane: UserInfo = { username: "jane", groups: [] };
  it.each([
    [ask(), 'pods is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "a"'],
    [
      ask({ group: "apps", resource: "deployments", name: "d", subresource: "scale", verb: "update" }),
      'deployments.apps "d" is forbidden: User "jane" cannot update resource "deployments/scale" in API group "apps" in the namespace "a"',
    ],
    [
      ask({ resource: "nodes", namespace: "", verb: "list" }),
      'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
    ],
    [{ verb: "get", path: "/metrics" }, 'forbidden: User "jane" cannot get path "/metrics"'],
  ] satisfies [Attributes, string][])("%#", (attributes, message) => {
    expect(forbidden(jane, attributes).message).toBe(message);
  });
});
