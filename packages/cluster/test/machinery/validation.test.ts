import { beforeEach, describe, expect, it } from "vitest";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { configMap, openTestStore, pod } from "./support.ts";

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
});

const container = (fields: ApiObject = {}) => ({ name: "main", image: "busybox", ...fields });
const named = (spec: ApiObject, name = "x"): ApiObject => ({ metadata: { name, namespace: "default" }, spec });
const podWith = (fields: ApiObject, more: ApiObject = {}) => named({ containers: [container(fields)], ...more });
const workload = (spec: ApiObject = {}, labels: Record<string, string> = { app: "x" }) =>
  named({
    selector: { matchLabels: { app: "x" } },
    template: { metadata: { labels }, spec: { containers: [container()] } },
    ...spec,
  });

const refusals: [what: string, resource: string, object: ApiObject, message: string][] = [
  [
    "a bad name",
    "configmaps",
    configMap("Bad_Name"),
    `ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
  ],
  [
    "no name",
    "configmaps",
    { metadata: { namespace: "default" } },
    'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
  ],
  [
    "a bad label",
    "configmaps",
    { metadata: { name: "x", namespace: "default", labels: { a: "b c" } } },
    `ConfigMap "x" is invalid: metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
  ],
  ["no containers", "pods", named({}), 'Pod "x" is invalid: spec.containers: Required value'],
  ["no image", "pods", podWith({ image: undefined }), 'Pod "x" is invalid: spec.containers[0].image: Required value'],
  [
    "a port out of range",
    "pods",
    podWith({ ports: [{ containerPort: 70000 }] }),
    'Pod "x" is invalid: spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
  ],
  [
    "a mount without its volume",
    "pods",
    podWith({ volumeMounts: [{ name: "v", mountPath: "/v" }] }),
    'Pod "x" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  [
    "two containers of one name",
    "pods",
    named({ containers: [container(), container()] }),
    'Pod "x" is invalid: spec.containers[1].name: Duplicate value: "main"',
  ],
  [
    "an unknown pull policy",
    "pods",
    podWith({ imagePullPolicy: "Sometimes" }),
    'Pod "x" is invalid: spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
  ],
  [
    "requests above limits",
    "pods",
    podWith({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
    'Pod "x" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    "a probe without a handler",
    "pods",
    podWith({ livenessProbe: {} }),
    'Pod "x" is invalid: spec.containers[0].livenessProbe: Required value: must specify a handler type',
  ],
  [
    "what is no quantity",
    "pods",
    podWith({ resources: { limits: { memory: "lots" } } }),
    "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
  [
    "a pod whose account is missing",
    "pods",
    podWith({}, { serviceAccountName: "ghost" }),
    'pods "x" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found',
  ],
  [
    "labels that the selector misses",
    "deployments.apps",
    workload({}, { app: "y" }),
    'Deployment.apps "x" is invalid: spec.template.metadata.labels: Invalid value: {"app":"y"}: `selector` does not match template `labels`',
  ],
  [
    "negative replicas",
    "deployments.apps",
    workload({ replicas: -1 }),
    'Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    "several at once",
    "statefulsets.apps",
    workload({ replicas: -1, podManagementPolicy: "Any" }),
    'StatefulSet.apps "x" is invalid: [spec.podManagementPolicy: Unsupported value: "Any": supported values: "OrderedReady", "Parallel", spec.replicas: Invalid value: -1: must be greater than or equal to 0]',
  ],
  [
    "a job that always restarts",
    "jobs.batch",
    named({ template: { spec: { containers: [container()] } } }),
    'Job.batch "x" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ],
  ["a service without ports", "services", named({}), 'Service "x" is invalid: spec.ports: Required value'],
  [
    "a service of an unknown type",
    "services",
    named({ type: "Magic", ports: [{ port: 1 }] }),
    'Service "x" is invalid: spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [
    "a node port out of range",
    "services",
    named({ type: "NodePort", ports: [{ port: 1, nodePort: 80 }] }),
    'Service "x" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
  ],
  [
    "a claim without a size",
    "persistentvolumeclaims",
    named({ accessModes: ["ReadWriteOnce"] }),
    'PersistentVolumeClaim "x" is invalid: spec.resources[storage]: Required value',
  ],
  [
    "a lease time of three digits",
    "leases.coordination.k8s.io",
    named({ renewTime: "2026-01-02T03:04:05.123Z" }),
    'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-02T03:04:05.123Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse',
  ],
  [
    "a schedule that is none",
    "cronjobs.batch",
    named({
      schedule: "often",
      jobTemplate: { spec: { template: { spec: { restartPolicy: "Never", containers: [container()] } } } },
    }),
    'CronJob.batch "x" is invalid: spec.schedule: Invalid value: "often": expected exactly 5 fields, found 1: [often]',
  ],
  [
    "an ingress path without its type",
    "ingresses.networking.k8s.io",
    named({ rules: [{ http: { paths: [{ path: "/", backend: { service: { name: "s", port: { number: 80 } } } }] } }] }),
    'Ingress.networking.k8s.io "x" is invalid: spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
  ],
];

describe("creation refuses", () => {
  it.each(refusals)("%s", async (_, resource, object, message) => {
    await expect(store.create(resource, object)).rejects.toMatchObject({ message });
  });
});

describe("change refuses", () => {
  const changes: [string, string, ApiObject, (draft: ApiObject) => void, string][] = [
    [
      "a new selector",
      "deployments.apps",
      workload(),
      (draft) => {
        draft.spec.selector.matchLabels.b = "1";
        draft.spec.template.metadata.labels.b = "1";
      },
      'Deployment.apps "x" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"x","b":"1"}}: field is immutable',
    ],
    [
      "fixed fields of a StatefulSet",
      "statefulsets.apps",
      workload(),
      (draft) => {
        draft.spec.serviceName = "other";
      },
      "StatefulSet.apps \"x\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
    [
      "an immutable config map's data",
      "configmaps",
      { ...configMap("x", { a: "1" }), immutable: true },
      (draft) => {
        draft.data.a = "2";
      },
      'ConfigMap "x" is invalid: data: Forbidden: field is immutable when `immutable` is set',
    ],
    [
      "a pod's command",
      "pods",
      pod("x"),
      (draft) => {
        draft.spec.containers[0].command = ["true"];
      },
      "pod updates may not change fields other than `spec.containers[*].image`",
    ],
    [
      "a service's address",
      "services",
      named({ ports: [{ port: 80 }] }),
      (draft) => {
        draft.spec.clusterIP = "127.9.128.200";
        draft.spec.clusterIPs = ["127.9.128.200"];
      },
      'spec.clusterIPs[0]: Invalid value: ["127.9.128.200"]: may not change once set',
    ],
  ];
  it.each(changes)("%s", async (_, resource, object, change, message) => {
    await store.create(resource, object);
    await expect(store.modify(resource, "default", "x", change)).rejects.toThrow(message);
  });
});
