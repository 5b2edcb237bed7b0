/** The manifests say what the original guide says: names, ports, keys; and fit together. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { SETTINGS } from "../src/node/settings.ts";

const folder = fileURLToPath(new URL("../k8s/", import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds, looked at here and there
type Manifest = any;

const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const objects: Manifest[] = files.flatMap((name) =>
  parseAllDocuments(readFileSync(folder + name, "utf8"), { strict: true, uniqueKeys: true }).map((document) => {
    expect(document.errors, name).toEqual([]);
    return document.toJS();
  }),
);
const find = (kind: string, name: string): Manifest => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  expect(found, `${kind} ${name}`).toBeDefined();
  return found;
};
const set = find("StatefulSet", "kvstore");
const pod = set.spec.template.spec;
const container = pod.containers[0];

describe("the manifests", () => {
  it("have the original's files", () => {
    const originals = [
      "namespace",
      "configmap",
      "service-headless",
      "service-master",
      "statefulset",
      "pdb",
      "networkpolicy",
      "cronjob-backup",
      "backup-pvc",
    ];
    expect(files).toEqual(expect.arrayContaining(originals.map((name) => `${name}.yaml`)));
    expect(files).not.toContain("kustomization.yaml");
  });

  it("are all in the namespace kvstore", () => {
    for (const { kind, metadata } of objects)
      if (kind !== "Namespace") expect([kind, metadata.namespace]).toEqual([kind, "kvstore"]);
  });

  it("keep names, ports and keys", () => {
    expect(Object.keys(find("ConfigMap", "kvstore-config").data)).toEqual(
      expect.arrayContaining(["MASTER_ORDINAL", "REPLICATION_MODE", "REPLICATION_ENABLED"]),
    );
    expect(find("Service", "kvstore-headless").spec).toMatchObject({
      clusterIP: "None",
      publishNotReadyAddresses: true,
    });
    expect(find("Service", "kvstore-master").spec).toMatchObject({
      type: "LoadBalancer",
      selector: { role: "master" },
      ports: [{ port: 5555 }],
    });
    expect(find("PodDisruptionBudget", "kvstore-pdb").spec.minAvailable).toBe(2);
    expect(find("CronJob", "kvstore-backup").spec.schedule).toBe("0 2 * * *");
    find("NetworkPolicy", "kvstore-netpol");
    find("PersistentVolumeClaim", "backup-pvc");
    expect(set.spec).toMatchObject({ replicas: 3, serviceName: "kvstore-headless" });
    expect(pod.initContainers[0]).toMatchObject({ name: "init-kvstore", args: ["init-role", "--dir", "/pod-info"] });
    expect(container).toMatchObject({ name: "kvstore", args: ["server"], image: "coracle/kvstore:0.1.0" });
    const [claim] = set.spec.volumeClaimTemplates;
    expect(claim).toMatchObject({ metadata: { name: "data" }, spec: { resources: { requests: { storage: "50Gi" } } } });
    expect(claim.spec).not.toHaveProperty("storageClassName");
  });

  it("refer only to what exists", () => {
    const config = find("ConfigMap", "kvstore-config").data;
    for (const { valueFrom } of [...container.env, ...pod.initContainers[0].env])
      if (valueFrom?.configMapKeyRef) expect(Object.keys(config)).toContain(valueFrom.configMapKeyRef.key);
    const volumes = [...pod.volumes, ...set.spec.volumeClaimTemplates.map((claim: Manifest) => claim.metadata)].map(
      ({ name }) => name,
    );
    for (const { name } of [...container.volumeMounts, ...pod.initContainers[0].volumeMounts])
      expect(volumes).toContain(name);
    const ports = container.ports.map(({ name }: Manifest) => name);
    for (const { targetPort } of [
      ...find("Service", "kvstore-headless").spec.ports,
      ...find("Service", "kvstore-master").spec.ports,
    ])
      expect(ports).toContain(targetPort);
    find("ServiceAccount", pod.serviceAccountName);
    const lease = container.env.find(({ name }: Manifest) => name === "LEASE_NAME").value;
    expect(find("Role", "kvstore").rules.flatMap((rule: Manifest) => rule.resourceNames ?? [])).toEqual([lease]);
  });

  it("set only what the server knows", () => {
    const known = new Set([
      ...Object.entries(SETTINGS).map(([key, { env }]) => env ?? key.replaceAll(/[A-Z]/g, "_$&").toUpperCase()),
      ...["POD_NAME", "POD_IP", "POD_UID", "POD_NAMESPACE", "LABEL_SELECTOR", "SERVICE_PORT_NAME"],
    ]);
    for (const { name } of container.env) expect([...known]).toContain(name);
  });

  it("run without privileges and within limits", () => {
    const backup = find("CronJob", "kvstore-backup").spec.jobTemplate.spec.template.spec;
    for (const spec of [pod, backup]) expect(spec.securityContext).toMatchObject({ runAsNonRoot: true });
    for (const each of [container, ...pod.initContainers, ...backup.containers]) {
      expect(each.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(each.resources).toMatchObject({
        requests: { memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
    }
  });
});
