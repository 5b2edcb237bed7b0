import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, clientOf, watchLines } from "./client.ts";
import { type Fixture, startFixture } from "./fixture.ts";
import { ManualClock } from "./manual-clock.ts";

let fixture: Fixture;
let call: Client;
const clock = new ManualClock();
beforeAll(async () => {
  fixture = await startFixture({ clock });
  call = clientOf(fixture);
});
afterAll(() => fixture.stop());

const maps = "/api/v1/namespaces/default/configmaps";
const create = (name: string, data: Record<string, string> = {}) =>
  fixture.store.create("configmaps", { metadata: { name, namespace: "default", labels: { watched: name } }, data });

/** Takes `count` lines of a watch and leaves. */
async function take(path: string, count: number, headers: Record<string, string> = {}) {
  const response = await call.open(path, { headers });
  const lines: Awaited<ReturnType<typeof next>>[] = [];
  const iterator = watchLines(response);
  const next = async () => (await iterator.next()).value;
  while (lines.length < count) lines.push(await next());
  response.destroy();
  return lines;
}

describe("watch", () => {
  it("tells what is there and then every change", async () => {
    const first = await create("w1");
    const response = await call.open(`${maps}?watch=1&labelSelector=watched%3Dw1`);
    const lines = watchLines(response);
    expect((await lines.next()).value).toMatchObject({ type: "ADDED", object: first });
    await fixture.store.modify("configmaps", "default", "w1", (map) => {
      map.data = { k: "v" };
    });
    expect((await lines.next()).value).toMatchObject({ type: "MODIFIED", object: { data: { k: "v" } } });
    await fixture.store.delete("configmaps", "default", "w1");
    expect((await lines.next()).value).toMatchObject({ type: "DELETED" });
    response.destroy();
  });

  it("resumes after a version", async () => {
    const { metadata } = await create("w2");
    await create("w2b");
    const [line] = await take(`${maps}?watch=1&resourceVersion=${metadata.resourceVersion}`, 1);
    expect(line).toMatchObject({ type: "ADDED", object: { metadata: { name: "w2b" } } });
  });

  it("answers a version that is gone with an event, and a bad selector with a refusal", async () => {
    const small = await startFixture({ clock }, { historyLimit: 2 });
    const ask = clientOf(small);
    for (let i = 0; i < 5; i += 1) {
      await small.store.create("configmaps", { metadata: { name: `m${i}`, namespace: "default" } });
    }
    const response = await ask.open(`${maps}?watch=1&resourceVersion=1`);
    const { value } = await watchLines(response).next();
    expect(value).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    expect((await ask("GET", `${maps}?watch=1&labelSelector=a%3D(`)).status).toBe(400);
    await small.stop();
  });

  it("marks the end of what is there when asked", async () => {
    const query =
      "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=watched%3Dnone";
    const [line] = await take(`${maps}?${query}`, 1);
    expect(line).toMatchObject({
      type: "BOOKMARK",
      object: { kind: "ConfigMap", metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
    });
  });

  it("ends after its time with a bookmark", async () => {
    const response = await call.open(
      `${maps}?watch=1&timeoutSeconds=5&allowWatchBookmarks=true&labelSelector=watched%3Dnone`,
    );
    const collected = (async () => {
      const lines = [];
      for await (const line of watchLines(response)) lines.push(line);
      return lines;
    })();
    clock.advance(5000);
    expect(await collected).toMatchObject([
      { type: "BOOKMARK", object: { metadata: { resourceVersion: fixture.store.resourceVersion } } },
    ]);
  });

  it("sends tables whose first has the columns", async () => {
    await create("w3");
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const response = await call.open(`${maps}?watch=1&labelSelector=watched%3Dw3`, { headers: { accept } });
    const lines = watchLines(response);
    const { value: added } = await lines.next();
    expect(added).toMatchObject({
      type: "ADDED",
      object: { kind: "Table", rows: [{ cells: ["w3", 0, expect.any(String)] }] },
    });
    expect(added?.object.columnDefinitions).toHaveLength(3);
    await fixture.store.delete("configmaps", "default", "w3");
    const { value: deleted } = await lines.next();
    expect(deleted).toMatchObject({ type: "DELETED", object: { columnDefinitions: null } });
    response.destroy();
  });

  it("cuts a watcher that does not read", async () => {
    const response = await call.open(`${maps}?watch=1&labelSelector=watched%3Dbig`);
    response.pause();
    const isCut = new Promise<void>((resolve) =>
      response
        .on("aborted", resolve)
        .on("error", () => undefined)
        .on("close", resolve),
    );
    const big = "x".repeat(500_000);
    await create("big");
    for (let i = 0; i < 60; i += 1) {
      await fixture.store.modify("configmaps", "default", "big", (map) => {
        map.data = { k: big, i: String(i) };
      });
    }
    response.resume();
    await isCut;
    expect(response.complete).toBe(false);
    expect((await call("GET", "/healthz")).status).toBe(200);
  });

  it("counts open watches, ends them when the server stops, and leaves nothing open", async () => {
    const other = await startFixture({ clock });
    const ask = clientOf(other);
    const response = await ask.open(`${maps}?watch=1`);
    response.resume();
    expect((await ask("GET", "/metrics")).text).toContain('apiserver_longrunning_requests{verb="WATCH"} 1');
    const ended = new Promise((resolve) => response.on("end", resolve));
    await Promise.all([other.stop(), other.stop()]);
    await ended;
    await expect(ask("GET", "/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
