/** Clients that take too much, send nonsense, or send it slowly. */
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionLimits } from "../../src/apiserver/http/limits.ts";
import { type Client, clientOf } from "./client.ts";
import { type Fixture, startFixture } from "./fixture.ts";

const limits: Partial<ConnectionLimits> = {
  headTimeoutMs: 100,
  requestTimeoutMs: 200,
  checkEveryMs: 20,
  connections: 8,
};

let fixture: Fixture;
let call: Client;
beforeAll(async () => {
  fixture = await startFixture({ limits });
  call = clientOf(fixture);
});
afterAll(() => fixture.stop());

async function dial(): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port: fixture.server.port, ca: fixture.pki.caPem });
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("secureConnect", resolve).once("close", resolve));
  return socket;
}

/** All that the server says until it closes the connection. */
async function answerTo(socket: TLSSocket, ...texts: string[]): Promise<string> {
  let said = "";
  socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
  const closed = once(socket, "close");
  for (const text of texts) socket.write(text);
  await closed;
  return said;
}

const authorized = () => `Authorization: Bearer ${fixture.pki.adminToken}\r\n`;

describe("the server bears", () => {
  it("a head that is too long", async () => {
    const flood = Array.from({ length: 2000 }, (_, index) => `X-Flood-${index}: ${"x".repeat(60)}\r\n`).join("");
    expect(await answerTo(await dial(), `GET /api HTTP/1.1\r\nHost: a\r\n${flood}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("a head that never ends", async () => {
    expect(await answerTo(await dial(), "GET /api HTTP/1.1\r\nHost: a\r\n")).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("a body that never ends", async () => {
    const head = `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\n${authorized()}Content-Type: application/json\r\n`;
    const said = await answerTo(await dial(), `${head}Content-Length: 1000\r\n\r\n{`);
    expect(said).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it("bytes that are no HTTP", async () => {
    expect(await answerTo(await dial(), "\u0000\u0001 nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("more connections than it serves, and serves again when they have gone", async () => {
    const held = await Promise.all(Array.from({ length: 12 }, dial));
    expect(held.filter((socket) => socket.destroyed).length).toBeGreaterThanOrEqual(4);
    for (const socket of held) socket.destroy();
    await expect.poll(async () => (await call("GET", "/readyz").catch(() => undefined))?.status).toBe(200);
  });
});

describe("paths that lead elsewhere", () => {
  it.each([
    "/api/v1/namespaces/default/configmaps/..%2f..%2fsecrets",
    "/api/v1/namespaces/default/pods/%00/log",
    "/api/v1/namespaces/default/pods/a/log/..%2f..%2f..%2fetc%2fpasswd",
    "/api/v1/namespaces/%zz/pods/a",
    "//etc/passwd",
    "/logs/../../etc/passwd",
  ])("%s is refused", async (path) => {
    const { status, text } = await call("GET", path);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(text).not.toContain("root:");
  });

  it.each([
    ["configmaps", { metadata: { name: "a" }, data: { "../escape": "x" } }, /data\[\.\.\/escape\].*a valid config key/],
    ["configmaps", { metadata: { name: "../a" } }, /metadata\.name: Invalid value: "\.\.\/a"/],
    ["secrets", { metadata: { name: "a" }, data: { "..": "eA==" } }, /data\[\.\.\]/],
  ])("%s %j is refused", async (resource, body, reason) => {
    const answer = await call("POST", `/api/v1/namespaces/default/${resource}`, { body });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ reason: "Invalid", message: expect.stringMatching(reason) });
  });

  it.each([
    [{ name: "../v", emptyDir: {} }, { name: "../v", mountPath: "/x" }, "spec.volumes[0].name"],
    [{ name: "v", emptyDir: {} }, { name: "v", mountPath: "/x", subPath: "../../etc" }, "must not contain '..'"],
    [{ name: "v", emptyDir: {} }, { name: "v", mountPath: "/x", subPath: "/etc" }, "must be a relative path"],
    [
      { name: "v", configMap: { name: "c", items: [{ key: "k", path: "../../k" }] } },
      { name: "v", mountPath: "/x" },
      "must not contain '..'",
    ],
  ])("a pod with volume %j is refused", async (volume, mount, reason) => {
    const containers = [{ name: "main", image: "busybox", volumeMounts: [mount] }];
    const body = { metadata: { name: "p" }, spec: { volumes: [volume], containers } };
    const answer = await call("POST", "/api/v1/namespaces/default/pods", { body });
    expect(answer.text).toContain(reason);
    expect(answer.status).toBe(422);
  });
});
