import type { Toleration } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { evictionTime } from "../../src/controllers/node/eviction.ts";
import { readinessOf, wantedTaints } from "../../src/controllers/node/health.ts";
import { nodeObject } from "./support/fake-kubelet.ts";
import { pod, service, statefulSet } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const node = (world: World, name: string) => world.store.get("nodes", "", name)!;
const taintKeys = (world: World, name: string) =>
  (node(world, name).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);

describe("node lifecycle", () => {
  it("leaves nodes alone that are heard of", async () => {
    const world = await openWorld();
    await world.advance(120_000);
    expect(readinessOf(node(world, "node-1"))).toBe("True");
    expect(taintKeys(world, "node-1")).toEqual([]);
  });

  it("marks a silent node and its pods, evicts after the toleration, and starts the pod elsewhere once it is let go", async () => {
    const world = await openWorld({ nodes: ["a", "b"] });
    const nodeName = { nodeSelector: { "kubernetes.io/hostname": "a" } };
    await world.apply(service("web", { selector: { app: "web" }, ports: [{ port: 80 }] }));
    await world.apply(pod("web-0", { labels: { app: "web" }, spec: nodeName }));
    await world.advance(20_000);
    world.kubelet.stopNode("a");
    await world.advance(50_000);
    expect(node(world, "a").status?.conditions).toContainEqual(
      expect.objectContaining({
        type: "Ready",
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
      }),
    );
    expect(taintKeys(world, "a")).toEqual([
      "node.kubernetes.io/unreachable:NoSchedule",
      "node.kubernetes.io/unreachable:NoExecute",
    ]);
    expect(world.events("a")).toContain("NodeNotReady: Node a status is now: NodeNotReady");
    expect(world.object("endpoints", "default", "web").subsets[0].addresses).toBeUndefined();
    expect(readinessOf(node(world, "b"))).toBe("True");
    expect(world.object("pods", "default", "web-0").metadata.deletionTimestamp).toBeUndefined();
    await world.advance(310_000);
    expect(world.object("pods", "default", "web-0").metadata.deletionTimestamp).toBeDefined();
    expect(world.events("web-0")).toContain("TaintManagerEviction: Marking for deletion Pod default/web-0");
  });

  it("takes everything back when the node is heard of again", async () => {
    const world = await openWorld({ nodes: ["a"] });
    await world.apply(pod("p"));
    await world.advance(20_000);
    world.kubelet.stopNode("a");
    await world.advance(60_000);
    expect(readinessOf(node(world, "a"))).toBe("Unknown");
    await world.kubelet.startNode("a");
    await world.settle();
    expect(readinessOf(node(world, "a"))).toBe("True");
    expect(taintKeys(world, "a")).toEqual([]);
    const ready = world
      .object("pods", "default", "p")
      .status.conditions.find(({ type }: { type: string }) => type === "Ready");
    expect(ready.status).toBe("True");
  });

  it("evicts after the cluster's own time where the pod says nothing", async () => {
    const world = await openWorld({ nodes: ["a"], evictionTolerationMs: 20_000, nodeGracePeriodMs: 10_000 });
    await world.apply(pod("p"));
    world.kubelet.stopNode("a");
    await world.advance(29_000);
    expect(world.object("pods", "default", "p").metadata.deletionTimestamp).toBeUndefined();
    await world.advance(2_000);
    expect(world.object("pods", "default", "p").metadata.deletionTimestamp).toBeDefined();
  });

  it("moves a StatefulSet's pod once the node is declared out of service", async () => {
    const world = await openWorld({ nodes: ["a", "b"], evictionTolerationMs: 20_000 });
    await world.apply(statefulSet("web", { replicas: 1 }));
    const home = world.object("pods", "default", "web-0").spec.nodeName as string;
    const other = home === "a" ? "b" : "a";
    await world.advance(20_000);
    world.kubelet.stopNode(home);
    await world.advance(100_000);
    expect(world.object("pods", "default", "web-0").spec.nodeName).toBe(home);
    await world.store.modify("nodes", "", home, ({ spec }) => {
      spec!.taints = [
        ...(spec!.taints ?? []),
        { key: "node.kubernetes.io/out-of-service", value: "nodeshutdown", effect: "NoExecute" },
      ];
    });
    await world.settle();
    expect(world.object("pods", "default", "web-0").spec.nodeName).toBe(other);
  });

  it("removes the pods of a node that was deleted, after a while", async () => {
    const world = await openWorld({ nodes: ["a"] });
    await world.apply(pod("p"));
    await world.store.delete("nodes", "", "a");
    await world.advance(39_000);
    expect(world.podNames()).toEqual(["p"]);
    await world.advance(1_000);
    expect(world.podNames()).toEqual([]);
  });

  it("keeps only so many ended pods", async () => {
    const world = await openWorld({ maxTerminatedPods: 2 });
    for (const name of ["a", "b", "c"]) {
      await world.apply(pod(name));
      await world.advance(1_000);
      await world.kubelet.finish(name, "Succeeded");
    }
    await world.settle();
    expect(world.podNames()).toEqual(["b", "c"]);
  });
});

describe("taints", () => {
  it("follow cordon and uncordon, and leave others alone", () => {
    const other = { key: "team", effect: "NoSchedule" };
    const cordoned = { ...nodeObject("a"), spec: { unschedulable: true, taints: [other] } };
    const taints = wantedTaints(cordoned, "t");
    expect(taints).toEqual([other, { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }]);
    expect(wantedTaints({ ...cordoned, spec: { taints: [...taints] } }, "t")).toEqual([other]);
  });

  const since = Date.parse("2026-01-01T00:00:00Z");
  const taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };
  const cases: [string, Toleration[], number][] = [
    ["no toleration", [], since],
    ["for ever", [{ operator: "Exists" }], Number.POSITIVE_INFINITY],
    ["30 s", [{ key: taint.key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 30 }], since + 30_000],
    [
      "admission's default",
      [{ key: taint.key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }],
      since + 7_000,
    ],
    ["the shortest of several", [{ operator: "Exists" }, { operator: "Exists", tolerationSeconds: 5 }], since + 5_000],
  ];
  it.each(cases)("evict with %s", (_, tolerations, expected) => {
    expect(evictionTime(pod("p", { spec: { tolerations } }), [taint], 7_000, since)).toBe(expected);
  });
});
