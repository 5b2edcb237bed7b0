/**
 * The roles and bindings that every Kubernetes has from its start
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings), as far as their subjects exist here.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject } from "kubernetes-types/rbac/v1.js";

const rbacGroup = "rbac.authorization.k8s.io";
const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
  annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
});

const words = (text: string): string[] => text.split(" ").filter((word) => word !== "");
/** A rule for `resources` of `group`, all lists separated by spaces; the core group is `core`. */
const rule = (verbs: string, groups: string, resources: string): PolicyRule => ({
  apiGroups: words(groups).map((group) => (group === "core" ? "" : group)),
  resources: words(resources),
  verbs: words(verbs),
});
const urls = (paths: string): PolicyRule => ({ nonResourceURLs: words(paths), verbs: ["get"] });

const read = "get list watch";
const write = "create delete deletecollection patch update";
const allVerbs = "create delete deletecollection get list patch update watch";
const apps =
  "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status";
const appsWritten =
  "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale";
const networking = "ingresses ingresses/status networkpolicies";

const viewRules: PolicyRule[] = [
  rule(
    read,
    "core",
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
  ),
  rule(
    read,
    "core",
    "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status",
  ),
  rule(read, "core", "namespaces"),
  rule(read, "discovery.k8s.io", "endpointslices"),
  rule(read, "apps", apps),
  rule(read, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
  rule(read, "batch", "cronjobs cronjobs/status jobs jobs/status"),
  rule(read, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
  rule(read, "networking.k8s.io", networking),
  rule(read, "metrics.k8s.io", "pods nodes"),
  rule(read, "resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates"),
];

const editRules: PolicyRule[] = [
  rule(read, "core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
  rule("impersonate", "core", "serviceaccounts"),
  rule(write, "core", "pods pods/attach pods/exec pods/portforward pods/proxy"),
  rule("create", "core", "pods/eviction"),
  rule(
    write,
    "core",
    "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
  ),
  rule("create", "core", "serviceaccounts/token"),
  rule(write, "apps", appsWritten),
  rule(write, "autoscaling", "horizontalpodautoscalers"),
  rule(write, "batch", "cronjobs jobs"),
  rule(write, "policy", "poddisruptionbudgets"),
  rule(write, "networking.k8s.io", "ingresses networkpolicies"),
  rule(allVerbs, "coordination.k8s.io", "leases"),
  rule(write, "resource.k8s.io", "resourceclaims resourceclaimtemplates"),
];

const adminRules: PolicyRule[] = [
  rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
  rule(allVerbs, rbacGroup, "rolebindings roles"),
];

const aggregateTo = (role: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: "true" });

/** A role whose rules are those of all roles labelled for it, besides what is known from the start. */
const aggregated = (role: string, rules: PolicyRule[], alsoTo?: string): ClusterRole => ({
  metadata: metadata(role, alsoTo === undefined ? {} : aggregateTo(alsoTo)),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(role) }] },
  rules,
});

const clusterRole = (name: string, rules: PolicyRule[], labels?: Record<string, string>): ClusterRole => ({
  metadata: metadata(name, labels),
  rules,
});

const discoveryUrls = "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/";

export const defaultClusterRoles: readonly ClusterRole[] = [
  clusterRole("cluster-admin", [rule("*", "*", "*"), { nonResourceURLs: ["*"], verbs: ["*"] }]),
  clusterRole("system:aggregate-to-view", viewRules, aggregateTo("view")),
  clusterRole("system:aggregate-to-edit", editRules, aggregateTo("edit")),
  clusterRole("system:aggregate-to-admin", adminRules, aggregateTo("admin")),
  aggregated("view", viewRules, "edit"),
  aggregated("edit", [...editRules, ...viewRules], "admin"),
  aggregated("admin", [...adminRules, ...editRules, ...viewRules]),
  clusterRole("system:discovery", [urls(discoveryUrls)]),
  clusterRole("system:monitoring", [
    urls("/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*"),
  ]),
  clusterRole("system:public-info-viewer", [urls("/healthz /livez /readyz /version /version/")]),
  clusterRole("system:basic-user", [
    rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
    rule("create", "authentication.k8s.io", "selfsubjectreviews"),
  ]),
  clusterRole("system:auth-delegator", [
    rule("create", "authentication.k8s.io", "tokenreviews"),
    rule("create", "authorization.k8s.io", "subjectaccessreviews"),
  ]),
  clusterRole("system:kubelet-api-admin", [
    rule(read, "core", "nodes"),
    rule("proxy", "core", "nodes"),
    rule("*", "core", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
  ]),
  clusterRole("system:persistent-volume-provisioner", [
    rule("create delete get list watch", "core", "persistentvolumes"),
    rule("get list update watch", "core", "persistentvolumeclaims"),
    rule(read, "storage.k8s.io", "storageclasses"),
    rule("watch", "core", "events"),
    rule("create patch update", "core events.k8s.io", "events"),
  ]),
  clusterRole("system:volume-scheduler", [
    rule("get list patch update watch", "core", "persistentvolumes"),
    rule(read, "storage.k8s.io", "storageclasses"),
    rule("get list patch update watch", "core", "persistentvolumeclaims"),
  ]),
  clusterRole("system:node-proxier", [
    rule("list watch", "core", "endpoints services"),
    rule(read, "core", "nodes"),
    rule("create patch update", "core events.k8s.io", "events"),
    rule("list watch", "discovery.k8s.io", "endpointslices"),
  ]),
  clusterRole("system:kube-dns", [rule("list watch", "core", "endpoints services")]),
  clusterRole("system:service-account-issuer-discovery", [urls("/.well-known/openid-configuration /openid/v1/jwks")]),
];

const group = (name: string): Subject => ({ apiGroup: rbacGroup, kind: "Group", name });
const roleRef = (name: string): RoleRef => ({ apiGroup: rbacGroup, kind: "ClusterRole", name });
const binding = (name: string, ...groups: string[]): ClusterRoleBinding => ({
  metadata: metadata(name),
  roleRef: roleRef(name),
  subjects: groups.map(group),
});

export const defaultClusterRoleBindings: readonly ClusterRoleBinding[] = [
  binding("cluster-admin", "system:masters"),
  binding("system:discovery", "system:authenticated"),
  binding("system:basic-user", "system:authenticated"),
  binding("system:monitoring", "system:monitoring"),
  binding("system:public-info-viewer", "system:authenticated", "system:unauthenticated"),
  binding("system:service-account-issuer-discovery", "system:serviceaccounts"),
];
