import type { Deployment, ReplicaSet } from "kubernetes-types/apps/v1.js";
import { describe, expect, it } from "vitest";
import type { OwnedSet } from "../../src/controllers/deployment/replica-sets.ts";
import { bounds, planRollout } from "../../src/controllers/deployment/rollout.ts";
import { chooseVictims } from "../../src/controllers/replicaset/victims.ts";
import { container, pod, template } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

type Spec = NonNullable<Deployment["spec"]>;

const deployment = (spec: Partial<Spec> = {}): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: "web" } },
    template: template(),
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
    ...spec,
  },
});

const set = (name: string, replicas: number, available = replicas, desired = 4) =>
  ({
    metadata: {
      name,
      creationTimestamp: "2026-01-01T00:00:00Z",
      annotations: { "deployment.kubernetes.io/desired-replicas": String(desired) },
    },
    spec: { replicas },
    status: { replicas, availableReplicas: available },
  }) as unknown as OwnedSet;

describe("planRollout", () => {
  const plan = (d: Deployment, newSet: OwnedSet, oldSets: OwnedSet[], hasOldPods = false) =>
    Object.fromEntries(
      [...planRollout({ deployment: d, newSet, oldSets, hasOldPods })].map(([each, n]) => [each.metadata.name, n]),
    );

  it.each([
    ["grows the new set by the surge", deployment(), set("new", 0), [set("old", 4)], { new: 1 }],
    [
      "shrinks the old set by what is available beyond the minimum",
      deployment(),
      set("new", 1, 0),
      [set("old", 4)],
      { old: 3 },
    ],
    ["waits while as few as allowed are available", deployment(), set("new", 2, 0), [set("old", 3)], {}],
    ["removes old pods that are not available first", deployment(), set("new", 1, 0), [set("old", 4, 2)], { old: 3 }],
    ["goes on as new pods become available", deployment(), set("new", 2, 2), [set("old", 3)], { old: 1 }],
    ["ends", deployment(), set("new", 4), [set("old", 0)], {}],
    ["scales the only active set", deployment({ replicas: 7 }), set("new", 4), [set("old", 0)], { new: 7 }],
    [
      "shares a scale-up in the middle of a rollout",
      deployment({ replicas: 8 }),
      set("new", 2),
      [set("old", 3)],
      { new: 3, old: 6 },
    ],
    ["does nothing but scaling while paused", deployment({ paused: true }), set("new", 0), [set("old", 4)], {}],
    [
      "stops the old pods first with Recreate",
      deployment({ strategy: { type: "Recreate" } }),
      set("new", 0),
      [set("old", 4)],
      { old: 0 },
    ],
  ])("%s", (_, d, newSet, oldSets, expected) => {
    expect(plan(d, newSet, oldSets)).toEqual(expected);
  });

  it("waits for old pods to be gone with Recreate", () => {
    const d = deployment({ strategy: { type: "Recreate" } });
    expect(plan(d, set("new", 0), [set("old", 0)], true)).toEqual({});
    expect(plan(d, set("new", 0), [set("old", 0)], false)).toEqual({ new: 4 });
  });

  it.each([
    ["25%", "25%", 4, { surge: 1, unavailable: 1 }],
    ["25%", "25%", 1, { surge: 1, unavailable: 0 }],
    [0, 0, 3, { surge: 0, unavailable: 1 }],
    ["30%", 0, 10, { surge: 3, unavailable: 0 }],
  ])("bounds %s and %s of %d", (maxSurge, maxUnavailable, replicas, expected) => {
    expect(bounds(deployment({ replicas, strategy: { rollingUpdate: { maxSurge, maxUnavailable } } }))).toEqual(
      expected,
    );
  });
});

const setsOf = (world: World) =>
  world.store.list("replicasets.apps") as (ReplicaSet & { metadata: { name: string } })[];
const statusOf = (world: World) => world.object("deployments.apps", "default", "web").status;
const revisions = (world: World) =>
  setsOf(world)
    .map(({ metadata, spec }) => `${metadata.annotations?.["deployment.kubernetes.io/revision"]}: ${spec?.replicas}`)
    .sort();
const edit = async (world: World, change: (spec: Spec) => void) => {
  await world.store.modify("deployments.apps", "default", "web", ({ spec }) => change(spec!));
  await world.settle();
};
const setImage = (world: World, image: string) =>
  edit(world, (spec) => {
    spec.template = template({ containers: [container({ image })] });
  });
const condition = (world: World, type: string) =>
  statusOf(world).conditions.find((each: { type: string }) => each.type === type);

describe("Deployment", () => {
  it("makes a replica set with a hash and reports completion", async () => {
    const world = await openWorld();
    await world.apply(deployment());
    const [only] = setsOf(world);
    const hash = only?.metadata.labels?.["pod-template-hash"];
    expect(only?.metadata.name).toBe(`web-${hash}`);
    expect(only?.spec?.selector.matchLabels).toEqual({ app: "web", "pod-template-hash": hash });
    expect(world.podNames()).toHaveLength(4);
    expect(world.podNames()[0]).toMatch(new RegExp(`^web-${hash}-[a-z0-9]{5}$`));
    expect(statusOf(world)).toMatchObject({
      observedGeneration: 1,
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
    });
    expect(condition(world, "Available")).toMatchObject({ status: "True", reason: "MinimumReplicasAvailable" });
    expect(condition(world, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
    expect(world.events("web")).toEqual([`ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 4`]);
    expect(world.object("deployments.apps", "default", "web").metadata.annotations).toMatchObject({
      "deployment.kubernetes.io/revision": "1",
    });
    expect(world.failures).toEqual([]);
  });

  it("rolls a new template out and back", async () => {
    const world = await openWorld();
    await world.apply(deployment());
    await setImage(world, "app:2");
    expect(revisions(world)).toEqual(["1: 0", "2: 4"]);
    expect(world.store.list("pods").map(({ spec }) => spec?.containers[0]?.image)).toEqual(Array(4).fill("app:2"));
    await setImage(world, "app:1");
    expect(revisions(world)).toEqual(["2: 0", "3: 4"]);
    const current = setsOf(world).find(({ spec }) => spec?.replicas === 4);
    expect(current?.metadata.annotations?.["deployment.kubernetes.io/revision-history"]).toBe("1");
    expect(statusOf(world)).toMatchObject({ observedGeneration: 3, updatedReplicas: 4, replicas: 4 });
  });

  it("stops at a bad template with enough pods left, and says so after the deadline", async () => {
    const world = await openWorld();
    await world.apply(deployment({ progressDeadlineSeconds: 60, minReadySeconds: 5 }));
    await world.advance(10_000);
    await edit(world, (spec) => {
      spec.template = template({ containers: [container({ image: "bad" })], nodeSelector: { no: "where" } });
    });
    await world.advance(30_000);
    expect(statusOf(world)).toMatchObject({ updatedReplicas: 2, availableReplicas: 3 });
    expect(condition(world, "Progressing").status).toBe("True");
    await world.advance(60_000);
    expect(condition(world, "Progressing")).toMatchObject({ status: "False", reason: "ProgressDeadlineExceeded" });
    await setImage(world, "app:1");
    await world.advance(10_000);
    expect(condition(world, "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  });

  it("scales without a new revision", async () => {
    const world = await openWorld();
    await world.apply(deployment());
    await edit(world, (spec) => {
      spec.replicas = 2;
    });
    expect(revisions(world)).toEqual(["1: 2"]);
    expect(world.podNames()).toHaveLength(2);
  });

  it("stops all old pods before the first new one with Recreate", async () => {
    const world = await openWorld();
    await world.apply(deployment({ replicas: 1, strategy: { type: "Recreate" } }));
    const [old] = world.podNames();
    world.kubelet.holdStop(old!);
    await setImage(world, "app:2");
    expect(world.podNames()).toEqual([old]);
    await world.kubelet.letStop("default", old!);
    await world.settle();
    expect(world.store.list("pods").map(({ spec }) => spec?.containers[0]?.image)).toEqual(["app:2"]);
  });

  it("does not roll out while paused", async () => {
    const world = await openWorld();
    await world.apply(deployment());
    await edit(world, (spec) => {
      spec.paused = true;
      spec.template = template({ containers: [container({ image: "app:2" })] });
    });
    expect(setsOf(world)).toHaveLength(1);
    await edit(world, (spec) => {
      spec.paused = false;
    });
    expect(revisions(world)).toEqual(["1: 0", "2: 4"]);
  });

  it("keeps revisionHistoryLimit old replica sets", async () => {
    const world = await openWorld();
    await world.apply(deployment({ replicas: 1, revisionHistoryLimit: 1 }));
    for (const image of ["app:2", "app:3", "app:4"]) await setImage(world, image);
    expect(revisions(world)).toEqual(["3: 0", "4: 1"]);
  });

  it("replaces lost pods and goes with all it has", async () => {
    const world = await openWorld();
    await world.apply(deployment());
    await world.store.delete("pods", "default", world.podNames()[0]!);
    await world.settle();
    expect(world.podNames()).toHaveLength(4);
    await world.store.delete("deployments.apps", "default", "web");
    await world.settle();
    expect(setsOf(world)).toEqual([]);
    expect(world.podNames()).toEqual([]);
  });
});

describe("chooseVictims", () => {
  const candidate = (name: string, extra: object) =>
    ({
      ...pod(name),
      metadata: { name, creationTimestamp: "2026-01-01T00:00:00Z", ...(extra as { metadata?: object }).metadata },
      spec: { nodeName: "a" },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:10Z" }],
      },
      ...extra,
    }) as never;

  it("prefers pods that serve nobody, then cheap, then young ones", () => {
    const cheap = {
      metadata: {
        creationTimestamp: "2026-01-01T00:00:00Z",
        annotations: { "controller.kubernetes.io/pod-deletion-cost": "-5" },
      },
    };
    const young = {
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:20Z" }],
      },
    };
    const pods = [
      candidate("old", {}),
      candidate("young", young),
      candidate("cheap", { metadata: { name: "cheap", ...cheap.metadata } }),
      candidate("unready", { status: { phase: "Running", conditions: [] } }),
      candidate("pending", { spec: {}, status: { phase: "Pending" } }),
    ];
    expect(chooseVictims(pods, 5).map(({ metadata }) => metadata.name)).toEqual([
      "pending",
      "unready",
      "cheap",
      "young",
      "old",
    ]);
  });
});
