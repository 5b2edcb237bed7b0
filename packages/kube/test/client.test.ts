import { afterEach, describe, expect, test } from "vitest";
import { createClient, type KubeClient, KubeError, resources } from "../src/index.ts";
import { fakeApi, type Handler, json, status } from "./fake-api.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(handler: Handler) {
  const api = await fakeApi(handler);
  const kube = createClient(api.connection);
  cleanups.push(api.stop, () => kube.close());
  return { kube, seen: api.seen };
}

const { pods, leases, namespaces } = resources;
const lease = { metadata: { name: "a", namespace: "red" } };

test.each<[string, (kube: KubeClient) => Promise<unknown>, string, string, string?, string?]>([
  ["get", (kube) => kube.get(pods, "p"), "GET", "/api/v1/namespaces/blue/pods/p"],
  ["get elsewhere", (kube) => kube.get(pods, "p", { namespace: "x" }), "GET", "/api/v1/namespaces/x/pods/p"],
  ["get cluster-wide", (kube) => kube.get(namespaces, "n"), "GET", "/api/v1/namespaces/n"],
  ["list all", (kube) => kube.list(pods, { namespace: "*" }), "GET", "/api/v1/pods?limit=500"],
  [
    "list by label",
    (kube) => kube.list(pods, { labelSelector: "a=b,c" }),
    "GET",
    "/api/v1/namespaces/blue/pods?limit=500&labelSelector=a%3Db%2Cc",
  ],
  ["create", (kube) => kube.create(leases, lease), "POST", "/apis/coordination.k8s.io/v1/namespaces/red/leases"],
  [
    "replace",
    (kube) => kube.replace(leases, lease, { fieldManager: "me", dryRun: true }),
    "PUT",
    "/apis/coordination.k8s.io/v1/namespaces/red/leases/a?fieldManager=me&dryRun=All",
  ],
  [
    "replace the status",
    (kube) => kube.replace(pods, { metadata: { name: "p" } }, { subresource: "status" }),
    "PUT",
    "/api/v1/namespaces/blue/pods/p/status",
  ],
  [
    "merge patch",
    (kube) => kube.patch(pods, "p", {}),
    "PATCH",
    "/api/v1/namespaces/blue/pods/p",
    "application/merge-patch+json",
  ],
  [
    "JSON patch",
    (kube) => kube.patch(pods, "p", [], { type: "json" }),
    "PATCH",
    "/api/v1/namespaces/blue/pods/p",
    "application/json-patch+json",
  ],
  [
    "strategic patch",
    (kube) => kube.patch(pods, "p", {}, { type: "strategic" }),
    "PATCH",
    "/api/v1/namespaces/blue/pods/p",
    "application/strategic-merge-patch+json",
  ],
  [
    "apply",
    (kube) => kube.patch(pods, "p", {}, { type: "apply", force: true, fieldManager: "me" }),
    "PATCH",
    "/api/v1/namespaces/blue/pods/p?fieldManager=me&force=true",
    "application/apply-patch+yaml",
  ],
  [
    "delete",
    (kube) => kube.delete(pods, "p", { gracePeriodSeconds: 0, preconditions: { uid: "u" } }),
    "DELETE",
    "/api/v1/namespaces/blue/pods/p",
    "application/json",
    '{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}',
  ],
  [
    "raw",
    (kube) => kube.raw({ method: "POST", path: "/x?y=1", body: { z: 1 }, headers: { "x-a": "b" } }),
    "POST",
    "/x?y=1",
    "application/json",
    '{"z":1}',
  ],
])("%s", async (_, call, method, path, contentType, body) => {
  const { kube, seen } = await connect((_seen, response) => json(response, { items: [] }));
  await call(kube);
  const [first] = seen;
  const query = first?.query.toString();
  expect(first?.method).toBe(method);
  expect(query ? `${first?.path}?${query}` : first?.path).toBe(path);
  expect(first?.headers.authorization).toBe("Bearer t");
  if (contentType) expect(first?.headers["content-type"]).toBe(contentType);
  if (body) expect(first?.body).toBe(body);
});

describe("errors", () => {
  test.each([
    [404, "NotFound", "not-found"],
    [409, "Conflict", "conflict"],
    [409, "AlreadyExists", "already-exists"],
    [410, "Expired", "gone"],
    [403, "Forbidden", "forbidden"],
    [401, "Unauthorized", "unauthorized"],
    [422, "Invalid", "invalid"],
    [400, "BadRequest", "bad-request"],
    [500, "InternalError", "server"],
    [503, "ServiceUnavailable", "server"],
  ])("%i %s is %s", async (code, reason, expected) => {
    const { kube } = await connect((_seen, response) => json(response, status(code, reason, "because"), code));
    const error = await kube.get(pods, "p").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({ code: expected, status: code, reason });
    expect((error as Error).message).toBe("GET /api/v1/namespaces/blue/pods/p: because");
  });

  test("an answer that is no Status is quoted", async () => {
    const { kube } = await connect((_seen, response) => response.writeHead(502).end("bad gateway"));
    await expect(kube.get(pods, "p")).rejects.toMatchObject({ code: "server", message: /bad gateway/ });
  });

  test("a server that never answers is a timeout, and a half answer too", async () => {
    const { kube } = await connect(({ path }, response) => {
      if (path.endsWith("half")) response.writeHead(200).write("{");
    });
    await expect(kube.get(pods, "silent", { timeoutMs: 30 })).rejects.toMatchObject({ code: "timeout" });
    await expect(kube.get(pods, "half", { timeoutMs: 30 })).rejects.toMatchObject({ code: "timeout" });
  });

  test("a caller who gives up is told so", async () => {
    const { kube } = await connect(() => abort.abort(new Error("changed my mind")));
    const abort = new AbortController();
    await expect(kube.get(pods, "p", { signal: abort.signal })).rejects.toMatchObject({ code: "aborted" });
    await expect(kube.get(pods, "p", { signal: abort.signal })).rejects.toMatchObject({ code: "aborted" });
  });

  test("nobody listening is unreachable", async () => {
    const { kube } = await connect(() => undefined);
    await cleanups[0]?.();
    await expect(kube.get(pods, "p")).rejects.toMatchObject({ code: "unreachable", message: /can't be reached/ });
  });

  test("a PUT is not sent twice", async () => {
    const { kube, seen } = await connect(({ method }, response, request) =>
      method === "PUT" ? request.socket.destroy() : json(response, {}),
    );
    await kube.get(pods, "warm-up");
    await expect(kube.replace(leases, lease)).rejects.toMatchObject({ code: "unreachable" });
    expect(seen.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });

  test("a read over a connection that the server has closed meanwhile is sent again", async () => {
    let isFirst = true;
    const { kube, seen } = await connect(({ path }, response, request) => {
      if (path.endsWith("victim") && isFirst) {
        isFirst = false;
        request.socket.resetAndDestroy();
      } else json(response, { kind: "Pod" });
    });
    await kube.get(pods, "warm-up");
    await expect(kube.get(pods, "victim")).resolves.toEqual({ kind: "Pod" });
    expect(seen.map(({ path }) => path.split("/").at(-1))).toEqual(["warm-up", "victim", "victim"]);
  });

  test("a throttled call is sent again after what the server asks for", async () => {
    let calls = 0;
    const { kube } = await connect((_seen, response) => {
      if (++calls < 3) response.writeHead(429, { "retry-after": "0" }).end();
      else json(response, { kind: "Pod" });
    });
    await expect(kube.get(pods, "p")).resolves.toEqual({ kind: "Pod" });
  });

  test("a throttled call gives up when the wait is longer than its deadline", async () => {
    const { kube } = await connect((_seen, response) => response.writeHead(429, { "retry-after": "60" }).end());
    await expect(kube.get(pods, "p")).rejects.toMatchObject({ code: "too-many-requests", retryAfterSeconds: 60 });
  });
});

describe("lists", () => {
  const page = (names: string[], token?: string) => ({
    metadata: { resourceVersion: "7", continue: token ?? "" },
    items: names.map((name) => ({ metadata: { name } })),
  });

  test("come together from their pages", async () => {
    const { kube, seen } = await connect(({ query }, response) =>
      json(response, query.get("continue") === "next" ? page(["c"]) : page(["a", "b"], "next")),
    );
    const list = await kube.list(pods, { pageSize: 2 });
    expect(list.items.map((pod) => pod.metadata?.name)).toEqual(["a", "b", "c"]);
    expect(list.resourceVersion).toBe("7");
    expect(seen.map(({ query }) => query.get("limit"))).toEqual(["2", "2"]);
  });

  test("start over once when a page token has expired", async () => {
    let expired = 0;
    const { kube } = await connect(({ query }, response) => {
      if (!query.get("continue")) return json(response, page(["a"], "next"));
      return expired++ === 0 ? json(response, status(410, "Expired"), 410) : json(response, page(["b"]));
    });
    expect((await kube.list(pods)).items).toHaveLength(2);
  });

  test("come page by page", async () => {
    const { kube } = await connect(({ query }, response) =>
      json(response, query.get("continue") ? page(["b"]) : page(["a"], "next")),
    );
    const sizes = [];
    for await (const { items } of kube.pages(pods)) sizes.push(items.length);
    expect(sizes).toEqual([1, 1]);
  });
});

test("logs stream as they come, and the deadline covers only their start", async () => {
  const { kube, seen } = await connect((_seen, response) => {
    response.writeHead(200);
    response.write("one\n");
    setTimeout(() => response.end("two\n"), 60);
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of await kube.logs("p", { follow: true, tailLines: 3, timeoutMs: 30 })) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe("one\ntwo\n");
  expect(seen[0]?.query.toString()).toBe("follow=true&tailLines=3");
});
