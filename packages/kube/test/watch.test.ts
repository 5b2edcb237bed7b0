import type { ServerResponse } from "node:http";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterEach, expect, test } from "vitest";
import { createClient, type KubeWatch, resources, type WatchEvent, type WatchOptions } from "../src/index.ts";
import { fakeApi, json, type Seen, status } from "./fake-api.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const pod = (name: string, resourceVersion: string): Pod => ({ kind: "Pod", metadata: { name, resourceVersion } });
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const bookmark = (resourceVersion: string): string => line("BOOKMARK", { metadata: { resourceVersion } });

interface Script {
  /** One per list request; the last repeats. */
  readonly lists: readonly (readonly Pod[])[];
  /** One per watch request; a request beyond them stays open and silent. */
  readonly watches: readonly ((response: ServerResponse, seen: Seen) => void)[];
}

async function start({ lists, watches }: Script, options: WatchOptions = {}) {
  let listed = 0;
  let watched = 0;
  const api = await fakeApi((seen, response) => {
    if (seen.query.get("watch") !== "true") {
      const items = lists[Math.min(listed, lists.length - 1)];
      return json(response, { metadata: { resourceVersion: `${100 * ++listed}` }, items });
    }
    const answer = watches[watched++];
    if (answer) answer(response, seen);
    else response.writeHead(200).flushHeaders();
  });
  const kube = createClient(api.connection, { backoff: { minMs: 1, maxMs: 5 } });
  const watch = kube.watch(resources.pods, options);
  cleanups.push(
    api.stop,
    () => kube.close(),
    () => watch.stop(),
  );
  const positions = () => api.seen.filter((s) => s.query.has("watch")).map((s) => s.query.get("resourceVersion"));
  return { watch, positions, seen: api.seen };
}

const brief = (event: WatchEvent<Pod>): string =>
  event.type === "replaced"
    ? `=${event.objects.map((object) => object.metadata?.name)}`
    : `${event.type} ${event.object.metadata?.name}`;

async function take(watch: KubeWatch<Pod>, count: number): Promise<string[]> {
  const events: string[] = [];
  const iterator = watch[Symbol.asyncIterator]();
  while (events.length < count) events.push(brief((await iterator.next()).value));
  return events;
}

const send =
  (...lines: string[]) =>
  (response: ServerResponse) =>
    void response.writeHead(200).end(lines.join(""));

test("lists, then follows, then resumes from the last position when the server ends the request", async () => {
  const { watch, positions, seen } = await start(
    {
      lists: [[pod("a", "1")]],
      watches: [
        send(line("ADDED", pod("b", "101")), line("DELETED", pod("a", "102"))),
        send(bookmark("150")),
        send(line("MODIFIED", pod("b", "160"))),
      ],
    },
    { labelSelector: "app=x" },
  );
  expect(await take(watch, 4)).toEqual(["=a", "added b", "deleted a", "modified b"]);
  expect(positions().slice(0, 3)).toEqual(["100", "102", "150"]);
  expect(seen.every(({ query }) => query.get("labelSelector") === "app=x")).toBe(true);
  expect(seen[1]?.query.get("allowWatchBookmarks")).toBe("true");
  expect(watch.silentMs()).toBeLessThan(Number.POSITIVE_INFINITY);
});

test.each([
  ["by the status of the answer", (response: ServerResponse) => json(response, status(410, "Expired"), 410)],
  ["by an event", send(line("ERROR", status(410, "Expired")))],
])("lists again when its position is gone, told %s", async (_, gone) => {
  const { watch, positions } = await start({
    lists: [[pod("a", "1")], [pod("c", "5")]],
    watches: [gone, send(line("ADDED", pod("d", "201")))],
  });
  expect(await take(watch, 3)).toEqual(["=a", "=c", "added d"]);
  expect(positions().slice(0, 2)).toEqual(["100", "200"]);
});

test("resumes where it was after a broken connection, a failing server, and a line cut in two", async () => {
  const interrupts: string[] = [];
  const { watch, positions } = await start(
    {
      lists: [[]],
      watches: [
        (response) => {
          response.writeHead(200);
          response.write(`${line("ADDED", pod("a", "101"))}{"type":"ADD`, () => response.destroy());
        },
        (response) => json(response, status(500, "InternalError"), 500),
        (response) => {
          const text = line("ADDED", pod("b", "102"));
          response.writeHead(200);
          response.write(text.slice(0, 20), () => setImmediate(() => response.end(text.slice(20))));
        },
      ],
    },
    { onInterrupt: (error) => interrupts.push((error as { code?: string }).code ?? "") },
  );
  expect(await take(watch, 3)).toEqual(["=", "added a", "added b"]);
  expect(positions().slice(0, 3)).toEqual(["100", "101", "101"]);
  expect(interrupts).toEqual(["unreachable", "server"]);
});

test("cuts a connection that has gone silent", async () => {
  const { watch, positions } = await start(
    {
      lists: [[]],
      watches: [(response) => response.writeHead(200).write(bookmark("120")), send(line("ADDED", pod("a", "121")))],
    },
    { idleMs: 40 },
  );
  expect(await take(watch, 2)).toEqual(["=", "added a"]);
  expect(positions().slice(0, 2)).toEqual(["100", "120"]);
});

test("ends with its signal, whatever it is doing", async () => {
  const abort = new AbortController();
  const { watch } = await start({ lists: [[]], watches: [] }, { signal: abort.signal });
  const seen: string[] = [];
  for await (const event of watch) {
    seen.push(brief(event));
    setImmediate(() => abort.abort());
  }
  expect(seen).toEqual(["="]);
});

test("ends when its reader stops reading", async () => {
  const { watch } = await start({ lists: [[pod("a", "1")]], watches: [] });
  for await (const _ of watch) break;
  expect(await watch[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
});

test("leaves no connection open", async () => {
  const connections = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCPSocket")).length;
  const { watch } = await start({ lists: [[pod("a", "1")]], watches: [send(line("ADDED", pod("b", "101")))] });
  expect(await take(watch, 2)).toEqual(["=a", "added b"]);
  expect(connections()).toBeGreaterThan(0);
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  for (let turns = 0; connections() > 0 && turns < 1000; turns++) await new Promise(setImmediate);
  expect(connections()).toBe(0);
});
