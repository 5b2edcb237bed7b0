/** Every kind the cluster serves; a new kind is a row here, and in `strategies.ts` where it has rules of its own. */
import { shapeOf } from "../shape/shapes.ts";
import type { ResourceDescriptor } from "../store.ts";
import { keyOfResource, type ResourceRow } from "./row.ts";
import { strategies } from "./strategies.ts";

export const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;

type Traits = Partial<Pick<ResourceDescriptor, "shortNames" | "categories" | "subresources" | "verbs">>;

type Line = readonly [kind: string, plural: string, scope: "namespaced" | "cluster", traits?: Traits];

const all = ["all"] as const;
/** What `kubectl get api-extensions` lists. */
const extension = { categories: ["api-extensions"] } as const;

const groups: Readonly<Record<string, readonly Line[]>> = {
  v1: [
    [
      "Namespace",
      "namespaces",
      "cluster",
      { shortNames: ["ns"], subresources: ["finalize", "status"], verbs: withoutCollection() },
    ],
    ["Node", "nodes", "cluster", { shortNames: ["no"], subresources: ["status"] }],
    [
      "Pod",
      "pods",
      "namespaced",
      {
        shortNames: ["po"],
        categories: all,
        subresources: [
          "attach",
          "binding",
          "ephemeralcontainers",
          "eviction",
          "exec",
          "log",
          "portforward",
          "proxy",
          "resize",
          "status",
        ],
      },
    ],
    ["Service", "services", "namespaced", { shortNames: ["svc"], categories: all, subresources: ["proxy", "status"] }],
    ["Endpoints", "endpoints", "namespaced", { shortNames: ["ep"] }],
    ["ConfigMap", "configmaps", "namespaced", { shortNames: ["cm"] }],
    ["Secret", "secrets", "namespaced"],
    ["ServiceAccount", "serviceaccounts", "namespaced", { shortNames: ["sa"], subresources: ["token"] }],
    ["PersistentVolume", "persistentvolumes", "cluster", { shortNames: ["pv"], subresources: ["status"] }],
    [
      "PersistentVolumeClaim",
      "persistentvolumeclaims",
      "namespaced",
      { shortNames: ["pvc"], subresources: ["status"] },
    ],
    ["Event", "events", "namespaced", { shortNames: ["ev"] }],
    [
      "ReplicationController",
      "replicationcontrollers",
      "namespaced",
      { shortNames: ["rc"], categories: all, subresources: ["scale", "status"] },
    ],
    ["LimitRange", "limitranges", "namespaced", { shortNames: ["limits"] }],
    ["ResourceQuota", "resourcequotas", "namespaced", { shortNames: ["quota"], subresources: ["status"] }],
    ["PodTemplate", "podtemplates", "namespaced"],
  ],
  "apps/v1": [
    [
      "StatefulSet",
      "statefulsets",
      "namespaced",
      { shortNames: ["sts"], categories: all, subresources: ["scale", "status"] },
    ],
    [
      "Deployment",
      "deployments",
      "namespaced",
      { shortNames: ["deploy"], categories: all, subresources: ["scale", "status"] },
    ],
    [
      "ReplicaSet",
      "replicasets",
      "namespaced",
      { shortNames: ["rs"], categories: all, subresources: ["scale", "status"] },
    ],
    ["DaemonSet", "daemonsets", "namespaced", { shortNames: ["ds"], categories: all, subresources: ["status"] }],
    ["ControllerRevision", "controllerrevisions", "namespaced"],
  ],
  "batch/v1": [
    ["Job", "jobs", "namespaced", { categories: all, subresources: ["status"] }],
    ["CronJob", "cronjobs", "namespaced", { shortNames: ["cj"], categories: all, subresources: ["status"] }],
  ],
  "autoscaling/v2": [
    [
      "HorizontalPodAutoscaler",
      "horizontalpodautoscalers",
      "namespaced",
      { shortNames: ["hpa"], categories: all, subresources: ["status"] },
    ],
  ],
  "policy/v1": [
    ["PodDisruptionBudget", "poddisruptionbudgets", "namespaced", { shortNames: ["pdb"], subresources: ["status"] }],
  ],
  "certificates.k8s.io/v1": [
    [
      "CertificateSigningRequest",
      "certificatesigningrequests",
      "cluster",
      { shortNames: ["csr"], subresources: ["approval", "status"] },
    ],
  ],
  "coordination.k8s.io/v1": [["Lease", "leases", "namespaced"]],
  "rbac.authorization.k8s.io/v1": [
    ["Role", "roles", "namespaced"],
    ["RoleBinding", "rolebindings", "namespaced"],
    ["ClusterRole", "clusterroles", "cluster"],
    ["ClusterRoleBinding", "clusterrolebindings", "cluster"],
  ],
  "networking.k8s.io/v1": [
    ["Ingress", "ingresses", "namespaced", { shortNames: ["ing"], subresources: ["status"] }],
    ["IngressClass", "ingressclasses", "cluster"],
    ["NetworkPolicy", "networkpolicies", "namespaced", { shortNames: ["netpol"] }],
  ],
  "discovery.k8s.io/v1": [["EndpointSlice", "endpointslices", "namespaced"]],
  "node.k8s.io/v1": [["RuntimeClass", "runtimeclasses", "cluster"]],
  "scheduling.k8s.io/v1": [["PriorityClass", "priorityclasses", "cluster", { shortNames: ["pc"] }]],
  "storage.k8s.io/v1": [
    ["StorageClass", "storageclasses", "cluster", { shortNames: ["sc"] }],
    ["CSIDriver", "csidrivers", "cluster"],
    ["CSINode", "csinodes", "cluster"],
    ["CSIStorageCapacity", "csistoragecapacities", "namespaced"],
    ["VolumeAttachment", "volumeattachments", "cluster", { subresources: ["status"] }],
    ["VolumeAttributesClass", "volumeattributesclasses", "cluster", { shortNames: ["vac"] }],
  ],
  "resource.k8s.io/v1": [
    ["DeviceClass", "deviceclasses", "cluster"],
    ["ResourceClaim", "resourceclaims", "namespaced", { subresources: ["status"] }],
    ["ResourceClaimTemplate", "resourceclaimtemplates", "namespaced"],
    ["ResourceSlice", "resourceslices", "cluster"],
  ],
  "admissionregistration.k8s.io/v1": [
    ["MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "cluster", extension],
    ["ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "cluster", extension],
    ["ValidatingAdmissionPolicy", "validatingadmissionpolicies", "cluster", { ...extension, subresources: ["status"] }],
    ["ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", "cluster", extension],
  ],
  "flowcontrol.apiserver.k8s.io/v1": [
    ["FlowSchema", "flowschemas", "cluster", { subresources: ["status"] }],
    ["PriorityLevelConfiguration", "prioritylevelconfigurations", "cluster", { subresources: ["status"] }],
  ],
  "apiextensions.k8s.io/v1": [
    [
      "CustomResourceDefinition",
      "customresourcedefinitions",
      "cluster",
      { ...extension, shortNames: ["crd", "crds"], subresources: ["status"] },
    ],
  ],
  // Not of Kubernetes: what is wrong with the cluster on purpose.
  "faults.coracle.dev/v1": [["Fault", "faults", "cluster", { subresources: ["status"] }]],
};

/** Namespaces can't be deleted as a collection. */
function withoutCollection() {
  return allVerbs.filter((verb) => verb !== "deletecollection");
}

function rowOf(groupVersion: string, [kind, plural, scope, traits = {}]: Line): ResourceRow {
  const [version = "", group = ""] = groupVersion.split("/").toReversed();
  const key = keyOfResource({ group, plural });
  return {
    key,
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    namespaced: scope === "namespaced",
    shortNames: [],
    categories: [],
    verbs: allVerbs,
    subresources: [],
    ...traits,
    hasExpressions: kind === "CustomResourceDefinition" || kind === "ValidatingAdmissionPolicy",
    strategy: strategies[key] ?? {},
    shape: shapeOf(key),
  };
}

/** The built-in kinds in the order of discovery. */
export const builtInRows: readonly ResourceRow[] = Object.entries(groups).flatMap(([groupVersion, lines]) =>
  lines.map((line) => rowOf(groupVersion, line)),
);
