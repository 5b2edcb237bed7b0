/** JSON-RPC over real sockets, asked by those who mean it no good. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@coracle/pod";
import { describe, expect, it, onTestFinished } from "vitest";
import { openAccess } from "../../src/rpc/server/access.ts";
import { startRpcServer } from "../../src/rpc/server/server.ts";

interface Served {
  readonly port: number;
  readonly calls: string[];
  readonly authorization: string;
  ask(body: string, more?: { readonly path?: string; readonly authorization?: string }): Promise<Response>;
}

/** Answers each method with its name; `stuck` waits until its caller hangs up. */
async function serve(): Promise<Served> {
  const dir = await mkdtemp(join(tmpdir(), "blockchain-rpc-"));
  const access = await openAccess(join(dir, ".cookie"), "ann", "pass:word");
  const calls: string[] = [];
  const invoke = async (method: string, _params: unknown, { signal }: { readonly signal: AbortSignal }) => {
    calls.push(method);
    if (method === "stuck" && !signal.aborted) await once(signal, "abort");
    return method;
  };
  const rpc = await startRpcServer({ host: "127.0.0.1", port: 0, access, invoke, logger: silentLogger });
  onTestFinished(async () => {
    await rpc.stop();
    await access.close();
    await rm(dir, { recursive: true, force: true });
  });
  const own = `Basic ${Buffer.from(await readFile(join(dir, ".cookie"), "utf8")).toString("base64")}`;
  return {
    port: rpc.port,
    calls,
    authorization: own,
    ask: (body, { path = "/", authorization = own } = {}) =>
      fetch(`http://127.0.0.1:${rpc.port}${path}`, { method: "POST", body, headers: { authorization } }),
  };
}

const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString("base64")}`;
const call = (method: string): string => JSON.stringify({ jsonrpc: "2.0", id: 1, method });

async function dial({ port }: Served, text = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

describe("JSON-RPC", () => {
  it("runs nothing for those whose key is wrong, however wrong", async () => {
    const server = await serve();
    const wrong = [
      "",
      "Basic",
      "Basic !!!",
      basic("ann:"),
      basic("ann:pass"),
      basic("ann:pass:wor"),
      basic("ANN:pass:word"),
    ];
    const others = [
      "Bearer ann:pass:word",
      basic("__cookie__:"),
      basic("a".repeat(10_000)),
      `${server.authorization}AA==`,
    ];
    for (const authorization of [...wrong, ...others]) {
      const response = await server.ask(call("getblockcount"), { authorization });
      expect([authorization, response.status]).toEqual([authorization, 401]);
      expect(await response.text()).toBe("");
    }
    expect(server.calls).toEqual([]);
    expect((await server.ask(call("a"), { authorization: basic("ann:pass:word") })).status).toBe(200);
  });

  it.each(["//", "/wallet/%", "/wallet/%ff", "/wallet/a/b", "/wallet/../x", "/x", "/wallet", "/%2f", "*"])(
    "knows no path %s, and says so",
    async (path) => {
      const server = await serve();
      const body = call("a");
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ${server.authorization}\r\n`;
      const socket = await dial(server, `${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      let answer = "";
      for await (const chunk of socket) answer += chunk;
      expect(answer).toMatch(/^HTTP\/1.1 (400|404) /);
      expect(server.calls).toEqual([]);
    },
  );

  it("takes no body beyond its bound, told or not, and no batch beyond its", async () => {
    const server = await serve();
    const large = "x".repeat(10 * 1024 * 1024 + 1);
    // The rest of it is not read, so that the client may find the connection gone before it has the answer.
    const status = await server.ask(large).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
    const head = `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nContent-Length: 99999999\r\n\r\n`;
    const [answer] = (await once(await dial(server, head), "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
    expect((await server.ask(`[${Array(1001).fill(call("a")).join(",")}]`)).status).toBe(400);
    expect(server.calls).toEqual([]);
    const batch = await server.ask(`[${Array(1000).fill(call("a")).join(",")}]`);
    expect(((await batch.json()) as unknown[]).length).toBe(1000);
  });

  it("is deaf to nesting, and goes on", async () => {
    const server = await serve();
    for (const body of ["[".repeat(100_000), `{"a":`.repeat(50_000), "[[[[]]]]", "null", '"x"', "\u0000", ""])
      expect((await server.ask(body)).status).toBeGreaterThanOrEqual(200);
    expect(await (await server.ask(call("a"))).json()).toMatchObject({ result: "a" });
  });

  it("refuses calls beyond those that may run at once, and frees the place of a caller that hangs up", async () => {
    const server = await serve();
    const abort = new AbortController();
    const { signal } = abort;
    const init = { method: "POST", body: call("stuck"), headers: { authorization: server.authorization }, signal };
    const stuck = Array.from({ length: 64 }, () =>
      fetch(`http://127.0.0.1:${server.port}/`, init).catch(() => undefined),
    );
    await expect.poll(() => server.calls.length, { timeout: 15_000 }).toBe(64);
    expect((await server.ask(call("a"))).status).toBe(503);
    abort.abort();
    await Promise.all(stuck);
    await expect.poll(async () => (await server.ask(call("a"))).status, { timeout: 15_000 }).toBe(200);
  });

  it("serves others while many say something half and wait", async () => {
    const server = await serve();
    for (let i = 0; i < 100; i++) await dial(server, "POST / HTTP/1.1\r\nHost: x\r\nAuthor");
    expect((await server.ask(call("a"))).status).toBe(200);
  });
});
