/** The HTTP interface against one real member: what it answers, and what it refuses. */
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessGroup } from "../../src/testing/process-group.ts";

let dir: string;
let group: ProcessGroup;
let base: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "whitewater-"));
  group = new ProcessGroup({ dir, size: 1, flags: ["--max-request-kib", "64"] });
  await group.startAll(1);
  base = `http://${group.endpoints[0]}`;
}, 60_000);
afterAll(async () => {
  await group?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly error?: { readonly code: string; readonly message: string } };
}

async function call(method: string, path: string, body?: string | Uint8Array): Promise<Answer> {
  const response = await fetch(base + path, { method, redirect: "manual", ...(body !== undefined && { body }) });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

describe("keys", () => {
  it("are written, read, and deleted with their revisions", async () => {
    const { body: written } = await call("PUT", "/v1/kv/colour", "blue");
    const { body } = await call("GET", "/v1/kv/colour");
    expect(body).toEqual({
      revision: written.revision,
      key: "colour",
      value: "blue",
      createRevision: written.revision,
      modRevision: written.revision,
      version: 1,
    });
    expect((await call("DELETE", "/v1/kv/colour")).body).toMatchObject({ deleted: 1 });
    expect(await call("GET", "/v1/kv/colour")).toMatchObject({ status: 404, body: { error: { code: "not-found" } } });
  });

  it("come as ranges, limited, and as they were", async () => {
    for (const n of [1, 2, 3]) await call("PUT", `/v1/kv/range%2F${n}`, `v${n}`);
    const { body: all } = await call("GET", "/v1/kv/range%2F?prefix");
    expect(all).toMatchObject({
      count: 3,
      more: false,
      kvs: [{ key: "range/1" }, { key: "range/2" }, { key: "range/3" }],
    });
    expect((await call("GET", "/v1/kv/range%2F?prefix&limit=2")).body).toMatchObject({ count: 3, more: true });
    await call("PUT", "/v1/kv/range%2F1", "new");
    expect((await call("GET", `/v1/kv/range%2F1?revision=${all.revision}`)).body).toMatchObject({ value: "v1" });
    expect((await call("DELETE", "/v1/kv/range%2F2?end=range%2F9")).body).toMatchObject({ deleted: 2 });
  });

  it("may be any bytes", async () => {
    const [key, value] = [Buffer.of(0, 255, 47), Buffer.of(200, 0, 1)];
    const path = `/v1/kv/${encodeURIComponent(key.toString("base64"))}?encoding=base64`;
    await call("PUT", path, value.toString("base64"));
    expect((await call("GET", path)).body).toMatchObject({
      key: key.toString("base64"),
      value: value.toString("base64"),
    });
    // Asked for as text it is not passed off as such.
    expect((await call("GET", "/v1/kv/%00%FF%2F")).body).toMatchObject({
      encoding: "base64",
      value: value.toString("base64"),
    });
    const raw = await fetch(`${base}/v1/kv/%00%FF%2F?raw`);
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(value);
  });

  it("are written only under the condition that is given", async () => {
    const { body } = await call("PUT", "/v1/kv/lock?if-revision=0", "me");
    expect(await call("PUT", "/v1/kv/lock?if-revision=0", "you")).toMatchObject({
      status: 409,
      body: { error: { code: "conflict", message: expect.stringContaining("Nothing was written") } },
    });
    expect((await call("DELETE", `/v1/kv/lock?if-revision=${body.revision}`)).body).toMatchObject({ deleted: 1 });
  });

  it("are watched from a revision on", async () => {
    const { body } = await call("PUT", "/v1/kv/seen", "1");
    const response = await fetch(`${base}/v1/watch/seen?revision=${body.revision}`);
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    await call("DELETE", "/v1/kv/seen");
    let text = "";
    while (text.split("\n").length < 3) text += (await reader.read()).value ?? "";
    await reader.cancel();
    expect(
      text
        .split("\n")
        .slice(0, 2)
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { type: "put", key: "seen", value: "1" },
      { type: "delete", key: "seen" },
    ]);
  });
});

describe("what makes no sense is refused", () => {
  it.each([
    ["GET", "/v1/kv/", 400, "names no key"],
    ["GET", "/v1/kv/a?prefx", 400, "There is no ?prefx"],
    ["GET", "/v1/kv/a?limit=-1", 400, "whole number"],
    ["GET", "/v1/kv/%zz", 400, "percent-encoded"],
    ["GET", "/v1/kv/a?revision=999999999", 400, "future revision"],
    ["PUT", "/v1/cluster", 405, "takes GET"],
    ["GET", "/v2/keys", 404, "nothing at"],
    ["POST", "/v1/members", 400, "name: the pod's name"],
    ["DELETE", "/v1/members/nobody", 404, "no member nobody"],
    ["DELETE", "/v1/members/w-0", 400, "the last voter"],
    ["POST", "/peer/membership", 400, "JSON"],
  ])("%s %s", async (method, path, status, message) => {
    const answer = await call(method, path);
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    expect(answer.body.error?.message).toContain(message);
  });

  it("a body that is too long, and the connection goes on", async () => {
    const answer = await call("PUT", "/v1/kv/large", Buffer.alloc(70 * 1024));
    expect(answer).toMatchObject({ status: 413, body: { error: { code: "too-large" } } });
    expect((await call("PUT", "/v1/kv/small", "fits")).status).toBe(200);
  });

  it("a key that is too long for a request's head", async () => {
    const answer = await call("GET", `/v1/kv/${"k".repeat(20_000)}`);
    expect(answer).toMatchObject({ status: 431, body: { error: { code: "too-large" } } });
  });

  it.each([
    "GARBAGE\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    "GET /peer/raft HTTP/1.1\r\nhost: x\r\nupgrade: whitewater-raft\r\nconnection: upgrade\r\n\r\n\u0000\u0001garbage",
  ])(
    "bytes from strangers: %j",
    async (bytes) => {
      const { port } = new URL(base);
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(bytes);
      socket.resume();
      await new Promise((resolve) => socket.once("close", resolve));
      expect((await call("GET", "/v1/cluster")).status).toBe(200);
    },
    30_000,
  );

  it("questions about membership that were made up", async () => {
    for (const question of [
      {},
      { from: 1 },
      { from: { id: "../x", name: "a", address: "b" }, ask: { kind: "join" } },
      [],
    ])
      expect((await call("POST", "/peer/membership", JSON.stringify(question))).status).toBe(400);
  });
});

it("answers probes and Prometheus on the same port", async () => {
  expect((await fetch(`${base}/healthz/ready`)).status).toBe(200);
  expect(await (await fetch(`${base}/metrics`)).text()).toMatch(/^whitewater_is_leader 1$/m);
});
