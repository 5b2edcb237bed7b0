import { describe, expect, it } from "vitest";
import { readJsonPath } from "../../src/apiserver/table/jsonpath.ts";
import { printerFor } from "../../src/apiserver/table/printers.ts";
import type { ResourceDescriptor } from "../../src/machinery/store.ts";
import type { ApiObject, Registry, Stored } from "../../src/machinery/types.ts";

const now = Date.parse("2026-01-01T00:05:00Z");
const metadata = { name: "x", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };

const definition = {
  spec: {
    versions: [
      {
        name: "v1",
        additionalPrinterColumns: [
          { name: "Phase", type: "string", jsonPath: ".status.phase" },
          { name: "Size", type: "integer", jsonPath: ".spec.size", priority: 1 },
          { name: "Since", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
      },
    ],
  },
};
const registry = {
  get: (resource: string, _namespace: string, name: string) =>
    resource.startsWith("customresourcedefinitions.") && name === "widgets.example.org" ? definition : undefined,
} as unknown as Registry;

const resource = (key: string): ResourceDescriptor => {
  const [plural = "", ...group] = key.split(".");
  return {
    group: group.join("."),
    version: "v1",
    kind: "",
    plural,
    singular: "",
    shortNames: [],
    namespaced: true,
    categories: [],
    verbs: [],
    subresources: [],
  };
};

/** A row as `kubectl get -o wide` shows it, by column. */
function row(key: string, object: ApiObject): Record<string, unknown> {
  const printer = printerFor(registry, resource(key));
  const stored = {
    apiVersion: "v1",
    kind: "K",
    ...object,
    metadata: { ...metadata, ...object.metadata },
  } as Stored<ApiObject>;
  const cells = printer.cells(stored, now);
  return Object.fromEntries(printer.columns.map((column, i) => [column.name, cells[i]]));
}

const rows: [key: string, object: ApiObject, cells: Record<string, unknown>][] = [
  [
    "services",
    {
      spec: {
        type: "LoadBalancer",
        clusterIP: "10.0.0.1",
        ports: [
          { port: 80, nodePort: 30080, protocol: "TCP" },
          { port: 53, protocol: "UDP" },
        ],
        selector: { b: "2", a: "1" },
      },
    },
    {
      Type: "LoadBalancer",
      "Cluster-IP": "10.0.0.1",
      "External-IP": "<pending>",
      "Port(s)": "80:30080/TCP,53/UDP",
      Selector: "a=1,b=2",
      Age: "5m",
    },
  ],
  [
    "services",
    { spec: { type: "LoadBalancer" }, status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }, { hostname: "h" }] } } },
    { "Cluster-IP": "<none>", "External-IP": "1.2.3.4,h", "Port(s)": "<none>", Selector: "<none>" },
  ],
  ["services", { spec: { type: "ExternalName", externalName: "e.org" } }, { "External-IP": "e.org" }],
  ["services", { spec: { clusterIP: "None" } }, { Type: "ClusterIP", "Cluster-IP": "None", "External-IP": "<none>" }],
  ["endpoints", {}, { Endpoints: "<none>" }],
  [
    "endpoints",
    { subsets: [{ addresses: ["1", "2", "3", "4"].map((ip) => ({ ip })), ports: [{ port: 80 }] }] },
    { Endpoints: "1:80,2:80,3:80 + 1 more..." },
  ],
  [
    "endpointslices.discovery.k8s.io",
    { addressType: "IPv4", ports: [], endpoints: [{ addresses: ["1"] }] },
    { AddressType: "IPv4", Ports: "<unset>", Endpoints: "1" },
  ],
  [
    "deployments.apps",
    {
      spec: {
        replicas: 3,
        selector: { matchLabels: { a: "b" }, matchExpressions: [{ key: "c", operator: "In", values: ["z", "y"] }] },
        template: { spec: { containers: [{ name: "c", image: "i" }] } },
      },
      status: { readyReplicas: 1, updatedReplicas: 2 },
    },
    { Ready: "1/3", "Up-to-date": 2, Available: 0, Containers: "c", Images: "i", Selector: "a=b,c in (y,z)" },
  ],
  [
    "statefulsets.apps",
    { spec: { replicas: 3 }, status: { readyReplicas: 3 } },
    { Name: "x", Ready: "3/3", Age: "5m" },
  ],
  [
    "jobs.batch",
    { spec: { completions: 2 }, status: { succeeded: 1, startTime: "2026-01-01T00:04:00Z" } },
    { Status: "Running", Completions: "1/2", Duration: "60s" },
  ],
  [
    "jobs.batch",
    { spec: { parallelism: 3 }, status: { conditions: [{ type: "Complete", status: "True" }] } },
    { Status: "Complete", Completions: "0/1 of 3", Duration: "" },
  ],
  [
    "cronjobs.batch",
    { spec: { schedule: "* * * * *", suspend: false } },
    { Timezone: "<none>", Suspend: "False", Active: 0, "Last Schedule": "<none>" },
  ],
  [
    "persistentvolumeclaims",
    { spec: {}, status: { phase: "Pending" } },
    {
      Status: "Pending",
      Volume: "",
      Capacity: "",
      "Access Modes": "",
      StorageClass: "",
      VolumeAttributesClass: "<unset>",
      VolumeMode: "<unset>",
    },
  ],
  [
    "persistentvolumeclaims",
    {
      metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" },
      spec: { volumeName: "pv", storageClassName: "standard", volumeMode: "Filesystem" },
      status: { phase: "Bound", capacity: { storage: "50Gi" }, accessModes: ["ReadWriteMany", "ReadWriteOnce"] },
    },
    { Status: "Terminating", Volume: "pv", Capacity: "50Gi", "Access Modes": "RWO,RWX", VolumeMode: "Filesystem" },
  ],
  [
    "persistentvolumes",
    {
      spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], claimRef: { namespace: "n", name: "c" } },
      status: { phase: "Bound" },
    },
    { Capacity: "1Gi", Claim: "n/c", Status: "Bound" },
  ],
  [
    "storageclasses.storage.k8s.io",
    {
      metadata: { name: "s", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: "p",
    },
    { Name: "s (default)", ReclaimPolicy: "Delete", VolumeBindingMode: "Immediate", AllowVolumeExpansion: false },
  ],
  [
    "poddisruptionbudgets.policy",
    { spec: { maxUnavailable: "50%" }, status: { disruptionsAllowed: 1 } },
    { "Min Available": "N/A", "Max Unavailable": "50%", "Allowed Disruptions": 1 },
  ],
  ["configmaps", { data: { a: "" }, binaryData: { b: "" } }, { Data: 2 }],
  ["secrets", { type: "Opaque" }, { Type: "Opaque", Data: 0 }],
  [
    "nodes",
    {
      metadata: { name: "n", labels: { "node-role.kubernetes.io/control-plane": "", "node-role.kubernetes.io/a": "" } },
      spec: { unschedulable: true },
      status: { conditions: [{ type: "Ready", status: "True" }], addresses: [{ type: "InternalIP", address: "1" }] },
    },
    {
      Status: "Ready,SchedulingDisabled",
      Roles: "a,control-plane",
      "Internal-IP": "1",
      "External-IP": "<none>",
      "OS-Image": "<unknown>",
    },
  ],
  [
    "nodes",
    { status: { conditions: [{ type: "Ready", status: "Unknown" }] } },
    { Status: "NotReady", Roles: "<none>" },
  ],
  [
    "events",
    {
      type: "Warning",
      reason: "R",
      message: " m\n",
      involvedObject: { kind: "Pod", name: "p", fieldPath: "f" },
      source: { component: "kubelet", host: "h" },
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:04:30Z",
      count: 4,
    },
    { "Last Seen": "30s", Object: "pod/p", Message: "m", Source: "kubelet, h", "First Seen": "5m", Count: 4 },
  ],
  ["leases.coordination.k8s.io", { spec: { holderIdentity: "h" } }, { Holder: "h" }],
  ["networkpolicies.networking.k8s.io", { spec: { podSelector: {} } }, { "Pod-Selector": "<none>" }],
  [
    "ingresses.networking.k8s.io",
    { spec: { rules: [{ host: "a" }, {}], tls: [{}] } },
    { Class: "<none>", Hosts: "a", Address: "", Ports: "80, 443" },
  ],
  [
    "rolebindings.rbac.authorization.k8s.io",
    {
      roleRef: { kind: "Role", name: "r" },
      subjects: [
        { kind: "ServiceAccount", name: "s", namespace: "n" },
        { kind: "User", name: "u" },
      ],
    },
    { Role: "Role/r", Users: "u", Groups: "", ServiceAccounts: "n/s" },
  ],
  ["roles.rbac.authorization.k8s.io", {}, { "Created At": "2026-01-01T00:00:00Z" }],
  [
    "horizontalpodautoscalers.autoscaling",
    {
      spec: {
        scaleTargetRef: { kind: "Deployment", name: "d" },
        maxReplicas: 3,
        metrics: [{ type: "Resource", resource: { name: "cpu", target: { averageUtilization: 80 } } }],
      },
    },
    { Reference: "Deployment/d", Targets: "cpu: <unknown>/80%", MinPods: "<unset>", MaxPods: 3 },
  ],
  [
    "controllerrevisions.apps",
    {
      revision: 2,
      metadata: {
        name: "c",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "s", uid: "u", controller: true }],
      },
    },
    { Controller: "statefulset.apps/s", Revision: 2 },
  ],
  [
    "widgets.example.org",
    { status: { phase: "Up" }, spec: { size: 3 } },
    { Name: "x", Phase: "Up", Size: 3, Since: "5m" },
  ],
  ["gadgets.example.org", {}, { Name: "x", "Created At": "2026-01-01T00:00:00Z" }],
];

describe("tables", () => {
  it.each(rows)("%s", (key, object, cells) => {
    expect(row(key, object)).toMatchObject(cells);
  });
});

describe("readJsonPath", () => {
  const object = {
    a: { "b.c": 1 },
    list: [
      { type: "Ready", status: "True" },
      { type: "Up", status: "False" },
    ],
  };
  it.each([
    [".list[0].type", ["Ready"]],
    [".list[*].type", ["Ready", "Up"]],
    ['.list[?(@.type=="Up")].status', ["False"]],
    [".a['b.c']", [1]],
    [".a.b\\.c", [1]],
    [".nothing.here", []],
    [".a[", []],
  ])("reads %s", (path, values) => {
    expect(readJsonPath(object, path)).toEqual(values);
  });
});
