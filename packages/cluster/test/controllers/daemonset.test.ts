import type { DaemonSet } from "kubernetes-types/apps/v1.js";
import { describe, expect, it } from "vitest";
import { nodeObject } from "./support/fake-kubelet.ts";
import { container, template } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const daemonSet = (spec: Partial<NonNullable<DaemonSet["spec"]>> = {}): DaemonSet => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "agent", namespace: "default" },
  spec: { selector: { matchLabels: { app: "web" } }, template: template(), ...spec },
});
const places = (world: World) =>
  world.store
    .list("pods")
    .map(({ spec }) => spec?.nodeName)
    .sort();
const statusOf = (world: World) => world.object("daemonsets.apps", "default", "agent").status;

describe("DaemonSet", () => {
  it("runs one pod on every node, new ones too, and none where it may not", async () => {
    const world = await openWorld({ nodes: ["a", "b"] });
    await world.apply(daemonSet());
    expect(places(world)).toEqual(["a", "b"]);
    const tainted = { ...nodeObject("c"), spec: { taints: [{ key: "only", effect: "NoSchedule" }] } };
    await world.apply(tainted, nodeObject("d"));
    expect(places(world)).toEqual(["a", "b", "d"]);
    expect(statusOf(world)).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
      numberMisscheduled: 0,
      updatedNumberScheduled: 3,
      observedGeneration: 1,
    });
    expect(statusOf(world).numberUnavailable).toBeUndefined();
    expect(world.failures).toEqual([]);
  });

  it("follows its node selector", async () => {
    const world = await openWorld({ nodes: ["a"] });
    await world.apply(daemonSet({ template: template({ nodeSelector: { disk: "ssd" } }) }));
    expect(places(world)).toEqual([]);
    await world.store.modify("nodes", "", "a", ({ metadata }) => {
      metadata!.labels = { ...metadata?.labels, disk: "ssd" };
    });
    await world.settle();
    expect(places(world)).toEqual(["a"]);
  });

  it("rolls out one node at a time", async () => {
    const world = await openWorld({ nodes: ["a", "b"] });
    await world.apply(daemonSet());
    for (const name of world.podNames()) world.kubelet.holdStop(name);
    await world.store.modify("daemonsets.apps", "default", "agent", ({ spec }) => {
      spec!.template = template({ containers: [container({ image: "app:2" })] });
    });
    await world.settle();
    const leaving = () => world.store.list("pods").filter(({ metadata }) => metadata.deletionTimestamp);
    expect(leaving()).toHaveLength(1);
    await world.kubelet.letStop("default", leaving()[0]!.metadata.name);
    await world.settle();
    expect(leaving()).toHaveLength(1);
    await world.kubelet.letStop("default", leaving()[0]!.metadata.name);
    await world.settle();
    expect(world.store.list("pods").map(({ spec }) => spec?.containers[0]?.image)).toEqual(["app:2", "app:2"]);
    expect(statusOf(world)).toMatchObject({ updatedNumberScheduled: 2, numberAvailable: 2, observedGeneration: 2 });
  });

  it("replaces a failed pod", async () => {
    const world = await openWorld({ nodes: ["a"] });
    await world.apply(daemonSet());
    const [first] = world.podNames();
    await world.kubelet.finish(first!, "Failed");
    await world.settle();
    expect(world.podNames()).toHaveLength(1);
    expect(world.podNames()).not.toContain(first);
  });
});
