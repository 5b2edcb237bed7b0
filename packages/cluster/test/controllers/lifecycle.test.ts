import { describe, expect, it } from "vitest";
import { claimTemplate, pod, statefulSet } from "./support/manifests.ts";
import { openWorld } from "./support/world.ts";

const configMap = (name: string, namespace: string, extra: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, ...extra },
});
const namespace = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

describe("namespaces", () => {
  it("gives each a service account and the root certificates", async () => {
    const world = await openWorld();
    await world.apply(namespace("shop"));
    expect(world.object("serviceaccounts", "shop", "default")).toBeDefined();
    expect(world.object("configmaps", "shop", "kube-root-ca.crt").data).toEqual({ "ca.crt": "PEM" });
    await world.store.delete("configmaps", "shop", "kube-root-ca.crt");
    await world.settle();
    expect(world.object("configmaps", "shop", "kube-root-ca.crt").data).toEqual({ "ca.crt": "PEM" });
  });

  it("goes with all that is in it, pods first and gracefully", async () => {
    const world = await openWorld();
    await world.apply(namespace("shop"));
    const set = statefulSet("web", { replicas: 1, volumeClaimTemplates: [claimTemplate("data")] });
    set.metadata!.namespace = "shop";
    world.kubelet.holdStop("web-0");
    await world.apply(set, configMap("settings", "shop"));
    await world.store.delete("namespaces", "", "shop");
    await world.settle();
    expect(world.object("namespaces", "", "shop").status.phase).toBe("Terminating");
    expect(world.object("configmaps", "shop", "settings").metadata.deletionTimestamp).toBeUndefined();
    expect(world.object("namespaces", "", "shop").status.conditions).toContainEqual(
      expect.objectContaining({ type: "NamespaceContentRemaining", status: "True" }),
    );
    await world.kubelet.letStop("shop", "web-0");
    await world.settle();
    expect(world.store.get("namespaces", "", "shop")).toBeUndefined();
    for (const resource of ["pods", "statefulsets.apps", "persistentvolumeclaims", "configmaps", "serviceaccounts"])
      expect(world.store.list<string>(resource, { namespace: "shop" })).toEqual([]);
    expect(world.store.list("persistentvolumes")).toEqual([]);
  });
});

describe("garbage collection", () => {
  const owned = (name: string, owner: { metadata: { name: string; uid: string } }, block = true) =>
    configMap(name, "default", {
      ownerReferences: [
        {
          apiVersion: "v1",
          kind: "ConfigMap",
          name: owner.metadata.name,
          uid: owner.metadata.uid,
          blockOwnerDeletion: block,
        },
      ],
    });

  it("removes dependents in the background", async () => {
    const world = await openWorld();
    await world.apply(configMap("owner", "default"));
    const owner = world.object("configmaps", "default", "owner");
    await world.apply(owned("child", owner));
    await world.apply(owned("grandchild", world.object("configmaps", "default", "child")));
    await world.store.delete("configmaps", "default", "owner");
    await world.settle();
    for (const name of ["child", "grandchild"]) expect(world.store.get("configmaps", "default", name)).toBeUndefined();
  });

  it("removes an object whose owner was never there, and keeps one whose owner's kind is unknown", async () => {
    const world = await openWorld();
    await world.apply(owned("dangling", { metadata: { name: "nobody", uid: "0" } }));
    expect(world.store.get("configmaps", "default", "dangling")).toBeUndefined();
    const ownerReferences = [{ apiVersion: "example.com/v1", kind: "Thing", name: "x", uid: "1" }];
    await world.apply(configMap("foreign", "default", { ownerReferences }));
    expect(world.store.get("configmaps", "default", "foreign")).toBeDefined();
  });

  it("drops a lost owner while another remains", async () => {
    const world = await openWorld();
    await world.apply(configMap("a", "default"), configMap("b", "default"));
    const [a, b] = ["a", "b"].map((name) => world.object("configmaps", "default", name));
    const references = [owned("", a!), owned("", b!)].flatMap(
      ({ metadata }) => (metadata as { ownerReferences?: object[] }).ownerReferences ?? [],
    );
    await world.apply(configMap("child", "default", { ownerReferences: references }));
    await world.store.delete("configmaps", "default", "a");
    await world.settle();
    expect(world.object("configmaps", "default", "child").metadata.ownerReferences?.map(({ name }) => name)).toEqual([
      "b",
    ]);
  });

  it("keeps the owner until its blocking dependents are gone in the foreground", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web", { replicas: 1 }));
    world.kubelet.holdStop("web-0");
    await world.store.delete("statefulsets.apps", "default", "web", { propagationPolicy: "Foreground" });
    await world.settle();
    expect(world.object("statefulsets.apps", "default", "web").metadata.finalizers).toEqual(["foregroundDeletion"]);
    expect(world.object("pods", "default", "web-0").metadata.deletionTimestamp).toBeDefined();
    await world.kubelet.letStop("default", "web-0");
    await world.settle();
    expect(world.store.get("statefulsets.apps", "default", "web")).toBeUndefined();
  });

  it("waits for grandchildren in the foreground", async () => {
    const world = await openWorld();
    await world.apply(configMap("owner", "default"));
    await world.apply(owned("child", world.object("configmaps", "default", "owner")));
    const [reference] =
      (owned("", world.object("configmaps", "default", "child")).metadata as { ownerReferences?: object[] })
        .ownerReferences ?? [];
    const grandchild = pod("grandchild");
    grandchild.metadata!.ownerReferences = [reference as never];
    await world.apply(grandchild);
    world.kubelet.holdStop("grandchild");
    await world.store.delete("configmaps", "default", "owner", { propagationPolicy: "Foreground" });
    await world.settle();
    expect(world.object("configmaps", "default", "child").metadata.finalizers).toEqual(["foregroundDeletion"]);
    await world.kubelet.letStop("default", "grandchild");
    await world.settle();
    for (const name of ["owner", "child"]) expect(world.store.get("configmaps", "default", name)).toBeUndefined();
  });
});
