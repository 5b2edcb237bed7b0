/** The manifests say what the original guide says: files, names, ports, keys, numbers; and fit together. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { SETTINGS } from "../src/node/settings.ts";
import { parseLimitSettings } from "../src/web/limits/settings.ts";

const folder = fileURLToPath(new URL("../k8s/", import.meta.url));
const read = (name: string): string => readFileSync(folder + name, "utf8");

// biome-ignore lint/suspicious/noExplicitAny: objects of many kinds, looked at here and there
type Manifest = any;

const files = readdirSync(folder).filter((name) => /^\d\d-.*\.yaml$/.test(name));
const objects: Manifest[] = files.flatMap((name) =>
  parseAllDocuments(read(name), { strict: true, uniqueKeys: true }).map((document) => {
    expect(document.errors, name).toEqual([]);
    return document.toJS();
  }),
);
const find = (kind: string, name: string): Manifest => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  expect(found, `${kind} ${name}`).toBeDefined();
  return found;
};
const sets = ["miner", "webserver"].map((name) => find("StatefulSet", name));
const podOf = (set: Manifest): Manifest => set.spec.template.spec;
const nodeOf = (set: Manifest): Manifest => podOf(set).containers[0];
const ports = (service: string): unknown =>
  find("Service", service).spec.ports.map(({ name, port }: Manifest) => `${name} ${port}`);

/** In the guide's order. */
const guideOrder = [
  "01-namespace.yaml",
  "02-configmap.yaml",
  "14-configmap-rate-limit.yaml",
  "03-secrets.yaml",
  "04-pvc-miner.yaml",
  "05-pvc-webserver.yaml",
  "15-redis.yaml",
  "06-statefulset-miner.yaml",
  "07-deployment-webserver.yaml",
  "08-service-miner-headless.yaml",
  "08-service-miner.yaml",
  "09-service-webserver.yaml",
  "10-hpa-webserver.yaml",
  "11-hpa-miner.yaml",
  "12-pod-disruption-budget.yaml",
];

describe("the manifests", () => {
  it("have the original's files, applied in its order", () => {
    expect(files).toEqual(expect.arrayContaining(guideOrder));
    const { resources } = parse(read("kustomization.yaml"));
    expect([...resources].sort()).toEqual([...files].sort());
    const applied = [...read("deploy.sh").matchAll(/\d\d-[\w-]+\.yaml/g)].map(([name]) => name);
    expect(applied.filter((name) => guideOrder.includes(name))).toEqual(guideOrder);
    expect([...applied].sort()).toEqual([...files].sort());
  });

  it("are all in the namespace blockchain", () => {
    for (const { kind, metadata } of objects)
      if (kind !== "Namespace") expect([kind, metadata.namespace]).toEqual([kind, "blockchain"]);
    find("Namespace", "blockchain");
  });

  it("keep names, ports and keys", () => {
    expect(sets.map(({ spec }) => [spec.replicas, spec.serviceName])).toEqual([
      [2, "miner-headless"],
      [2, "webserver-headless"],
    ]);
    for (const set of sets) {
      const { name } = set.metadata;
      expect(nodeOf(set)).toMatchObject({ name: "blockchain-node", image: "blockchain-node:latest" });
      expect(set.spec.template.metadata.labels.app).toBe(name);
      const mounts = nodeOf(set).volumeMounts.map((mount: Manifest) => `${mount.name} ${mount.mountPath}`);
      expect(mounts).toEqual(expect.arrayContaining([`${name}-data /app/data`, `${name}-wallets /app/wallets`]));
      const sizes = set.spec.volumeClaimTemplates.map((claim: Manifest) => claim.spec.resources.requests.storage);
      expect(sizes).toEqual(["50Gi", "1Gi"]);
    }
    expect(ports("miner-service")).toEqual(["p2p 2001"]);
    expect(ports("webserver-service")).toEqual(["web 8080", "p2p 2101"]);
    expect(ports("redis")).toEqual(["redis 6379"]);
    expect(find("Service", "miner-service").spec.sessionAffinityConfig.clientIP.timeoutSeconds).toBe(10_800);
    expect(find("Service", "webserver-service").spec.type).toBe("LoadBalancer");
    for (const name of ["miner-headless", "webserver-headless"])
      expect(find("Service", name).spec).toMatchObject({ clusterIP: "None", publishNotReadyAddresses: true });
    expect(Object.keys(find("Secret", "blockchain-secrets").stringData)).toEqual(
      expect.arrayContaining(["BITCOIN_API_ADMIN_KEY", "BITCOIN_API_WALLET_KEY", "MINER_ADDRESS"]),
    );
  });

  it("probe what the original probes", () => {
    const [miner, webserver] = sets.map(nodeOf);
    for (const probe of ["livenessProbe", "readinessProbe"]) expect(miner[probe].tcpSocket.port).toBe(2001);
    expect(webserver.livenessProbe.httpGet.path).toBe("/api/health/live");
    expect(webserver.readinessProbe.httpGet.path).toBe("/api/health/ready");
    expect(podOf(sets[1]).initContainers.map(({ name }: Manifest) => name)).toEqual([
      "wait-for-miner",
      "wait-for-redis",
    ]);
  });

  it("scale as the original's", () => {
    expect(find("HorizontalPodAutoscaler", "webserver-hpa").spec).toMatchObject({
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [
        { resource: { name: "cpu", target: { averageUtilization: 70 } } },
        { resource: { name: "memory", target: { averageUtilization: 80 } } },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 300, policies: [{ value: 50, periodSeconds: 60 }] } },
    });
    expect(find("HorizontalPodAutoscaler", "miner-hpa").spec).toMatchObject({
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [{ resource: { name: "cpu", target: { averageUtilization: 80 } } }],
      behavior: {
        scaleDown: { stabilizationWindowSeconds: 600, policies: [{ value: 1, periodSeconds: 120 }] },
        scaleUp: { stabilizationWindowSeconds: 0, policies: [{ value: 1, periodSeconds: 120 }] },
      },
    });
    for (const name of ["miner-pdb", "webserver-pdb"])
      expect(find("PodDisruptionBudget", name).spec.minAvailable).toBe(1);
  });

  it("ship limits that can be read, and live without Redis", () => {
    const { redis, limiters } = parseLimitSettings(find("ConfigMap", "rate-limit-settings").data["Settings.toml"]);
    expect(redis).toEqual({ host: "redis", port: 6379 });
    expect(limiters).toMatchObject([{ strategy: "ip", global: { capacity: 20, refillMs: 6000 } }]);
    for (const kind of ["Deployment", "Service"])
      expect(find(kind, "redis").metadata.annotations["coracle.dev/optional"]).toContain("for itself");
  });

  it("wait for Redis and miners within bounds", () => {
    for (const { command } of podOf(sets[1]).initContainers) {
      // A machine where the name doesn't resolve: nc is a stand-in that fails, sleep one that takes no time.
      const script = `nc() { return 1; }; sleep() { :; }; ${command[2]}`;
      const { status, stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
      expect(status).toBe(0);
      expect(stdout).toContain("going on without");
    }
  });

  it("refer only to what exists", () => {
    const config = Object.keys(find("ConfigMap", "blockchain-config").data);
    for (const set of sets) {
      const pod = podOf(set);
      for (const { valueFrom } of nodeOf(set).env)
        if (valueFrom?.configMapKeyRef) expect(config).toContain(valueFrom.configMapKeyRef.key);
      const volumes = [...pod.volumes, ...set.spec.volumeClaimTemplates.map(({ metadata }: Manifest) => metadata)];
      for (const { name } of nodeOf(set).volumeMounts) expect(volumes.map((volume) => volume.name)).toContain(name);
      find("ServiceAccount", pod.serviceAccountName);
      find("Service", set.spec.serviceName);
    }
  });

  it("set only what the node knows", () => {
    const known = new Set([
      ...Object.entries(SETTINGS).map(([key, { env }]) => env ?? key.replaceAll(/[A-Z]/g, "_$&").toUpperCase()),
      ...["POD_NAME", "POD_IP", "POD_NAMESPACE", "SERVICE_NAME", "SERVICE_PORT_NAME"],
    ]);
    for (const set of sets) for (const { name } of nodeOf(set).env) expect([...known]).toContain(name);
  });

  it("run without privileges, without tokens, within limits", () => {
    const pods = [...sets, find("Deployment", "redis")].map(podOf);
    for (const pod of pods) {
      expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
      for (const each of [...(pod.initContainers ?? []), ...pod.containers]) {
        expect(each.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(each.resources.requests.memory).toBeDefined();
        expect(each.resources.limits.memory).toBeDefined();
      }
    }
  });
});
