import { connect, createServer, Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createEndpoint, type WireEndpoint, type WireHandlers, type WireOptions } from "../src/index.ts";

const open: WireEndpoint[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((endpoint) => endpoint.stop()));
});

async function endpoint(id: string, handlers: WireHandlers = {}, more: Partial<WireOptions> = {}) {
  const made = createEndpoint({
    protocol: "test/1",
    cluster: "blue",
    id,
    host: "127.0.0.1",
    port: 0,
    handlers,
    ...more,
    limits: { retryMinMs: 5, retryMaxMs: 20, ...more.limits },
  });
  open.push(made);
  await made.start();
  return made;
}

/** Resolves with the arguments of the first call of the returned function. */
function once<A extends unknown[]>(): { readonly call: (...args: A) => void; readonly called: Promise<A> } {
  let call: (...args: A) => void = () => {};
  const called = new Promise<A>((resolve) => {
    call = (...args) => resolve(args);
  });
  return { call, called };
}

async function pair(server: WireHandlers, client: WireHandlers = {}, more: Partial<WireOptions> = {}) {
  const up = once<[string]>();
  const b = await endpoint("b", server, more);
  const a = await endpoint("a", { ...client, up: up.call }, more);
  a.setPeers([{ id: "b", host: "127.0.0.1", port: b.port }]);
  await up.called;
  return { a, b };
}

describe("messages", () => {
  it("arrive in order, whole, in both directions", async () => {
    const last = once<[string, Buffer]>();
    const seen: number[] = [];
    const { a, b } = await pair(
      {
        message: (from, payload) => {
          seen.push(payload.readUInt32BE(0));
          if (seen.length === 1000) b.send(from, Buffer.from("all"), Buffer.from(" there"));
        },
      },
      { message: last.call },
    );
    for (let i = 0; i < 1000; i++) {
      const payload = Buffer.alloc(i % 50 === 0 ? 200_000 : 8);
      payload.writeUInt32BE(i, 0);
      expect(a.send("b", payload)).toBe(true);
    }
    const [from, payload] = await last.called;
    expect([from, payload.toString()]).toEqual(["b", "all there"]);
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it("are refused, not queued without bound, when the peer does not read", async () => {
    const { a, b } = await pair({}, {}, { limits: { maxBufferedBytes: 1 << 20, maxFrameBytes: 8 << 20 } });
    expect(b.port).toBeGreaterThan(0);
    let sent = 0;
    while (sent < 100 && a.send("b", Buffer.alloc(1 << 20))) sent++;
    expect(sent).toBeLessThan(100);
    expect(a.send("nobody", Buffer.alloc(1))).toBe(false);
  });
});

describe("requests", () => {
  it("are answered, fail with the remote reason, time out, and can be aborted", async () => {
    const aborted = once<[]>();
    const { a } = await pair({
      request: async (from, method, payload, signal) => {
        if (method === "echo") return Buffer.concat([Buffer.from(`${from}:`), payload]);
        if (method === "fail") throw new RangeError("no such thing");
        signal.addEventListener("abort", () => aborted.call());
        return new Promise(() => {});
      },
    });
    expect((await a.request("b", "echo", Buffer.from("x"))).toString()).toBe("a:x");
    await expect(a.request("b", "fail", Buffer.alloc(0))).rejects.toMatchObject({
      code: "remote",
      message: "no such thing",
    });
    const stop = new AbortController();
    const hanging = a.request("b", "hang", Buffer.alloc(0), { signal: stop.signal });
    stop.abort();
    await expect(hanging).rejects.toMatchObject({ code: "aborted" });
    await aborted.called;
    await expect(a.request("b", "hang", Buffer.alloc(0), { timeoutMs: 10 })).rejects.toMatchObject({ code: "timeout" });
    await expect(a.request("c", "echo", Buffer.alloc(0))).rejects.toMatchObject({ code: "unreachable" });
  });

  it("fail when the connection ends", async () => {
    const { a, b } = await pair({ request: () => new Promise(() => {}) });
    const hanging = a.request("b", "hang", Buffer.alloc(0));
    await b.stop();
    await expect(hanging).rejects.toMatchObject({ code: "unreachable" });
  });
});

describe("streams", () => {
  it("carry everything with back-pressure, and messages overtake them", async () => {
    const gate = once<[]>();
    const message = once<[]>();
    let received = 0;
    let produced = 0;
    const { a } = await pair({
      message: () => message.call(),
      stream: async (_from, header, chunks) => {
        expect(header.toString()).toBe("snapshot");
        await gate.called;
        for await (const chunk of chunks) received += chunk.length;
      },
    });
    async function* chunks() {
      for (let i = 0; i < 40; i++) {
        produced++;
        yield Buffer.alloc(256 << 10, i);
      }
    }
    const done = a.stream("b", Buffer.from("snapshot"), chunks());
    a.send("b", Buffer.from("heartbeat"));
    await message.called;
    expect(produced).toBeLessThan(10);
    gate.call();
    await done;
    expect(received).toBe(40 * (256 << 10));
  });

  it("end on both sides when either gives up", async () => {
    const failed = once<[unknown]>();
    const { a } = await pair({
      stream: async (_from, header, chunks) => {
        if (header.toString() === "refuse") throw new RangeError("not now");
        try {
          for await (const _ of chunks);
        } catch (error) {
          failed.call(error);
          throw error;
        }
      },
    });
    async function* endless() {
      while (true) yield Buffer.alloc(1000);
    }
    await expect(a.stream("b", Buffer.from("refuse"), endless())).rejects.toMatchObject({ message: "not now" });
    async function* broken() {
      yield Buffer.alloc(10);
      throw new RangeError("disk");
    }
    await expect(a.stream("b", Buffer.from("x"), broken())).rejects.toThrow("disk");
    expect((await failed.called)[0]).toMatchObject({ code: "aborted" });
  });
});

describe("handshake", () => {
  it.each([
    ["protocol", { protocol: "test/2" }, /its protocol is "test\/2", here it is "test\/1"/],
    ["cluster", { cluster: "red" }, /its cluster is "red", here it is "blue"/],
  ])("refuses another %s and says so", async (_, more, message) => {
    const b = await endpoint("b");
    const down = once<[string, Error]>();
    const a = await endpoint("a", { down: down.call }, more);
    a.setPeers([{ id: "b", host: "127.0.0.1", port: b.port }]);
    const [peer, reason] = await down.called;
    expect(peer).toBe("b");
    expect(reason).toMatchObject({ code: "refused", message: expect.stringMatching(message) });
  });

  it("does not take one peer for another behind a stale address", async () => {
    const b = await endpoint("b");
    const down = once<[string, Error]>();
    const a = await endpoint("a", { down: down.call });
    a.setPeers([{ id: "c", host: "127.0.0.1", port: b.port }]);
    expect((await down.called)[1].message).toBe("the address of c leads to b");
  });

  it("closes on a stranger's bytes", async () => {
    const b = await endpoint("b");
    const socket = connect(b.port, "127.0.0.1");
    socket.resume();
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    expect(b.isConnected("a")).toBe(false);
  });
});

describe("connections", () => {
  it("come back after a restart of the peer, at another address", async () => {
    const ups: string[] = [];
    let onUp = () => {};
    const first = await endpoint("b");
    const a = await endpoint("a", {
      up: (peer) => {
        ups.push(peer);
        onUp();
      },
    });
    const next = () => new Promise<void>((resolve) => (onUp = resolve));
    let up = next();
    a.setPeers([{ id: "b", host: "127.0.0.1", port: first.port }]);
    await up;
    up = next();
    await first.stop();
    const second = await endpoint("b");
    a.setPeers([{ id: "b", host: "127.0.0.1", port: second.port }]);
    await up;
    expect(ups).toEqual(["b", "b"]);
    expect(a.isConnected("b")).toBe(true);
  });
});

describe("connections made elsewhere", () => {
  it("are handed in with what was read of them, and made by `connect`, again after they end", async () => {
    const arrived: string[] = [];
    const b = await endpoint(
      "b",
      { message: (from, payload) => arrived.push(`${from} ${payload}`) },
      { listen: false },
    );
    expect(b.port).toBe(0);
    const taken: Socket[] = [];
    const server = createServer((socket) => {
      taken.push(socket);
      socket.once("data", (head) => b.accept(socket, head));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const dialled: string[] = [];
    const a = await endpoint(
      "a",
      {},
      {
        listen: false,
        connect: async ({ id }) => {
          dialled.push(id);
          if (dialled.length === 1) throw new RangeError("not yet");
          return connect({ host: "127.0.0.1", port });
        },
      },
    );
    a.setPeers([{ id: "b", host: "b.example", port: 1 }]);
    await expect.poll(() => a.send("b", Buffer.from("one")), { timeout: 10_000 }).toBe(true);
    await expect.poll(() => arrived, { timeout: 10_000 }).toEqual(["a one"]);
    taken[0]?.destroy();
    await expect
      .poll(() => a.send("b", Buffer.from("two")) && arrived.includes("a two"), { timeout: 10_000 })
      .toBe(true);
    await a.stop();
    await b.stop();
    await new Promise((resolve) => server.close(resolve));
  });

  it("that come too late are ended", async () => {
    let resolve: (socket: Socket) => void = () => {};
    const late = new Promise<Socket>((made) => {
      resolve = made;
    });
    const a = await endpoint("a", {}, { listen: false, connect: () => late });
    a.setPeers([{ id: "b", host: "b.example", port: 1 }]);
    await a.stop();
    const socket = new Socket();
    resolve(socket);
    await expect.poll(() => socket.destroyed, { timeout: 10_000 }).toBe(true);
  });
});
