import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { StreamError } from "../../src/streams/errors.ts";
import { SpdyConnection } from "../../src/streams/spdy/connection.ts";
import { dictionary } from "../../src/streams/spdy/dictionary.ts";
import { encodeFrame, type Frame } from "../../src/streams/spdy/frames.ts";
import { HeaderCodec, type Headers, readBlock } from "../../src/streams/spdy/headers.ts";
import { FrameParser } from "../../src/streams/spdy/parser.ts";
import type { SpdyStream } from "../../src/streams/spdy/stream.ts";

type KnownFrame = Exclude<Frame, { type: "unknown" }>;

const uint31 = fc.integer({ min: 0, max: 0x7fffffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const withHeaders = (type: "synStream" | "synReply" | "headers") =>
  fc.record({ type: fc.constant(type), streamId: uint31, fin: fc.boolean(), headers: bytes });

const frames: fc.Arbitrary<KnownFrame> = fc.oneof(
  withHeaders("synStream"),
  withHeaders("synReply"),
  withHeaders("headers"),
  fc.record({ type: fc.constant("rstStream" as const), streamId: uint31, status: uint32 }),
  fc.record({ type: fc.constant("settings" as const), initialWindowBytes: uint31 }),
  fc.record({ type: fc.constant("ping" as const), id: uint32 }),
  fc.record({ type: fc.constant("goAway" as const), lastStreamId: uint31, status: uint32 }),
  fc.record({ type: fc.constant("windowUpdate" as const), streamId: uint31, deltaBytes: uint31 }),
  fc.record({ type: fc.constant("data" as const), streamId: uint31, fin: fc.boolean(), data: bytes }),
);

/** Joins the parts of DATA frames, which depend on how the bytes were cut. */
function joined(parsed: readonly Frame[]): Frame[] {
  const result: Frame[] = [];
  let open: Frame | undefined;
  for (const frame of parsed) {
    if (frame.type === "data" && open?.type === "data" && open.streamId === frame.streamId && result.at(-1) === open)
      result[result.length - 1] = { ...frame, data: Buffer.concat([open.data, frame.data]) };
    else result.push(frame);
    open = result.at(-1);
  }
  return result;
}

function parseInPieces(whole: Buffer, sizes: readonly number[]): Frame[] {
  const parser = new FrameParser();
  const result: Frame[] = [];
  let offset = 0;
  for (const size of [...sizes, whole.length]) {
    result.push(...parser.push(whole.subarray(offset, offset + size)));
    offset += size;
  }
  return result;
}

describe("frames", () => {
  test("every frame survives being written, cut anywhere and read", () => {
    fc.assert(
      fc.property(
        fc.array(frames, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 64 }), { maxLength: 30 }),
        (list, sizes) => {
          const parsed = parseInPieces(Buffer.concat(list.map(encodeFrame)), sizes);
          expect(joined(parsed)).toEqual(joined(list));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("any bytes parse or fail with a StreamError, the same however they are cut", () => {
    const control = fc.tuple(fc.constantFrom(0x80030001, 0x80030004, 0x80030007, 0x80020001, 1), bytes);
    const input = fc.oneof(
      bytes,
      control.map(([word, rest]) => {
        const head = Buffer.alloc(8);
        head.writeUInt32BE(word, 0);
        head.writeUInt32BE(rest.length >> 1, 4);
        return Buffer.concat([head, rest]);
      }),
    );
    const outcome = (run: () => Frame[]): unknown => {
      try {
        return joined(run());
      } catch (error) {
        expect(error).toBeInstanceOf(StreamError);
        return "failed";
      }
    };
    fc.assert(
      fc.property(input, (data) => {
        const whole = outcome(() => parseInPieces(data, []));
        const cut = outcome(() =>
          parseInPieces(
            data,
            Array.from({ length: data.length }, () => 1),
          ),
        );
        expect(cut).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  test("an oversized control frame is refused before it is kept", () => {
    const head = Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]);
    expect(() => [...new FrameParser().push(head)]).toThrow(/exceeds 65536/);
  });
});

describe("headers", () => {
  test("the dictionary is SPDY/3's: its checksum is in every block's head", () => {
    expect(deflateSync(Buffer.alloc(4), { dictionary }).subarray(2, 6).toString("hex")).toBe("e3c6a7c2");
  });

  test("blocks survive compression, one after another", async () => {
    const codec = new HeaderCodec();
    const peer = new HeaderCodec();
    const blocks: Headers[] = [
      { streamtype: "error", port: "80", requestid: "0" },
      {},
      { streamtype: "data", port: "80" },
    ];
    for (const headers of blocks) expect(await peer.decode(await codec.encode(headers))).toEqual(headers);
    codec.close();
    peer.close();
  });

  test("any block is read or refused with a StreamError", () => {
    fc.assert(
      fc.property(bytes, (block) => {
        try {
          readBlock(block);
        } catch (error) {
          expect(error).toBeInstanceOf(StreamError);
        }
      }),
    );
  });

  test("a bomb and garbage are refused", async () => {
    const bomb = deflateSync(Buffer.alloc(4 << 20), { dictionary });
    await expect(new HeaderCodec().decode(bomb)).rejects.toMatchObject({ code: "TooLarge" });
    await expect(new HeaderCodec().decode(Buffer.from("garbage"))).rejects.toMatchObject({ code: "Protocol" });
  });
});

const open: { destroy(): void }[] = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** Two ends of one connection. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  open.push(
    near.on("error", () => {}),
    far,
  );
  return [near, far];
}

async function connections(): Promise<{ client: SpdyConnection; server: SpdyConnection }> {
  const [near, far] = await pair();
  return { client: new SpdyConnection(near, "client"), server: new SpdyConnection(far, "server") };
}

describe("connections", () => {
  test("streams carry megabytes both ways at once and end each direction by itself", async () => {
    const { client, server } = await connections();
    server.on("stream", (stream) => stream.pipe(stream));
    const payloads = [1, 2, 3].map((seed) => Buffer.alloc(1 << 20, `payload ${seed} `));
    const echoes = payloads.map((payload) => {
      const stream = client.open({ streamtype: "data" });
      stream.end(payload);
      return buffer(stream);
    });
    for (const [index, echo] of (await Promise.all(echoes)).entries()) expect(echo.equals(payloads[index]!)).toBe(true);
  });

  test("a stream nobody reads stops the sender, and its bytes arrive when it is read", async () => {
    const { client, server } = await connections();
    const accepted = once(server, "stream") as Promise<[SpdyStream]>;
    const stream = client.open({});
    const total = 4 << 20;
    let isSent = false;
    stream.end(Buffer.alloc(total), () => {
      isSent = true;
    });
    const [incoming] = await accepted;
    const reply = client.open({});
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSent).toBe(false);
    expect(incoming.readableLength).toBeLessThanOrEqual(512 * 1024);
    expect((await buffer(incoming)).length).toBe(total);
    reply.destroy();
  });

  test("destroying a stream resets its peer; closing the connection resets all", async () => {
    const { client, server } = await connections();
    const accepted = once(server, "stream") as Promise<[SpdyStream]>;
    const stream = client.open({});
    const [incoming] = await accepted;
    const failed = once(incoming, "error");
    stream.destroy();
    expect((await failed)[0]).toMatchObject({ code: "Reset" });
    const next = once(server, "stream") as Promise<[SpdyStream]>;
    client.open({});
    const [second] = await next;
    const ended = once(second, "error");
    client.close();
    expect((await ended)[0]).toMatchObject({ code: "Reset" });
  });

  test("answers a PING of the client and ends the connection on garbage, with a GOAWAY", async () => {
    const [near, far] = await pair();
    const server = new SpdyConnection(far, "server");
    const closed = once(server, "close");
    near.write(encodeFrame({ type: "ping", id: 7 }));
    near.write(encodeFrame({ type: "ping", id: 8 }));
    near.write(Buffer.from([0x80, 9, 0, 1, 0, 0, 0, 0]));
    const received: Frame[] = [];
    const parser = new FrameParser();
    near.on("data", (chunk: Buffer) => received.push(...parser.push(chunk)));
    await Promise.all([closed, once(near, "close")]);
    expect(received).toEqual([
      { type: "ping", id: 7 },
      { type: "goAway", lastStreamId: 0, status: 1 },
    ]);
  });

  test("a peer that keeps windows is not sent more than its window", async () => {
    const [near, far] = await pair();
    const server = new SpdyConnection(far, "server");
    const codec = new HeaderCodec();
    const accepted = once(server, "stream") as Promise<[SpdyStream]>;
    near.write(encodeFrame({ type: "settings", initialWindowBytes: 1000 }));
    near.write(encodeFrame({ type: "synStream", streamId: 1, fin: true, headers: await codec.encode({}) }));
    const [stream] = await accepted;
    const parser = new FrameParser();
    let received = 0;
    const whole = new Promise<void>((resolve) => {
      near.on("data", (chunk: Buffer) => {
        for (const frame of parser.push(chunk)) {
          if (frame.type !== "data") continue;
          received += frame.data.length;
          if (received === 1000) near.write(encodeFrame({ type: "windowUpdate", streamId: 1, deltaBytes: 500 }));
          expect(received).toBeLessThanOrEqual(1500);
          if (received === 1500) resolve();
        }
      });
    });
    stream.write(Buffer.alloc(5000));
    await whole;
    expect(stream.writableLength).toBe(5000);
    server.close();
  });

  test("ids out of order end the connection", async () => {
    const [near, far] = await pair();
    const server = new SpdyConnection(far, "server");
    const codec = new HeaderCodec();
    const closed = once(server, "close");
    near.write(encodeFrame({ type: "synStream", streamId: 2, fin: false, headers: await codec.encode({}) }));
    await closed;
  });
});

test("a stream that begins with its end is readable to that end", async () => {
  const [near, far] = await pair();
  const server = new SpdyConnection(far, "server");
  const accepted = once(server, "stream") as Promise<[SpdyStream]>;
  const headers = await new HeaderCodec().encode({ streamtype: "stdin" });
  near.write(encodeFrame({ type: "synStream", streamId: 1, fin: true, headers }));
  const [stream] = await accepted;
  expect(await text(stream)).toBe("");
  server.close();
});
