import { beforeEach, describe, expect, it } from "vitest";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { descriptor, openTestStore, pod } from "./support.ts";

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
});

const named = (spec: ApiObject, name = "x"): ApiObject => ({ metadata: { name, namespace: "default" }, spec });
const template = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "a", image: "a:1" }] } };
const workload = (spec: ApiObject = {}) => named({ selector: { matchLabels: { app: "x" } }, template, ...spec });

const cases: [resource: string, object: ApiObject, defaulted: ApiObject][] = [
  [
    "statefulsets.apps",
    workload({ volumeClaimTemplates: [claim()] }),
    {
      metadata: { generation: 1 },
      spec: {
        replicas: 1,
        podManagementPolicy: "OrderedReady",
        revisionHistoryLimit: 10,
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
        volumeClaimTemplates: [{ apiVersion: "v1", kind: "PersistentVolumeClaim", spec: { volumeMode: "Filesystem" } }],
      },
      status: { replicas: 0 },
    },
  ],
  [
    "deployments.apps",
    workload(),
    {
      spec: {
        progressDeadlineSeconds: 600,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
        template: { spec: { restartPolicy: "Always", dnsPolicy: "ClusterFirst", securityContext: {} } },
      },
    },
  ],
  ["daemonsets.apps", workload(), { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } } }],
  [
    "cronjobs.batch",
    named({
      schedule: "@daily",
      jobTemplate: { spec: { template: { spec: { restartPolicy: "Never", ...template.spec } } } },
    }),
    { spec: { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 } },
  ],
  ["persistentvolumeclaims", claim(), { spec: { volumeMode: "Filesystem" }, status: { phase: "Pending" } }],
  ["secrets", { ...named({}), stringData: { a: "b" } }, { type: "Opaque", data: { a: "Yg==" } }],
  [
    "networkpolicies.networking.k8s.io",
    named({ podSelector: {}, egress: [{ ports: [{ port: 53 }] }] }),
    { spec: { policyTypes: ["Ingress", "Egress"], egress: [{ ports: [{ port: 53, protocol: "TCP" }] }] } },
  ],
  [
    "rolebindings.rbac.authorization.k8s.io",
    { ...named({}), roleRef: { kind: "Role", name: "r" }, subjects: [{ kind: "User", name: "u" }] },
    { roleRef: { apiGroup: "rbac.authorization.k8s.io" }, subjects: [{ apiGroup: "rbac.authorization.k8s.io" }] },
  ],
];

function claim(): ApiObject {
  return named({ accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } });
}

describe("defaults", () => {
  it.each(cases)("of %s", async (resource, object, defaulted) => {
    expect(await store.create(resource, object)).toMatchObject(defaulted);
  });

  it("of a job select its own pods", async () => {
    const job = await store.create<string>(
      "jobs.batch",
      named({ template: { spec: { restartPolicy: "Never", ...template.spec } } }),
    );
    expect(job).toMatchObject({
      spec: {
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        selector: { matchLabels: { "batch.kubernetes.io/controller-uid": job.metadata.uid } },
        template: { metadata: { labels: { "job-name": "x", "controller-uid": job.metadata.uid } } },
      },
    });
  });

  it("of a namespace", async () => {
    expect(await store.create("namespaces", { metadata: { name: "n" } })).toMatchObject({
      metadata: { labels: { "kubernetes.io/metadata.name": "n" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  });
});

describe("a pod", () => {
  it("runs as the default account with its token mounted", async () => {
    const { spec } = await store.create("pods", pod("a"));
    const volume = spec?.volumes?.[0];
    expect(volume).toMatchObject({
      name: expect.stringMatching(/^kube-api-access-[a-z0-9]{5}$/),
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607 } },
          { configMap: { name: "kube-root-ca.crt" } },
          {},
        ],
      },
    });
    expect(spec).toMatchObject({ serviceAccountName: "default", serviceAccount: "default" });
    expect(spec?.containers[0]?.volumeMounts).toEqual([
      { name: volume?.name, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
    ]);
  });

  it("can do without a token", async () => {
    const { spec } = await store.create("pods", pod("a", { automountServiceAccountToken: false }));
    expect(spec?.volumes).toBeUndefined();
  });

  it("tolerates a lost node for five minutes", async () => {
    const { spec } = await store.create("pods", pod("a"));
    expect(spec?.tolerations).toEqual(
      ["not-ready", "unreachable"].map((taint) => ({
        key: `node.kubernetes.io/${taint}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      })),
    );
  });

  it.each([
    [{}, "BestEffort"],
    [{ requests: { cpu: "1" } }, "Burstable"],
    [{ limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
    [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } }, "Burstable"],
  ])("with resources %j is %s", async (resources, qosClass) => {
    const created = await store.create("pods", pod("a", { containers: [{ name: "a", image: "a", resources }] }));
    expect(created.status).toEqual({ phase: "Pending", qosClass });
  });

  it.each([
    ["a", "Always"],
    ["a:latest", "Always"],
    ["host:5000/a", "Always"],
    ["a:1", "IfNotPresent"],
    ["a@sha256:00", "IfNotPresent"],
  ])("pulls %s %s", async (image, policy) => {
    const { spec } = await store.create("pods", pod("a", { containers: [{ name: "a", image }] }));
    expect(spec?.containers[0]?.imagePullPolicy).toBe(policy);
  });

  it("waits for the account of a namespace that is new", async () => {
    await store.create("namespaces", { metadata: { name: "fresh" } });
    const waiting = store.post(descriptor(store, "pods"), "fresh", { ...pod("a"), metadata: { name: "a" } }, {});
    await store.create("serviceaccounts", { metadata: { name: "default", namespace: "fresh" } });
    expect((await waiting).created).toBe(true);
  });
});

describe("a service", () => {
  const service = (spec: ApiObject, name = "s") =>
    store.create<string>("services", named({ ports: [{ port: 80 }], ...spec }, name));

  it("gets an address, and no two get the same", async () => {
    const first = await service({}, "a");
    expect(first.spec).toMatchObject({
      type: "ClusterIP",
      clusterIP: expect.stringMatching(/^127\.9\./),
      clusterIPs: [first.spec?.clusterIP],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "None",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    });
    await expect(service({ clusterIP: first.spec?.clusterIP }, "b")).rejects.toThrow(
      "provided IP is already allocated",
    );
    await store.delete("services", "default", "a");
    expect((await service({ clusterIP: first.spec?.clusterIP }, "b")).spec?.clusterIP).toBe(first.spec?.clusterIP);
  });

  it("keeps its address and node port when an update leaves them out", async () => {
    const first = await service({ type: "NodePort" });
    const nodePort = first.spec?.ports?.[0]?.nodePort;
    expect(nodePort).toBeGreaterThanOrEqual(30000);
    const next = await store.update<string>("services", named({ type: "NodePort", ports: [{ port: 80 }] }, "s"));
    expect(next.spec).toMatchObject({ clusterIP: first.spec?.clusterIP, ports: [{ nodePort }] });
  });

  it("gives its node port back when it no longer needs one", async () => {
    const first = await service({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] });
    await store.update<string>("services", { ...first, spec: { ...first.spec, type: "ClusterIP" } });
    expect(store.get("services", "default", "s")?.spec?.ports?.[0]).not.toHaveProperty("nodePort");
    await service({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] }, "t");
  });

  it("takes nothing on a dry run", async () => {
    const spec = { clusterIP: "127.9.128.30" };
    await store.create<string>("services", named({ ports: [{ port: 80 }], ...spec }, "a"), { dryRun: true });
    expect((await service(spec, "b")).spec?.clusterIP).toBe("127.9.128.30");
  });

  it("without a selector or an address is for any family", async () => {
    expect((await service({ clusterIP: "None" }, "open")).spec?.ipFamilyPolicy).toBe("RequireDualStack");
    const headless = await service({ clusterIP: "None", selector: { app: "x" } }, "headless");
    expect(headless.spec).toMatchObject({ clusterIPs: ["None"], ipFamilyPolicy: "SingleStack" });
  });

  it("of an external name has no address", async () => {
    const { spec } = await service({ type: "ExternalName", externalName: "example.com" });
    expect(spec).not.toHaveProperty("clusterIP");
  });
});

describe("a generation", () => {
  it("counts changes of the spec only", async () => {
    await store.create<string>("deployments.apps", workload());
    const generation = async (change: (draft: ApiObject) => void, subresource?: "status" | "scale") =>
      (await store.modify<string>("deployments.apps", "default", "x", change, subresource ? { subresource } : {}))
        ?.metadata.generation;
    expect(await generation((draft) => Object.assign(draft.metadata!, { labels: { a: "1" } }))).toBe(1);
    expect(await generation((draft) => Object.assign(draft, { status: { replicas: 1 }, spec: {} }), "status")).toBe(1);
    expect(await generation((draft) => Object.assign(draft.spec, { paused: true }))).toBe(2);
    expect(await generation((draft) => Object.assign(draft.spec, { replicas: 3 }), "scale")).toBe(3);
    expect(await generation((draft) => Object.assign(draft, { status: { replicas: 9 } }))).toBe(3);
    expect(store.get("deployments.apps", "default", "x")?.status).toEqual({ replicas: 1 });
  });
});

describe("a namespace", () => {
  it("stays, terminating, until it is finalized, and takes nothing new", async () => {
    await store.create("namespaces", { metadata: { name: "n" } });
    await store.delete("namespaces", "", "n");
    expect(store.get("namespaces", "", "n")?.status?.phase).toBe("Terminating");
    await expect(store.create("configmaps", { metadata: { name: "a", namespace: "n" } })).rejects.toMatchObject({
      reason: "Forbidden",
      message:
        'configmaps "a" is forbidden: unable to create new content in namespace n because it is being terminated',
    });
    const body = { metadata: { name: "n" }, spec: { finalizers: [] } };
    await store.put(descriptor(store, "namespaces"), "", "n", body, { subresource: "finalize" });
    expect(store.get("namespaces", "", "n")).toBeUndefined();
  });

  it("of the system can't be deleted", async () => {
    await expect(store.delete("namespaces", "", "kube-system")).rejects.toMatchObject({
      message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    });
  });
});
