import { beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore, PageOptions, WatchMessage, WatchOptions } from "../../src/machinery/store.ts";
import { configMap, descriptor, manualClock, openTestStore, plan, pod } from "./support.ts";

let store: ApiStore;
beforeEach(async () => {
  store = await openTestStore();
});

const labelled = (name: string, labels: Record<string, string>) => ({
  metadata: { name, namespace: "default", labels },
});

async function createAll(...names: string[]) {
  for (const name of names) await store.create("configmaps", configMap(name));
}

const names = (options: PageOptions) =>
  store.page(descriptor(store, "configmaps"), options).items.map(({ metadata }) => metadata.name);

describe("a page", () => {
  it("is sorted by namespace and name", async () => {
    await store.create("namespaces", { metadata: { name: "default-2" } });
    await createAll("b", "a");
    await store.create("configmaps", configMap("z", {}, "default-2"));
    expect(names({})).toEqual(["z", "a", "b"]);
    expect(names({ namespace: "default" })).toEqual(["a", "b"]);
  });

  it("goes on where the last one ended, showing the same version", async () => {
    await createAll("a", "b", "c", "d", "e");
    const resource = descriptor(store, "configmaps");
    const first = store.page(resource, { namespace: "default", limit: 2 });
    expect(first).toMatchObject({ remainingItemCount: 3, continueToken: expect.any(String) });
    await store.delete("configmaps", "default", "c");
    await createAll("bb");
    await store.update("configmaps", configMap("d", { k: "changed" }));
    const rest = store.page(resource, { namespace: "default", continueToken: first.continueToken! });
    expect(rest.items.map(({ metadata, data }) => [metadata.name, data])).toEqual([
      ["c", {}],
      ["d", {}],
      ["e", {}],
    ]);
    expect(rest.resourceVersion).toBe(first.resourceVersion);
    expect(rest.continueToken).toBeUndefined();
  });

  it("expires when the history no longer reaches back", async () => {
    store = await openStore({ plan, clock: manualClock().clock, historyLimit: 2 });
    await createAll("a", "b", "c");
    const { continueToken = "" } = store.page(descriptor(store, "configmaps"), { limit: 1 });
    await createAll("d", "e", "f", "g", "h");
    expect(() => names({ continueToken })).toThrow(expect.objectContaining({ reason: "Expired", code: 410 }));
  });

  it("shows an exact older version", async () => {
    await createAll("a");
    const { resourceVersion } = store;
    await createAll("b");
    expect(names({ resourceVersion, resourceVersionMatch: "Exact" })).toEqual(["a"]);
    expect(names({ resourceVersion })).toEqual(["a", "b"]);
  });

  it.each([
    { continueToken: "nonsense" },
    { resourceVersion: "x" },
    { fieldSelector: "spec.x=1" },
    { labelSelector: "a=(" },
  ])("refuses %j", (options) => {
    expect(() => names(options)).toThrow(expect.objectContaining({ reason: "BadRequest" }));
  });

  it("refuses a version of the future", () => {
    expect(() => names({ resourceVersion: "999999" })).toThrow("Too large resource version: 999999, current: ");
  });

  it("selects by labels and fields", async () => {
    await store.create("configmaps", labelled("a", { app: "x" }));
    await store.create("configmaps", labelled("b", { app: "y" }));
    expect(names({ labelSelector: "app in (y,z)" })).toEqual(["b"]);
    expect(names({ fieldSelector: "metadata.name!=b" })).toEqual(["a"]);
  });
});

describe("a watch", () => {
  const watch = (options: WatchOptions, key = "configmaps") => {
    const seen: string[] = [];
    const stop = store.watch(descriptor(store, key), options, (message) => seen.push(show(message)));
    return { seen, stop };
  };
  const show = (message: WatchMessage) =>
    message.type === "BOOKMARK"
      ? `BOOKMARK ${message.resourceVersion}${message.initialEventsEnd ? " end" : ""}`
      : `${message.type} ${message.object.metadata.name} ${message.object.metadata.resourceVersion}`;

  it("begins with what is there", async () => {
    await createAll("a");
    const { seen, stop } = watch({});
    await createAll("b");
    stop();
    await createAll("c");
    expect(seen.map((line) => line.slice(0, 7))).toEqual(["ADDED a", "ADDED b"]);
  });

  it("resumes after a version", async () => {
    await createAll("a");
    const { resourceVersion } = store;
    await store.delete("configmaps", "default", "a");
    expect(watch({ resourceVersion }).seen).toEqual([`DELETED a ${store.resourceVersion}`]);
  });

  it("expires when the history no longer reaches back", async () => {
    store = await openStore({ plan, clock: manualClock().clock, historyLimit: 2 });
    const { resourceVersion } = store;
    await createAll("a", "b", "c", "d", "e");
    expect(() => watch({ resourceVersion })).toThrow(expect.objectContaining({ reason: "Expired", code: 410 }));
  });

  it("marks the end of the initial events", async () => {
    await createAll("a");
    const { seen } = watch({ sendInitialEvents: true, allowBookmarks: true });
    expect(seen).toEqual([`ADDED a ${store.resourceVersion}`, `BOOKMARK ${store.resourceVersion} end`]);
  });

  it("sends bookmarks while it is quiet, until it is stopped", async () => {
    const { clock, advance } = manualClock();
    store = await openStore({ plan, clock });
    const { seen, stop } = watch({ allowBookmarks: true });
    advance(60_000);
    advance(60_000);
    stop();
    advance(60_000);
    expect(seen).toEqual([`BOOKMARK ${store.resourceVersion}`, `BOOKMARK ${store.resourceVersion}`]);
  });

  it("shows what comes into a selector's view as added, what leaves it as deleted", async () => {
    const { seen } = watch({ labelSelector: "app=x" });
    await store.create("configmaps", labelled("a", { app: "y" }));
    await store.update("configmaps", labelled("a", { app: "x" }));
    await store.update("configmaps", labelled("a", { app: "x", more: "1" }));
    await store.update("configmaps", labelled("a", { app: "z" }));
    await store.delete("configmaps", "default", "a");
    expect(seen.map((line) => line.split(" ")[0])).toEqual(["ADDED", "MODIFIED", "DELETED"]);
  });

  it("shows the last state in view, under the version that took it away", async () => {
    const objects: unknown[] = [];
    store.watch(descriptor(store, "configmaps"), { labelSelector: "app=x" }, (message) => objects.push(message));
    await store.create("configmaps", labelled("a", { app: "x" }));
    await store.update("configmaps", labelled("a", { app: "z" }));
    expect(objects.at(-1)).toMatchObject({
      type: "DELETED",
      object: { metadata: { labels: { app: "x" }, resourceVersion: store.resourceVersion } },
    });
  });

  it("keeps to its namespace and fields", async () => {
    await store.create("namespaces", { metadata: { name: "other" } });
    const { seen } = watch({ namespace: "default", fieldSelector: "metadata.name=a" });
    await createAll("a", "b");
    await store.create("configmaps", configMap("a", {}, "other"));
    expect(seen).toHaveLength(1);
  });

  it("follows pods of a node", async () => {
    const { seen } = watch({ fieldSelector: "spec.nodeName=n1" }, "pods");
    await store.create("pods", pod("a"));
    const binding = { kind: "Binding", metadata: { name: "a" }, target: { name: "n1" } };
    await store.post(descriptor(store, "pods"), "default", binding, { subresource: "binding" });
    expect(seen).toEqual([`ADDED a ${store.resourceVersion}`]);
  });
});

describe("the JSON of an object", () => {
  it("is made once", async () => {
    const object = await store.create("configmaps", configMap("a", { k: "ü" }));
    expect(JSON.parse(store.json(object).toString())).toEqual(object);
    expect(store.json(object)).toBe(store.json(object));
  });
});
