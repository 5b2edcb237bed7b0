import { type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { decodeHuffman } from "../../src/etcd/http2/huffman.ts";
import { fragmentsOf } from "../../src/etcd/services/fragments.ts";
import { RawClient, type RunningServer, startServer } from "./testing.ts";

let server: RunningServer;
let client: RawClient;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = await startServer({ limits: { maxStreams: 20 } });
  client = new RawClient(server.port);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  client.close();
  await server.stop();
});

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function frame(type: number, flags: number, stream: number, payload: Buffer | string = ""): Buffer {
  const content = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(content.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, content]);
}

const settings = frame(4, 0, 0);

/** Sends bytes; resolves with all that came back once the server hung up. */
function send(...parts: Buffer[]): Promise<Buffer> {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  const received: Buffer[] = [];
  socket.on("data", (chunk) => received.push(chunk));
  socket.on("error", () => undefined);
  socket.write(Buffer.concat(parts));
  return new Promise((resolve) => socket.once("close", () => resolve(Buffer.concat(received))));
}

/** The code of the GOAWAY frame at the end of what came back. */
function goaway(received: Buffer): number {
  let at = 0;
  let code = -1;
  while (at + 9 <= received.length) {
    const length = received.readUIntBE(at, 3);
    if (received[at + 3] === 7) code = received.readUInt32BE(at + 13);
    at += 9 + length;
  }
  return code;
}

/** Of whole DATA frames. */
function dataBytes(received: Buffer): number {
  let bytes = 0;
  for (let at = 0; at + 9 <= received.length; ) {
    const length = received.readUIntBE(at, 3);
    if (received[at + 3] === 0) bytes += Math.min(length, received.length - at - 9);
    at += 9 + length;
  }
  return bytes;
}

/** A call's headers without compression. */
function headers(rows: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(rows.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}
const call = headers([
  [":method", "POST"],
  [":path", "/etcdserverpb.KV/Range"],
  ["content-type", "application/grpc"],
]);

describe("a client that breaks the protocol", () => {
  const rows: readonly (readonly [string, number, Buffer])[] = [
    ["a frame that is too long", 6, frame(0, 0, 1, Buffer.alloc(16_385))],
    ["data of no call", 1, frame(0, 0, 5, "x")],
    ["data of stream 0", 1, frame(0, 0, 0, "x")],
    ["headers on an even stream", 1, frame(1, 4, 2, call)],
    ["a continuation of nothing", 1, frame(9, 4, 1, call)],
    ["another frame in the middle of headers", 1, Buffer.concat([frame(1, 0, 1, call), frame(6, 0, 0, "12345678")])],
    [
      "headers that never end",
      11,
      Buffer.concat([frame(1, 0, 1, call), ...Array.from({ length: 20 }, () => frame(9, 0, 1))]),
    ],
    ["headers that cannot be read", 9, frame(1, 4, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
    ["padding longer than its frame", 1, frame(1, 12, 1, Buffer.from([200, 1, 2]))],
    ["a window of no bytes", 1, frame(8, 0, 0, Buffer.alloc(4))],
    ["a window beyond all bounds", 3, frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
    ["settings of half a row", 6, frame(4, 0, 0, "12345")],
    ["a ping of the wrong length", 6, frame(6, 0, 0, "1")],
    ["a push", 1, frame(5, 0, 1, "1234")],
    [
      "data after its end",
      5,
      Buffer.concat([frame(1, 4, 1, call), frame(0, 1, 1, "\0\0\0\0\x03\n\x01a"), frame(0, 0, 1, "x")]),
    ],
  ];
  it.each(rows)("%s: the connection ends with code %i", async (_name, code, bytes) => {
    expect(goaway(await send(preface, settings, bytes))).toBe(code);
  });

  it("or speaks HTTP/1 is told so", async () => {
    expect((await send(Buffer.from("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"))).toString()).toMatch(
      /^HTTP\/1.1 400 .*gRPC/s,
    );
  });

  it("or asks by HTTP/1 for metrics gets the one that `etcdctl check datascale` reads", async () => {
    expect((await send(Buffer.from("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))).toString()).toMatch(
      /^HTTP\/1.1 200 .*\r\n\r\nprocess_resident_memory_bytes \d{7,}\n$/s,
    );
  });

  it("or opens and resets calls without end is cut off", async () => {
    const pairs = Array.from({ length: 1200 }, (_, at) =>
      Buffer.concat([frame(1, 4, at * 2 + 1, call), frame(3, 0, at * 2 + 1, Buffer.alloc(4))]),
    );
    expect(goaway(await send(preface, settings, ...pairs))).toBe(11);
  });

  it("or widens and narrows its calls' window without end is cut off", async () => {
    const window = (size: number): Buffer => {
      const row = Buffer.alloc(6);
      row.writeUInt16BE(4);
      row.writeUInt32BE(size, 2);
      return frame(4, 0, 0, row);
    };
    const open = Array.from({ length: 10 }, (_, at) => frame(1, 4, at * 2 + 1, call));
    const changes = Array.from({ length: 1200 }, (_, at) => window(60_000 + (at % 2)));
    expect(goaway(await send(preface, settings, ...open, ...changes))).toBe(11);
  });

  it("in any way harms nobody else", async () => {
    let seed = 7;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      return seed / 0x7fffffff;
    };
    for (let round = 0; round < 60; round++) {
      const socket = connect(server.port, "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => undefined);
      const frames = Array.from({ length: 10 }, () =>
        frame(
          Math.floor(random() * 11),
          Math.floor(random() * 256),
          Math.floor(random() * 6),
          Buffer.from(Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256))),
        ),
      );
      socket.end(Buffer.concat([preface, settings, ...frames]));
      await new Promise((resolve) => socket.once("close", resolve).resume());
    }
    expect(await client.call("KV/Range", { key: Buffer.from("a") })).toHaveProperty("ok");
  });
});

describe("Node's own HTTP/2 client", () => {
  /** Status and gRPC status of one call made by hand. */
  function request(
    fields: Record<string, string>,
    body?: Buffer,
  ): Promise<{ status: number; grpc: string | undefined; message: string }> {
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    const stream: ClientHttp2Stream = session.request({ [constants.HTTP2_HEADER_METHOD]: "POST", ...fields });
    stream.end(body);
    const seen = { status: 0, grpc: undefined as string | undefined, message: "" };
    const note = (fields: Record<string, unknown>): void => {
      seen.status = Number(fields[":status"] ?? seen.status);
      if (fields["grpc-status"] !== undefined) seen.grpc = String(fields["grpc-status"]);
      seen.message = String(fields["grpc-message"] ?? seen.message);
    };
    stream.on("response", note).on("trailers", note).resume();
    return new Promise((resolve, reject) => {
      stream.on("error", reject);
      stream.on("close", () => {
        session.close();
        resolve(seen);
      });
    });
  }
  const grpc = { "content-type": "application/grpc", ":path": "/etcdserverpb.KV/Range" };

  it("gets HTTP's answers where it does not speak gRPC", async () => {
    expect(await request({ ":path": "/x" })).toMatchObject({ status: 415 });
    expect(await request({ ":path": "/x", ":method": "GET" })).toMatchObject({ status: 405 });
    expect(await request({ ...grpc, long: "x".repeat(15_000), longer: "y".repeat(3000) })).toMatchObject({
      status: 431,
    });
  });

  it("gets gRPC's answers where it does", async () => {
    expect(await request({ ...grpc, ":path": "/no.Service/Method" })).toMatchObject({ grpc: "12" });
    expect(await request(grpc)).toMatchObject({ grpc: "13" });
    expect(await request(grpc, Buffer.from([0, 0, 0, 0, 9, 1]))).toMatchObject({ grpc: "13" });
    expect(await request(grpc, Buffer.from([1, 0, 0, 0, 0]))).toMatchObject({ grpc: "12" });
    expect(await request(grpc, Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]))).toMatchObject({ grpc: "8" });
    expect(await request(grpc, Buffer.from([0, 0, 0, 0, 2, 0x0a, 0x7f]))).toMatchObject({ grpc: "13" });
    expect(await request(grpc, Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x61]))).toMatchObject({ status: 200, grpc: "0" });
  });

  it("may open no more calls at once than is allowed", async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    await new Promise<void>((resolve) => session.once("remoteSettings", () => resolve()));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(20);
    session.destroy();
  });
});

describe("large answers", () => {
  it("come through windows far smaller than they are", async () => {
    for (let at = 0; at < 40; at++)
      await client.answer("KV/Put", { key: Buffer.from(`big/${at}`), value: Buffer.alloc(200_000, at) });
    const { kvs } = await client.answer<{ kvs: { value: Buffer }[] }>("KV/Range", {
      key: Buffer.from("big/"),
      rangeEnd: Buffer.from("big0"),
    });
    expect(kvs.length).toBe(40);
    expect(kvs.every(({ value }) => value.length === 200_000 && value.every((byte) => byte === value[0]))).toBe(true);
  });

  it("never exceed the connection's window, whatever the call's is", async () => {
    await client.answer("KV/Put", { key: Buffer.from("wide"), value: Buffer.alloc(200_000) });
    const wideCalls = frame(4, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]));
    const ask = frame(0, 1, 1, Buffer.from([0, 0, 0, 0, 6, 0x0a, 4, ...Buffer.from("wide")]));
    const socket = connect(server.port, "127.0.0.1");
    sockets.push(socket);
    let received = Buffer.alloc(0);
    const seen = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        // The answer to the ping comes after whatever the windows let through.
        if (received.includes("answered")) resolve();
      });
    });
    socket.write(Buffer.concat([preface, wideCalls, frame(1, 4, 1, call), ask]));
    while (dataBytes(received) < 65_535) await new Promise((resolve) => socket.once("data", resolve));
    socket.write(frame(6, 0, 0, "answered"));
    await seen;
    expect(dataBytes(received)).toBe(65_535);
  });

  it("of a watch wait for a reader that stopped reading, and nothing is lost", async () => {
    const stream = client.stream("Watch/Watch");
    stream.write({ createRequest: { key: Buffer.from("slow") } });
    await new Promise((resolve) => stream.once("data", resolve));
    stream.pause();
    for (let at = 0; at < 60; at++)
      await client.answer("KV/Put", { key: Buffer.from("slow"), value: Buffer.alloc(200_000, at) });
    const seen: number[] = [];
    const done = new Promise<void>((resolve) => {
      stream.on("data", ({ events }: { events: { kv: { value: Buffer } }[] }) => {
        for (const { kv } of events) seen.push(kv.value[0]!);
        if (seen.length >= 60) resolve();
      });
    });
    stream.resume();
    await done;
    expect(seen).toEqual(Array.from({ length: 60 }, (_, at) => at));
    stream.cancel();
  });

  it("of a watch are cut into fragments where that is asked for", () => {
    const events = Array.from({ length: 10 }, (_, at) => ({ kv: { key: `${at}`, value: Buffer.alloc(400) } }));
    const parts = fragmentsOf(events, 1200);
    expect(parts.map((part) => part.length)).toEqual([2, 2, 2, 2, 2]);
    expect(parts.flat()).toEqual(events);
    expect(fragmentsOf([{ kv: { key: "", value: Buffer.alloc(9999) } }], 1200).length).toBe(1);
  });
});

describe("a watch's stream", () => {
  it("gives out ids, refuses one that is taken, cancels, and tells where it stands", async () => {
    const stream = client.stream("Watch/Watch");
    const answers: Record<string, unknown>[] = [];
    let waiting = (): void => {};
    stream.on("data", (answer) => {
      answers.push(answer);
      waiting();
    });
    const next = async (): Promise<Record<string, unknown>> => {
      while (answers.length === 0)
        await new Promise<void>((resolve) => {
          waiting = resolve;
        });
      return answers.shift()!;
    };
    stream.write({ createRequest: { key: Buffer.from("a") } });
    expect(await next()).toMatchObject({ watchId: "0", created: true, canceled: false });
    stream.write({ createRequest: { key: Buffer.from("a"), watchId: 7 } });
    expect(await next()).toMatchObject({ watchId: "7", created: true });
    stream.write({ createRequest: { key: Buffer.from("a"), watchId: 7 } });
    expect(await next()).toMatchObject({ watchId: "-1", created: true, canceled: true });
    stream.write({ createRequest: { key: Buffer.from("b"), rangeEnd: Buffer.from("a") } });
    expect(await next()).toMatchObject({ watchId: "-1", canceled: true });
    stream.write({ progressRequest: {} });
    expect(await next()).toMatchObject({ watchId: "-1", created: false, events: [] });
    stream.write({ cancelRequest: { watchId: 7 } });
    expect(await next()).toMatchObject({ watchId: "7", canceled: true });
    stream.end();
    await new Promise((resolve) => stream.once("end", resolve));
    expect(server.kv.status().watchers).toBe(0);
  });
});

describe("the Huffman code", () => {
  it("reads the examples of RFC 7541, appendix C", () => {
    const read = (hex: string): string => decodeHuffman(Buffer.from(hex, "hex"));
    expect(read("f1e3c2e5f23a6ba0ab90f4ff")).toBe("www.example.com");
    expect(read("a8eb10649cbf")).toBe("no-cache");
    expect(read("9d29ad171863c78f0b97c8e9ae82ae43d3")).toBe("https://www.example.com");
    expect(() => read("ffffffff")).toThrow();
    expect(() => read("0000")).toThrow();
  });
});
