/** The shape of every built-in kind. */
import type { ResourceKey } from "../store.ts";
import { conditions, metadata, podSpec, podStatus, podTemplate, statusWithConditions } from "./pod.ts";
import { atomic, granular, listBy, mergedBy, ownedBy, type Shape, setOfValues } from "./shape.ts";

/** Fields shared by all objects, then those of the kind. */
const object = (fields: Readonly<Record<string, Shape>>): Shape => ({ fields: { metadata, ...fields } });

const workload = (spec: Readonly<Record<string, Shape>> = {}): Shape =>
  object({ spec: { fields: { selector: atomic, template: podTemplate, ...spec } }, status: statusWithConditions });

const job: Shape = { fields: { selector: atomic, template: podTemplate } };

const roleBinding = object({ roleRef: atomic, subjects: granular });
const claim: Shape = { fields: { selector: atomic, dataSource: atomic } };

const shapes: Readonly<Record<ResourceKey, Shape>> = {
  namespaces: object({ status: statusWithConditions }),
  nodes: object({
    spec: { fields: { podCIDRs: setOfValues, configSource: granular } },
    status: { fields: { conditions, addresses: mergedBy("type") } },
  }),
  pods: object({ spec: podSpec, status: podStatus }),
  podtemplates: object({ template: podTemplate }),
  services: object({
    spec: { fields: { ports: listBy(["port", "protocol"]), selector: atomic } },
    status: { fields: { conditions } },
  }),
  serviceaccounts: object({ secrets: listBy(["name"]) }),
  persistentvolumes: object({
    spec: { fields: { claimRef: atomic, nodeAffinity: { fields: { required: atomic } } } },
  }),
  persistentvolumeclaims: object({ spec: claim, status: statusWithConditions }),
  events: object({ involvedObject: atomic }),
  replicationcontrollers: object({
    spec: { fields: { selector: atomic, template: podTemplate } },
    status: statusWithConditions,
  }),
  "statefulsets.apps": workload(),
  "deployments.apps": workload(),
  "replicasets.apps": workload(),
  "daemonsets.apps": workload(),
  "controllerrevisions.apps": object({ data: atomic }),
  "jobs.batch": object({ spec: job, status: statusWithConditions }),
  "cronjobs.batch": object({ spec: { fields: { jobTemplate: { fields: { metadata, spec: job } } } } }),
  "horizontalpodautoscalers.autoscaling": object({ status: { fields: { conditions: ownedBy(["type"]) } } }),
  "poddisruptionbudgets.policy": object({ spec: { fields: { selector: atomic } }, status: statusWithConditions }),
  "certificatesigningrequests.certificates.k8s.io": object({ status: { fields: { conditions: ownedBy(["type"]) } } }),
  "rolebindings.rbac.authorization.k8s.io": roleBinding,
  "clusterrolebindings.rbac.authorization.k8s.io": roleBinding,
  "networkpolicies.networking.k8s.io": object({ spec: { fields: { podSelector: atomic } } }),
  "ingresses.networking.k8s.io": object({ spec: { fields: { defaultBackend: { fields: { resource: atomic } } } } }),
  "customresourcedefinitions.apiextensions.k8s.io": object({ status: { fields: { conditions: ownedBy(["type"]) } } }),
};

const plain = object({});

/** The shape of a resource; one without a row (custom resources included) has only the shape of its metadata. */
export const shapeOf = (key: ResourceKey): Shape => shapes[key] ?? plain;
