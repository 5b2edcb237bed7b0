import { beforeEach, describe, expect, it } from "vitest";
import type { ApiStore } from "../../src/machinery/store.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { configMap, descriptor, openTestStore, pod } from "./support.ts";

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
});

describe("create", () => {
  it("fills in what only the server says", async () => {
    const created = await store.create("configmaps", configMap("a", { k: "v" }));
    expect(created).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { k: "v" } });
    expect(created.metadata).toMatchObject({
      name: "a",
      namespace: "default",
      creationTimestamp: "2026-01-02T03:04:05Z",
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      resourceVersion: store.resourceVersion,
    });
    expect(store.get("configmaps", "default", "a")).toBe(created);
  });

  it("refuses a name that is taken", async () => {
    await store.create("configmaps", configMap("a"));
    await expect(store.create("configmaps", configMap("a"))).rejects.toMatchObject({
      reason: "AlreadyExists",
      message: 'configmaps "a" already exists',
    });
  });

  it("generates a name from generateName", async () => {
    const { metadata } = await store.create("configmaps", { metadata: { namespace: "default", generateName: "x-" } });
    expect(metadata.name).toMatch(/^x-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it("needs its namespace", async () => {
    await expect(store.create("configmaps", configMap("a", {}, "nowhere"))).rejects.toMatchObject({
      reason: "NotFound",
      message: 'namespaces "nowhere" not found',
    });
  });

  it("leaves the caller's object alone and freezes its own", async () => {
    const mine = configMap("a", { k: "v" });
    const created = await store.create("configmaps", mine);
    expect(mine).toEqual(configMap("a", { k: "v" }));
    expect(Object.isFrozen(created.data)).toBe(true);
  });

  it("writes nothing on a dry run", async () => {
    await store.create("configmaps", configMap("a"), { dryRun: true });
    expect(store.get("configmaps", "default", "a")).toBeUndefined();
  });
});

describe("update", () => {
  it("refuses a version that is not the current one", async () => {
    const first = await store.create("configmaps", configMap("a"));
    await store.update("configmaps", { ...first, data: { k: "1" } });
    await expect(store.update("configmaps", { ...first, data: { k: "2" } })).rejects.toMatchObject({
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it("keeps the version when nothing changes", async () => {
    const first = await store.create("configmaps", configMap("a", { k: "1" }));
    expect((await store.update("configmaps", first)).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it("carries uid and creation time over", async () => {
    const first = await store.create("configmaps", configMap("a"));
    const { metadata } = await store.update("configmaps", configMap("a", { k: "1" }));
    expect(metadata).toMatchObject({ uid: first.metadata.uid, creationTimestamp: first.metadata.creationTimestamp });
  });
});

describe("put", () => {
  const put = (key: string, name: string, body: ApiObject) =>
    store.put(descriptor(store, key), "default", name, body, {});

  it("creates what is not there, for the kinds that allow it", async () => {
    const lease = { metadata: { name: "l" }, spec: { holderIdentity: "me" } };
    expect((await put("leases.coordination.k8s.io", "l", lease)).created).toBe(true);
    await expect(put("configmaps", "c", configMap("c"))).rejects.toMatchObject({ reason: "NotFound" });
  });

  it("needs the version of a lease", async () => {
    await store.create("leases.coordination.k8s.io", { metadata: { name: "l", namespace: "default" } });
    await expect(put("leases.coordination.k8s.io", "l", { spec: {} })).rejects.toMatchObject({
      message:
        'Lease.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    });
  });

  it("refuses an object of another name, namespace or kind", async () => {
    await store.create("configmaps", configMap("c"));
    await expect(put("configmaps", "c", configMap("d"))).rejects.toThrow(
      "the name of the object (d) does not match the name on the URL (c)",
    );
    await expect(put("configmaps", "c", configMap("c", {}, "other"))).rejects.toThrow(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
    await expect(put("configmaps", "c", { kind: "Secret" })).rejects.toMatchObject({ reason: "BadRequest" });
  });
});

describe("the scale subresource", () => {
  it("reads and writes a Scale", async () => {
    const template = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "a", image: "a" }] } };
    const spec = { selector: { matchLabels: { app: "x" } }, template };
    await store.create<string>("deployments.apps", { metadata: { name: "x", namespace: "default" }, spec });
    const deployments = descriptor(store, "deployments.apps");
    const patch = (replicas: number) =>
      store.patch(deployments, "default", "x", "merge", { spec: { replicas } }, { subresource: "scale" });
    expect((await patch(3)).object).toMatchObject({
      kind: "Scale",
      spec: { replicas: 3 },
      status: { selector: "app=x" },
    });
    expect(store.get("deployments.apps", "default", "x")?.spec?.replicas).toBe(3);
    await expect(patch(-1)).rejects.toMatchObject({
      message: 'Scale.autoscaling "x" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    });
  });
});

describe("modify", () => {
  it("writes what the change made", async () => {
    await store.create("configmaps", configMap("a", { k: "1" }));
    const changed = await store.modify("configmaps", "default", "a", (draft) => {
      draft.data = { k: "2" };
    });
    expect(changed?.data).toEqual({ k: "2" });
  });

  it("answers undefined for what is missing or not wanted", async () => {
    await store.create("configmaps", configMap("a"));
    expect(await store.modify("configmaps", "default", "b", () => {})).toBeUndefined();
    expect(await store.modify("configmaps", "default", "a", () => false)).toBeUndefined();
  });
});

describe("delete", () => {
  it("takes the object away", async () => {
    await store.create("configmaps", configMap("a"));
    await store.delete("configmaps", "default", "a");
    expect(store.get("configmaps", "default", "a")).toBeUndefined();
  });

  it("waits for finalizers", async () => {
    await store.create("configmaps", { metadata: { name: "a", namespace: "default", finalizers: ["x.io/hold"] } });
    await store.delete("configmaps", "default", "a");
    expect(store.get("configmaps", "default", "a")?.metadata.deletionTimestamp).toBe("2026-01-02T03:04:05Z");
    await store.modify("configmaps", "default", "a", (draft) => {
      draft.metadata = { ...draft.metadata, finalizers: [] };
    });
    expect(store.get("configmaps", "default", "a")).toBeUndefined();
  });

  it("gives a bound pod its grace period", async () => {
    await store.create("pods", pod("p", { nodeName: "n", terminationGracePeriodSeconds: 20 }));
    await store.delete("pods", "default", "p");
    expect(store.get("pods", "default", "p")?.metadata).toMatchObject({
      deletionTimestamp: "2026-01-02T03:04:25Z",
      deletionGracePeriodSeconds: 20,
    });
    await store.delete("pods", "default", "p", { gracePeriodSeconds: 0 });
    expect(store.get("pods", "default", "p")).toBeUndefined();
  });

  it("takes an unbound pod away at once", async () => {
    await store.create("pods", pod("p"));
    await store.delete("pods", "default", "p");
    expect(store.get("pods", "default", "p")).toBeUndefined();
  });

  it("checks preconditions", async () => {
    const { metadata } = await store.create("configmaps", configMap("a"));
    await expect(store.delete("configmaps", "default", "a", { preconditions: { uid: "other" } })).rejects.toMatchObject(
      {
        reason: "Conflict",
        message: `Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in precondition: other, UID in object meta: ${metadata.uid}`,
      },
    );
  });
});

describe("subscribe", () => {
  it("tells what is there, then every change in order", async () => {
    await store.create("configmaps", configMap("a"));
    const seen: string[] = [];
    const stop = store.subscribe("configmaps", ({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
    await store.create("configmaps", configMap("b"));
    await store.update("configmaps", configMap("b", { k: "1" }));
    await store.delete("configmaps", "default", "a");
    stop();
    await store.create("configmaps", configMap("c"));
    expect(seen).toEqual(["ADDED a", "ADDED b", "MODIFIED b", "DELETED a"]);
  });

  it("keeps the order for everybody when a listener writes", async () => {
    const seen: string[] = [];
    let echo: Promise<unknown> | undefined;
    store.subscribe("configmaps", ({ object }) => {
      if (object.metadata.name === "a") echo = store.create("configmaps", configMap("b"));
    });
    store.subscribe("configmaps", ({ object }) => seen.push(object.metadata.name));
    await store.create("configmaps", configMap("a"));
    await echo;
    expect(seen).toEqual(["a", "b"]);
  });
});
