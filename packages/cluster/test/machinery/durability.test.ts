import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../../src/machinery/open-store.ts";
import type { ApiStore } from "../../src/machinery/store.ts";
import { configMap, descriptor, manualClock, plan } from "./support.ts";

let dir: string;
const opened: ApiStore[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "coracle-store-"));
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await rm(dir, { recursive: true });
});

async function open(snapshotBytes = 16 << 20): Promise<ApiStore> {
  const store = await openStore({ dir, plan, clock: manualClock().clock, snapshotBytes });
  opened.push(store);
  return store;
}

/** Everything a reader can see. */
const contents = (store: ApiStore) => ({
  version: store.resourceVersion,
  objects: store.descriptors().map((resource) => store.page(resource, {}).items),
});

async function reopen(store: ApiStore, snapshotBytes?: number): Promise<ApiStore> {
  await store.close();
  return open(snapshotBytes);
}

describe("a store in a folder", () => {
  it("is the same after a restart", async () => {
    const store = await open();
    await store.create("configmaps", configMap("a", { k: "1" }));
    await store.create("configmaps", configMap("b"));
    await store.update("configmaps", configMap("a", { k: "2" }));
    await store.delete("configmaps", "default", "b");
    const before = contents(store);
    expect(contents(await reopen(store))).toEqual(before);
  });

  it("is the same after snapshots, and the log does not grow without bound", async () => {
    const store = await open(2000);
    await store.create("configmaps", configMap("text", { k: "ü\u2028\n\t" }));
    for (
      let round = 0;
      round < 200;
      round++ // enough for several snapshots
    )
      await store.update("configmaps", await upsert(store, "a", { k: String(round) }));
    const before = contents(store);
    const again = await reopen(store, 2000);
    expect(contents(again)).toEqual(before);
    expect((await readFile(join(dir, "snapshot"), "utf8")).split("\n")[0]).toContain('"format":1');
  });

  async function upsert(store: ApiStore, name: string, data: Record<string, string>) {
    if (!store.get("configmaps", "default", name)) await store.create("configmaps", configMap(name));
    return configMap(name, data);
  }

  it("goes on with the next version", async () => {
    const store = await open();
    const { metadata } = await store.create("configmaps", configMap("a"));
    const again = await reopen(store);
    const next = await again.create("configmaps", configMap("b"));
    expect(Number(next.metadata.resourceVersion)).toBe(Number(metadata.resourceVersion) + 1);
  });

  it("keeps the history that the log still holds, for watchers that resume", async () => {
    const store = await open();
    const { metadata } = await store.create("configmaps", configMap("a", { k: "1" }));
    await store.delete("configmaps", "default", "a");
    const again = await reopen(store);
    const seen: unknown[] = [];
    const { resourceVersion } = metadata;
    again.watch(descriptor(again, "configmaps"), { resourceVersion }, (message) => seen.push(message));
    expect(seen).toEqual([{ type: "DELETED", object: expect.objectContaining({ data: { k: "1" } }) }]);
  });

  it("shows nothing before it is durable, but lets the next writer build on it", async () => {
    const store = await open();
    const seen: string[] = [];
    store.subscribe("configmaps", ({ type, object }) => seen.push(`${type} ${object.data?.k}`));
    const writes = [
      store.create("configmaps", configMap("a", { k: "1" })),
      store.modify("configmaps", "default", "a", append("2")),
      store.modify("configmaps", "default", "a", append("3")),
    ];
    expect(store.get("configmaps", "default", "a")).toBeUndefined();
    expect(seen).toEqual([]);
    await Promise.all(writes);
    expect(seen).toEqual(["ADDED 1", "MODIFIED 12", "MODIFIED 123"]);
  });

  const append = (text: string) => (draft: ConfigMap) => {
    draft.data = { k: `${draft.data?.k}${text}` };
  };

  it("forgets a torn record at the end of the log, which nobody was told of", async () => {
    const store = await open();
    await store.create("configmaps", configMap("a"));
    const before = contents(store);
    await store.close();
    await appendFile(join(dir, "log", await lastSegment()), "torn");
    expect(contents(await open())).toEqual(before);
  });

  async function lastSegment(): Promise<string> {
    return (await readdir(join(dir, "log")))
      .filter((name) => name.endsWith(".wal"))
      .sort()
      .at(-1) as string;
  }

  it.each([
    ["cut short", (text: string) => text.slice(0, text.lastIndexOf("end ")), "is cut short"],
    ["changed", (text: string) => text.replace(":", ": "), "does not match its digest"],
    ["of another format", (text: string) => text.replace('"format":1', '"format":9'), "has format 9"],
  ])("refuses a snapshot that is %s", async (_, damage, why) => {
    const store = await open(1);
    await store.create("configmaps", configMap("a"));
    await store.close();
    const path = join(dir, "snapshot");
    await writeFile(path, damage(await readFile(path, "utf8")));
    await expect(open()).rejects.toMatchObject({ code: "unreadable-state", message: expect.stringMatching(why) });
  });

  it("loses nothing that was acknowledged when the process is killed", async () => {
    const acknowledged = await writeUntilKilled(300);
    const store = await open(2000);
    const missing = acknowledged.filter((name) => store.get("configmaps", "default", name) === undefined);
    expect(acknowledged.length).toBeGreaterThanOrEqual(300);
    expect(missing).toEqual([]);
  });

  /** Another process writes here and tells of each write that is acknowledged; it is killed after `count` of them. */
  async function writeUntilKilled(count: number): Promise<string[]> {
    const child = spawn(process.execPath, [fileURLToPath(new URL("writer.mjs", import.meta.url)), dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const names: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      names.push(line);
      if (names.length === count) child.kill("SIGKILL");
    }
    await exited;
    return names;
  }

  it("refuses a second opener", async () => {
    await open();
    await expect(open()).rejects.toMatchObject({ code: "locked" });
  });
});
