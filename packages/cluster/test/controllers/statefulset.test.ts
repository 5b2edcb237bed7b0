import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { ObjectMeta } from "kubernetes-types/meta/v1.js";
import { describe, expect, it } from "vitest";
import { claimTemplate, container, statefulSet, template } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const statusOf = (world: World, name = "web") =>
  world.object("statefulsets.apps", "default", name).status as NonNullable<StatefulSet["status"]>;

const change = (world: World, edit: (spec: NonNullable<StatefulSet["spec"]>) => void) =>
  world.store.modify("statefulsets.apps", "default", "web", ({ spec }) => edit(spec!));

const setImage = (world: World, image: string) =>
  change(world, (spec) => {
    spec.template = template({ containers: [container({ image })] });
  });

const scale = (world: World, replicas: number) =>
  change(world, (spec) => {
    spec.replicas = replicas;
  });

const images = (world: World) =>
  world.store
    .list("pods", { namespace: "default" })
    .map(({ metadata, spec }) => `${metadata.name} ${spec?.containers[0]?.image}`);

describe("StatefulSet", () => {
  it("creates pods in order, each with its identity", async () => {
    const world = await openWorld();
    world.kubelet.holdBack("web-1");
    await world.apply(statefulSet("web"));
    expect(world.podNames()).toEqual(["web-0", "web-1"]);
    await world.kubelet.makeReady("web-1");
    await world.settle();
    expect(world.podNames()).toEqual(["web-0", "web-1", "web-2"]);
    const { metadata, spec } = world.object("pods", "default", "web-1");
    expect(metadata.labels).toMatchObject({
      app: "web",
      "statefulset.kubernetes.io/pod-name": "web-1",
      "apps.kubernetes.io/pod-index": "1",
      "controller-revision-hash": statusOf(world).updateRevision,
    });
    expect(spec).toMatchObject({ hostname: "web-1", subdomain: "web" });
    expect(world.events("web")).toEqual([
      "SuccessfulCreate: create Pod web-0 in StatefulSet web successful",
      "SuccessfulCreate: create Pod web-1 in StatefulSet web successful",
      "SuccessfulCreate: create Pod web-2 in StatefulSet web successful",
    ]);
    expect(world.failures).toEqual([]);
  });

  it("leaves a place empty for a moment, so that whoever waits for a deletion sees it", async () => {
    const world = await openWorld({ vacancyMs: 250 });
    await world.apply(statefulSet("web"));
    await world.store.delete("pods", "default", "web-1", { gracePeriodSeconds: 0 });
    await world.settle();
    expect(world.podNames()).toEqual(["web-0", "web-2"]);
    await world.advance(250);
    expect(world.podNames()).toEqual(["web-0", "web-1", "web-2"]);
  });

  it("reports its status", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web"));
    const { currentRevision, updateRevision, ...counts } = statusOf(world);
    expect(counts).toEqual({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      collisionCount: 0,
    });
    expect(currentRevision).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{6,10}$/);
    expect(updateRevision).toBe(currentRevision);
  });

  it("creates all pods at once with Parallel", async () => {
    const world = await openWorld();
    for (const name of ["web-0", "web-1", "web-2"]) world.kubelet.holdBack(name);
    await world.apply(statefulSet("web", { podManagementPolicy: "Parallel" }));
    expect(world.podNames()).toEqual(["web-0", "web-1", "web-2"]);
  });

  it("waits minReadySeconds before the next pod", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web", { replicas: 2, minReadySeconds: 10 }));
    expect(world.podNames()).toEqual(["web-0"]);
    await world.advance(9_000);
    expect(world.podNames()).toEqual(["web-0"]);
    await world.advance(1_000);
    expect(world.podNames()).toEqual(["web-0", "web-1"]);
    await world.advance(10_000);
    expect(statusOf(world).availableReplicas).toBe(2);
  });

  it("scales down from the highest ordinal, one after the other", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web"));
    world.kubelet.holdStop("web-2");
    await scale(world, 1);
    await world.settle();
    expect(world.podNames()).toEqual(["web-0", "web-1", "web-2"]);
    expect(world.object("pods", "default", "web-1").metadata.deletionTimestamp).toBeUndefined();
    await world.kubelet.letStop("default", "web-2");
    await world.settle();
    expect(world.podNames()).toEqual(["web-0"]);
    expect(statusOf(world)).toMatchObject({ replicas: 1, readyReplicas: 1, observedGeneration: 2 });
  });

  it("replaces deleted and failed pods under the same name", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web"));
    const before = world.object("pods", "default", "web-1").metadata.uid;
    await world.store.delete("pods", "default", "web-1");
    await world.settle();
    const second = world.object("pods", "default", "web-1").metadata.uid;
    expect(second).not.toBe(before);
    await world.kubelet.finish("web-1", "Failed");
    await world.settle();
    expect(world.object("pods", "default", "web-1").metadata.uid).not.toBe(second);
    expect(world.events("web")).toContain(
      "RecreatingFailedPod: StatefulSet default/web is recreating failed Pod web-1",
    );
  });

  it("makes claims from the templates and keeps them when it shrinks", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web", { volumeClaimTemplates: [claimTemplate("data")] }));
    const claims = () => world.store.list("persistentvolumeclaims").map(({ metadata }) => metadata.name);
    expect(claims()).toEqual(["data-web-0", "data-web-1", "data-web-2"]);
    expect(world.object("persistentvolumeclaims", "default", "data-web-0").metadata.labels).toEqual({ app: "web" });
    expect(world.object("pods", "default", "web-0").spec.volumes).toContainEqual({
      name: "data",
      persistentVolumeClaim: { claimName: "data-web-0" },
    });
    expect(world.events("web")).toContain(
      "SuccessfulCreate: create Claim data-web-0 Pod web-0 in StatefulSet web success",
    );
    await scale(world, 1);
    await world.settle();
    expect(claims()).toHaveLength(3);
  });

  it("gives a pod a new claim when its old one was deleted, and only once that is gone", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web", { replicas: 1, volumeClaimTemplates: [claimTemplate("data")] }));
    const claimUid = () => world.object("persistentvolumeclaims", "default", "data-web-0").metadata.uid;
    const before = claimUid();
    const addFinalizer = ({ metadata }: { metadata?: ObjectMeta }, finalizers: string[]) => {
      metadata!.finalizers = finalizers;
    };
    const setFinalizers = (finalizers: string[]) =>
      world.store.modify("persistentvolumeclaims", "default", "data-web-0", (draft) => addFinalizer(draft, finalizers));
    await setFinalizers(["kubernetes.io/pvc-protection", "example.com/hold"]);
    await world.store.delete("persistentvolumeclaims", "default", "data-web-0");
    await world.store.delete("pods", "default", "web-0");
    await world.settle();
    expect(world.podNames()).toEqual([]);
    expect(world.events("web")).toContain(
      "FailedCreate: create Claim data-web-0 Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted",
    );
    await setFinalizers([]);
    await world.settle();
    expect(world.podNames()).toEqual(["web-0"]);
    expect(claimUid()).not.toBe(before);
  });

  it("lets claims go with the pods where the policy says so", async () => {
    const world = await openWorld();
    const policy = { whenScaled: "Delete", whenDeleted: "Delete" };
    const volumeClaimTemplates = [claimTemplate("data")];
    await world.apply(statefulSet("web", { volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: policy }));
    await scale(world, 1);
    await world.settle();
    expect(world.store.list("persistentvolumeclaims")).toHaveLength(1);
    await world.store.delete("statefulsets.apps", "default", "web");
    await world.settle();
    expect(world.podNames()).toEqual([]);
    expect(world.store.list("persistentvolumeclaims")).toEqual([]);
  });

  it("rolls out from the highest ordinal and waits for each pod", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web"));
    const { currentRevision } = statusOf(world);
    world.kubelet.holdBack("web-2");
    await setImage(world, "app:2");
    await world.settle();
    expect(images(world)).toEqual(["web-0 app:1", "web-1 app:1", "web-2 app:2"]);
    expect(statusOf(world)).toMatchObject({
      currentRevision,
      updatedReplicas: 1,
      currentReplicas: 2,
      readyReplicas: 2,
    });
    await world.kubelet.makeReady("web-2");
    await world.settle();
    expect(images(world)).toEqual(["web-0 app:2", "web-1 app:2", "web-2 app:2"]);
    const status = statusOf(world);
    expect(status.currentRevision).toBe(status.updateRevision);
    expect(status.currentRevision).not.toBe(currentRevision);
  });

  it("holds ordinals below the partition back, new ones too", async () => {
    const world = await openWorld();
    await world.apply(
      statefulSet("web", { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } }),
    );
    await setImage(world, "app:2");
    await world.settle();
    expect(images(world)).toEqual(["web-0 app:1", "web-1 app:1", "web-2 app:2"]);
    await world.store.delete("pods", "default", "web-0");
    await world.settle();
    expect(images(world)[0]).toBe("web-0 app:1");
  });

  it("replaces nothing with OnDelete until somebody deletes", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web", { updateStrategy: { type: "OnDelete" } }));
    await setImage(world, "app:2");
    await world.settle();
    expect(images(world)).toEqual(["web-0 app:1", "web-1 app:1", "web-2 app:1"]);
    await world.store.delete("pods", "default", "web-1");
    await world.settle();
    expect(images(world)).toEqual(["web-0 app:1", "web-1 app:2", "web-2 app:1"]);
  });

  it("goes back to a kept revision on rollback", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web"));
    const first = statusOf(world).updateRevision;
    await setImage(world, "app:2");
    await world.settle();
    await setImage(world, "app:1");
    await world.settle();
    expect(statusOf(world).currentRevision).toBe(first);
    const revisions = world.store.list("controllerrevisions.apps").map(({ revision }) => revision);
    expect(revisions.sort()).toEqual([2, 3]);
  });

  it("keeps revisionHistoryLimit old revisions", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web", { replicas: 1, revisionHistoryLimit: 2 }));
    for (const image of ["app:2", "app:3", "app:4", "app:5"]) {
      await setImage(world, image);
      await world.settle();
    }
    expect(world.store.list("controllerrevisions.apps").map(({ revision }) => revision)).toEqual(
      expect.arrayContaining([3, 4, 5]),
    );
    expect(world.store.list("controllerrevisions.apps")).toHaveLength(3);
  });

  it("adopts the pods that an orphaning deletion left", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web"));
    const uids = () => world.store.list("pods").map(({ metadata }) => metadata.uid);
    const before = uids();
    await world.store.delete("statefulsets.apps", "default", "web", { propagationPolicy: "Orphan" });
    await world.settle();
    expect(world.store.get("statefulsets.apps", "default", "web")).toBeUndefined();
    expect(uids()).toEqual(before);
    await world.apply(statefulSet("web"));
    expect(uids()).toEqual(before);
    const owner = world.object("statefulsets.apps", "default", "web").metadata.uid;
    expect(world.store.list("pods").every(({ metadata }) => metadata.ownerReferences?.[0]?.uid === owner)).toBe(true);
  });
});
