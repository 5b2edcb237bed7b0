/** Losing nodes and getting them back, and what kubectl does with nodes. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import type { Cluster } from "../../src/index.ts";
import { identityOf, isAlive, processesOf, statOf } from "../../src/kubelet/process/proc.ts";
import type { Stored } from "../../src/machinery/types.ts";
import { agentContainer, agentOf, eventually, isReady, openCluster, until } from "./agent.ts";

const kubectlPath = program("kubectl");
const names = ["node-1", "node-2", "node-3"];
let cluster: Cluster;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "nodes-"));
  cluster = await openCluster({ nodes: 3, nodeGracePeriodMs: 2000, evictionTolerationMs: 300 });
  await writeFile(join(dir, "kubeconfig"), cluster.kubeconfig);
});

afterAll(async () => {
  await cluster?.stop();
  await rm(dir, { recursive: true, force: true });
});

afterEach(async () => {
  for (const name of names) await cluster.nodes.start(name);
  for (const resource of ["deployments.apps", "statefulsets.apps"])
    for (const { metadata } of cluster.registry.list(resource))
      await cluster.registry.delete(resource, "default", metadata.name);
  await until(cluster, "pods", () => pods().length === 0);
  await until(cluster, "nodes", () => names.every((name) => readiness(name) === "True" && taints(name).length === 0));
});

const pods = () => cluster.registry.list("pods", { namespace: "default" });
const named = (name: string) => cluster.registry.get("pods", "default", name);
const node = (name: string) => cluster.registry.get("nodes", "", name);
const readiness = (name: string) => node(name)?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
const taints = (name: string) => (node(name)?.spec?.taints ?? []).map(({ key }) => key);

const processesIn = (pod: Pod) => {
  const { containerID = "" } = pod.status?.containerStatuses?.[0] ?? {};
  return processesOf(containerID.slice(containerID.indexOf("//") + 2));
};

const apart = (app: string) => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { app } }, topologyKey: "kubernetes.io/hostname" },
    ],
  },
});

const sleeper = { name: "sleeper", image: "busybox", command: ["sleep", "1000"] };

async function deploy(app: string, replicas: number, spec: Partial<Pod["spec"]> = {}): Promise<void> {
  await cluster.registry.create("deployments.apps", {
    metadata: { name: app, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: { terminationGracePeriodSeconds: 1, containers: [sleeper], ...spec },
      },
    },
  });
  await until(cluster, "pods", () => pods().filter(isReady).length === replicas);
}

async function runStateful(): Promise<void> {
  const { volumeMounts: _, ...container } = agentContainer();
  await cluster.registry.create("statefulsets.apps", {
    metadata: { name: "db", namespace: "default" },
    spec: {
      serviceName: "db",
      replicas: 1,
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ ...container, volumeMounts: [{ name: "data", mountPath: "/data" }] }],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      ],
    },
  });
}

const nodeOf = (pod: Pod | undefined): string => pod?.spec?.nodeName ?? "";

test("a stopped node loses its processes, is not ready, and its pods are evicted; started again, what is stale goes", async () => {
  await deploy("web", 3, { affinity: apart("web") });
  expect(pods().map(nodeOf).sort()).toEqual(names);
  const lost = pods().find((pod) => nodeOf(pod) === "node-2") as Stored<Pod>;
  await cluster.nodes.stop("node-2");
  expect(processesIn(lost)).toEqual([]);
  await until(cluster, "nodes", () => readiness("node-2") === "Unknown");
  await until(cluster, "pods", () => named(lost.metadata.name)?.metadata.deletionTimestamp !== undefined);
  await until(cluster, "pods", () => pods().length === 4);
  // Nobody ends it there, and its successor finds no node that would have it.
  const successor = pods().find((pod) => nodeOf(pod) === "");
  expect(successor?.status?.phase).toBe("Pending");
  expect(readiness("node-1")).toBe("True");
  await cluster.nodes.start("node-2");
  await until(cluster, "pods", () => pods().length === 3 && pods().every(isReady));
  expect(named(lost.metadata.name)).toBeUndefined();
  expect(pods().map(nodeOf).sort()).toEqual(names);
});

test("a stopped node's processes have ended, also one whose memory takes the kernel long to free", async () => {
  const fill = "globalThis.held = Buffer.alloc(400e6, 1); setInterval(() => {}, 1e6)";
  await deploy("large", 1, { containers: [{ name: "large", image: "node", command: ["node", "-e", fill] }] });
  const pod = pods()[0] as Stored<Pod>;
  const memory = async () => Math.max(...processesIn(pod).map((pid) => statOf(pid)?.residentBytes ?? 0));
  await eventually(memory, (bytes) => bytes > 400e6);
  const identities = processesIn(pod).map(identityOf);
  await cluster.nodes.stop(nodeOf(pod));
  expect(identities.filter(isAlive)).toEqual([]);
});

test("a node that is back in time starts its pods again", async () => {
  await runStateful();
  const before = await agentOf(cluster, "db-0");
  await before.run(`require("fs").writeFileSync(process.env.DATA + "/value", "kept")`);
  const { uid } = before.pod().metadata;
  const at = nodeOf(before.pod());
  await cluster.nodes.stop(at);
  await cluster.nodes.start(at);
  await until(cluster, "pods", () => (named("db-0")?.status?.containerStatuses?.[0]?.restartCount ?? 0) === 1);
  const after = await agentOf(cluster, "db-0");
  expect(after.pod().metadata.uid).toBe(uid);
  expect(after.ip).toBe(before.ip);
  expect(await after.run(`return require("fs").readFileSync(process.env.DATA + "/value", "utf8")`)).toBe("kept");
});

test("out of service, a pod of a StatefulSet moves to another node with its volume", async () => {
  await runStateful();
  const before = await agentOf(cluster, "db-0");
  await before.run(`require("fs").writeFileSync(process.env.DATA + "/value", "moved")`);
  const { uid } = before.pod().metadata;
  const at = nodeOf(before.pod());
  await cluster.nodes.stop(at, { outOfService: true });
  await until(cluster, "pods", () => named("db-0") !== undefined && named("db-0")?.metadata.uid !== uid);
  const after = await agentOf(cluster, "db-0");
  expect(nodeOf(after.pod())).not.toBe(at);
  expect(await after.run(`return require("fs").readFileSync(process.env.DATA + "/value", "utf8")`)).toBe("moved");
  await cluster.nodes.start(at);
  expect(taints(at)).not.toContain("node.kubernetes.io/out-of-service");
});

test("a node that does not exist cannot be stopped", async () => {
  await expect(cluster.nodes.stop("node-9")).rejects.toMatchObject({ code: "no-target" });
});

describe.skipIf(kubectlPath === undefined)("kubectl", () => {
  const kubectl = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(
      kubectlPath as string,
      ["--kubeconfig", join(dir, "kubeconfig"), ...args],
      { timeout: 30_000, env: { ...process.env, HOME: dir } },
    );
    return stdout;
  };

  test("cordon, drain and uncordon", async () => {
    await deploy("web", 4);
    expect(await kubectl("cordon", "node-1")).toBe("node/node-1 cordoned\n");
    expect(await kubectl("get", "node", "node-1", "--no-headers")).toMatch(/Ready,SchedulingDisabled/);
    const drained = await kubectl("drain", "node-1", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=25s");
    expect(drained).toMatch(/node\/node-1 drained\n$/);
    expect(pods().filter((pod) => nodeOf(pod) === "node-1")).toEqual([]);
    await until(cluster, "pods", () => pods().filter(isReady).length === 4);
    expect(await kubectl("uncordon", "node-1")).toBe("node/node-1 uncordoned\n");
    await until(cluster, "nodes", () => taints("node-1").length === 0);
  });

  test("taints keep pods away, tolerations let them in", async () => {
    for (const name of ["node-1", "node-2"]) await kubectl("taint", "node", name, "only=guests:NoSchedule");
    await deploy("host", 2);
    expect(new Set(pods().map(nodeOf))).toEqual(new Set(["node-3"]));
    await cluster.registry.delete("deployments.apps", "default", "host");
    await until(cluster, "pods", () => pods().length === 0);
    await deploy("guest", 2, { tolerations: [{ key: "only", operator: "Exists" }], affinity: apart("guest") });
    await kubectl("taint", "node", "node-1", "node-2", "only-");
    expect(taints("node-1")).toEqual([]);
  });

  test("faults are objects: created, shown and deleted like any other", async () => {
    await deploy("web", 1);
    const [pod] = pods();
    const file = join(dir, "fault.json");
    const spec = { kind: "pause", pods: [pod?.metadata.name] };
    const fault = { apiVersion: "faults.coracle.dev/v1", kind: "Fault", metadata: { name: "frozen" }, spec };
    await writeFile(file, JSON.stringify(fault));
    expect(await kubectl("apply", "-f", file)).toBe("fault.faults.coracle.dev/frozen created\n");
    await kubectl("wait", "--for=jsonpath={.status.phase}=Active", "fault/frozen", "--timeout=20s");
    expect(await kubectl("get", "faults")).toMatch(
      /^NAME +KIND +PHASE +AFFECTED +AGE\nfrozen +pause +Active +default\/web-/,
    );
    await expect(kubectl("patch", "fault", "frozen", "--type=merge", "-p", '{"spec":{"kind":"kill"}}')).rejects.toThrow(
      "a fault cannot be changed; delete it and create another",
    );
    expect(await kubectl("explain", "fault.spec.probability")).toMatch(
      /FIELD: probability <number>[\s\S]*with this probability/,
    );
    expect(await kubectl("delete", "fault", "frozen")).toMatch(/^fault.faults.coracle.dev "frozen" deleted/);
    expect(cluster.faults.list()).toEqual([]);
    await writeFile(file, JSON.stringify({ ...fault, spec: { kind: "pause", speed: 1 } }));
    await expect(kubectl("apply", "-f", file)).rejects.toThrow(
      /spec.speed: Forbidden: this kind takes[\s\S]*spec.pods: Required value/,
    );
  });
});
