import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from "kubernetes-types/policy/v1.js";
import { describe, expect, it } from "vitest";
import { statefulSet } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const budget = (spec: PodDisruptionBudgetSpec): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web", namespace: "default" },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec },
});
const statusOf = (world: World) => world.object("poddisruptionbudgets.policy", "default", "web").status;

describe("PodDisruptionBudget", () => {
  it.each([
    [{ minAvailable: 2 }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ minAvailable: "50%" }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ maxUnavailable: 1 }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ maxUnavailable: "34%" }, { expectedPods: 3, desiredHealthy: 1, disruptionsAllowed: 2 }],
    [{ minAvailable: 3 }, { expectedPods: 3, desiredHealthy: 3, disruptionsAllowed: 0 }],
  ])("%o", async (spec, expected) => {
    const world = await openWorld();
    await world.apply(budget(spec), statefulSet("web"));
    expect(statusOf(world)).toMatchObject({ ...expected, currentHealthy: 3, observedGeneration: 1 });
    const isAllowed = expected.disruptionsAllowed > 0;
    expect(statusOf(world).conditions).toMatchObject([
      {
        type: "DisruptionAllowed",
        status: isAllowed ? "True" : "False",
        reason: isAllowed ? "SufficientPods" : "InsufficientPods",
      },
    ]);
  });

  it("follows the pods' health", async () => {
    const world = await openWorld();
    await world.apply(budget({ minAvailable: 2 }), statefulSet("web"));
    await world.kubelet.makeUnready("web-1");
    await world.settle();
    expect(statusOf(world)).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 0 });
  });

  it("counts the evictions that were granted, until they show or time out", async () => {
    const world = await openWorld();
    await world.apply(budget({ minAvailable: 1 }), statefulSet("web"));
    const granted = new Date(world.clock.now()).toISOString();
    const grant = (draft: PodDisruptionBudget) => {
      draft.status = { ...draft.status!, disruptedPods: { "web-0": granted } };
    };
    await world.store.modify("poddisruptionbudgets.policy", "default", "web", grant, { subresource: "status" });
    await world.settle();
    expect(statusOf(world)).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1 });
    await world.advance(120_000);
    expect(statusOf(world)).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 2 });
    expect(statusOf(world).disruptedPods).toBeUndefined();
  });
});
