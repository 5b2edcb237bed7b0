import type { Node, Pod } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { decideNode } from "../../src/controllers/scheduler/decide.ts";
import { tolerates } from "../../src/controllers/scheduler/filters.ts";
import type { ClusterView } from "../../src/controllers/scheduler/view.ts";
import { nodeObject } from "./support/fake-kubelet.ts";
import { claimTemplate, container, pod } from "./support/manifests.ts";
import { openWorld } from "./support/world.ts";

const node = (name: string, extra: Partial<Node> = {}): Node => ({ ...nodeObject(name), ...extra });
const view = (...nodes: (Node | [Node, ...Pod[]])[]): ClusterView => ({
  claims: [],
  nodes: nodes.map((each) =>
    Array.isArray(each) ? { node: each[0], pods: each.slice(1) as Pod[] } : { node: each, pods: [] },
  ),
});

const notHelpful = (n: number) =>
  ` no new claims to deallocate, preemption: 0/${n} nodes are available: ${n} Preemption is not helpful for scheduling.`;
const noVictims = (n: number) =>
  ` no new claims to deallocate, preemption: 0/${n} nodes are available: ${n} No preemption victims found for incoming pod.`;

const requesting = (cpu: string) =>
  pod("big", { spec: { containers: [container({ resources: { requests: { cpu } } })] } });
const apart = pod("db-1", {
  labels: { app: "db" },
  spec: {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: "kubernetes.io/hostname",
            labelSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["db"] }] },
          },
        ],
      },
    },
  },
});
const tainted = node("a", { spec: { taints: [{ key: "team", value: "x", effect: "NoSchedule" }] } });

describe("decideNode", () => {
  const cases: [string, Pod, ClusterView, object][] = [
    ["the only node", pod("p"), view(node("a")), { node: "a" }],
    ["the emptier node", pod("p"), view([node("a"), pod("x")], node("b")), { node: "b" }],
    ["no node at all", pod("p"), view(), { message: "no nodes available to schedule pods" }],
    [
      "a node selector that nothing matches",
      pod("p", { spec: { nodeSelector: { disk: "ssd" } } }),
      view(node("a")),
      { message: `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.${notHelpful(1)}` },
    ],
    [
      "a cordoned and a tainted node",
      pod("p"),
      view(tainted, node("b", { spec: { unschedulable: true } })),
      {
        message: `0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.${notHelpful(2)}`,
      },
    ],
    [
      "a tolerated taint",
      pod("p", { spec: { tolerations: [{ key: "team", operator: "Equal", value: "x", effect: "NoSchedule" }] } }),
      view(tainted),
      { node: "a" },
    ],
    [
      "more CPU than any node has",
      requesting("8"),
      view(node("a")),
      { message: `0/1 nodes are available: 1 Insufficient cpu.${notHelpful(1)}` },
    ],
    [
      "CPU that other pods hold",
      requesting("3"),
      view([node("a"), requesting("2")]),
      { message: `0/1 nodes are available: 1 Insufficient cpu.${noVictims(1)}` },
    ],
    [
      "anti-affinity with room elsewhere",
      apart,
      view([node("a"), pod("db-0", { labels: { app: "db" } })], node("b")),
      { node: "b" },
    ],
    [
      "anti-affinity with no room",
      apart,
      view([node("a"), pod("db-0", { labels: { app: "db" } })]),
      { message: `0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.${noVictims(1)}` },
    ],
    [
      "a neighbour that wants to be alone",
      pod("db-2", { labels: { app: "db" } }),
      view([node("a"), apart]),
      {
        message: `0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.${noVictims(1)}`,
      },
    ],
    [
      "a claim that does not exist",
      pod("p"),
      { ...view(node("a")), claims: [{ name: "data", claim: undefined, volume: undefined }] },
      { message: `0/1 nodes are available: persistentvolumeclaim "data" not found.${notHelpful(1)}` },
    ],
    [
      "a claim that is being provisioned",
      pod("p"),
      {
        ...view(node("a")),
        claims: [{ name: "data", claim: { spec: { storageClassName: "standard" } }, volume: undefined }],
      },
      { waitsFor: "data" },
    ],
    [
      "a claim that nothing will bind",
      pod("p"),
      { ...view(node("a")), claims: [{ name: "data", claim: { spec: { storageClassName: "" } }, volume: undefined }] },
      { message: `0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.${notHelpful(1)}` },
    ],
    [
      "spread over hosts",
      pod("w", {
        labels: { app: "w" },
        spec: {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "DoNotSchedule",
              labelSelector: { matchLabels: { app: "w" } },
            },
          ],
        },
      }),
      view([node("a"), pod("w0", { labels: { app: "w" } })], [node("b"), pod("x"), pod("y")]),
      { node: "b" },
    ],
  ];
  it.each(cases)("%s", (_, incoming, cluster, expected) => {
    expect(decideNode(incoming, cluster)).toEqual(expected);
  });
});

describe("tolerates", () => {
  const taint = { key: "k", value: "v", effect: "NoSchedule" };
  it.each([
    [{ key: "k", operator: "Exists" }, true],
    [{ operator: "Exists" }, true],
    [{ key: "k", value: "v" }, true],
    [{ key: "k", value: "w" }, false],
    [{ key: "k", operator: "Exists", effect: "NoExecute" }, false],
    [{ value: "v" }, false],
  ])("%o: %s", (toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });
});

describe("scheduler", () => {
  it("binds, says so, and marks the pod scheduled", async () => {
    const world = await openWorld();
    await world.apply(pod("p"));
    const { spec, status } = world.object("pods", "default", "p");
    expect(spec.nodeName).toBe("node-1");
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: "PodScheduled", status: "True" }));
    expect(world.events("p")).toEqual(["Scheduled: Successfully assigned default/p to node-1"]);
  });

  it("spreads pods that are created together", async () => {
    const world = await openWorld({ nodes: ["a", "b", "c"] });
    await Promise.all(["p", "q", "r"].map((name) => world.store.create("pods", pod(name))));
    await world.settle();
    expect(
      world.store
        .list("pods")
        .map(({ spec }) => spec?.nodeName)
        .sort(),
    ).toEqual(["a", "b", "c"]);
  });

  it("explains a pod that fits nowhere, once, and places it when a node comes", async () => {
    const world = await openWorld();
    await world.apply(pod("p", { spec: { nodeSelector: { disk: "ssd" } } }));
    const message = `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.${notHelpful(1)}`;
    expect(world.events("p")).toEqual([`FailedScheduling: ${message}`]);
    expect(world.object("pods", "default", "p").status.conditions).toContainEqual(
      expect.objectContaining({ type: "PodScheduled", status: "False", reason: "Unschedulable", message }),
    );
    expect(world.store.list("events").find(({ reason }) => reason === "FailedScheduling")?.count).toBe(1);
    await world.apply(nodeObject("node-2", { labels: { disk: "ssd" } }));
    expect(world.object("pods", "default", "p").spec.nodeName).toBe("node-2");
  });

  it("waits for the claim of a pod", async () => {
    const world = await openWorld();
    await world.apply(
      pod("p", { spec: { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] } }),
    );
    expect(world.events("p")[0]).toContain('persistentvolumeclaim "data" not found');
    const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", ...claimTemplate("data") };
    await world.apply({ ...claim, metadata: { name: "data", namespace: "default" } });
    expect(world.object("pods", "default", "p").spec.nodeName).toBe("node-1");
  });
});
