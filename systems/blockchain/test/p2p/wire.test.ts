import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { regtest } from "../../src/consensus/params.ts";
import { P2pError } from "../../src/p2p/errors.ts";
import { LIMITS } from "../../src/p2p/limits.ts";
import { codecOf } from "../../src/p2p/wire/codecs.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../src/p2p/wire/frame.ts";
import { decodeMessage, encodeMessage, messageDecoder } from "../../src/p2p/wire/messages.ts";
import type { Message } from "../../src/p2p/wire/types.ts";

const { magic } = regtest;
const hash = (byte: number): Buffer => Buffer.alloc(32, byte);
const address = { host: "10.1.2.3", port: 2001, services: 9n };

const coinbase = regtest.genesis.transactions[0]!;
const witnessed = { ...coinbase, inputs: [{ ...coinbase.inputs[0]!, witness: [Buffer.from("ab", "hex")] }] };

const MESSAGES: readonly Message[] = [
  {
    command: "version",
    version: 70016,
    services: 9n,
    time: 1_700_000_000,
    receiver: address,
    sender: { host: "fd00::1", port: 1, services: 0n },
    nonce: 0xfedcba9876543210n,
    userAgent: "/test:1/",
    height: 7,
    relay: false,
  },
  { command: "verack" },
  { command: "wtxidrelay" },
  { command: "sendaddrv2" },
  { command: "sendheaders" },
  { command: "getaddr" },
  { command: "mempool" },
  { command: "ping", nonce: 1n },
  { command: "pong", nonce: 2n },
  { command: "addr", addresses: [{ ...address, time: 5 }] },
  {
    command: "addrv2",
    addresses: [
      { ...address, time: 5 },
      { host: "2001:db8::a:0:0:1", port: 9, services: 1n, time: 6 },
    ],
  },
  { command: "inv", items: [{ type: 1, hash: hash(1) }] },
  { command: "getdata", items: [{ type: 0x40000002, hash: hash(2) }] },
  { command: "notfound", items: [] },
  { command: "getheaders", version: 70016, locator: [hash(3), hash(4)], stop: hash(0) },
  { command: "getblocks", version: 70016, locator: [], stop: hash(9) },
  { command: "headers", headers: [regtest.genesis.header, regtest.genesis.header] },
  { command: "block", block: regtest.genesis },
  { command: "tx", transaction: witnessed },
  { command: "feefilter", feeRate: 1000n },
  { command: "sendcmpct", announce: true, version: 2n },
  {
    command: "cmpctblock",
    header: regtest.genesis.header,
    nonce: 0xfedcba9876543210n,
    shortIds: [1, 2 ** 48 - 1],
    prefilled: [
      { index: 0, transaction: coinbase },
      { index: 3, transaction: witnessed },
    ],
  },
  { command: "getblocktxn", hash: hash(5), indexes: [0, 1, 300, 65_535] },
  { command: "blocktxn", hash: hash(6), transactions: [coinbase, witnessed] },
];

const framesOf = (bytes: Buffer): Frame[] => [...messageDecoder(magic).push(bytes)];
const failure = (act: () => unknown): P2pError => {
  try {
    act();
  } catch (error) {
    if (error instanceof P2pError) return error;
  }
  throw expect.unreachable("no P2pError");
};

describe("messages", () => {
  it.each(MESSAGES.map((message) => [message.command, message] as const))("%s comes back as sent", (_, message) => {
    const [frame, ...rest] = framesOf(encodeMessage(magic, message));
    expect(rest).toEqual([]);
    expect(decodeMessage(frame!)).toEqual(message);
  });

  it("have the bytes that Bitcoin's have", () => {
    expect(encodeMessage(magic, { command: "verack" }).toString("hex")).toBe(
      `fabfb5da${Buffer.from("verack".padEnd(12, "\0")).toString("hex")}000000005df6e0e2`,
    );
    const ping = encodeMessage(magic, { command: "ping", nonce: 0x0102030405060708n });
    expect(ping.subarray(24).toString("hex")).toBe("0807060504030201");
  });

  it("of unknown commands are passed over", () => {
    expect(decodeMessage({ command: "merkleblock", payload: Buffer.alloc(3) })).toBeUndefined();
    expect(decodeMessage({ command: "constructor", payload: Buffer.alloc(3) })).toBeUndefined();
  });

  it("may be longer than this node knows, as later versions are", () => {
    const { payload } = framesOf(encodeMessage(magic, MESSAGES[0]!))[0]!;
    expect(decodeMessage({ command: "version", payload: Buffer.concat([payload, hash(0)]) })).toEqual(MESSAGES[0]);
  });

  it("with more elements than allowed are misbehaviour, not memory", () => {
    const items = Array.from({ length: LIMITS.inventory + 1 }, () => ({ type: 1, hash: hash(1) }));
    expect(failure(() => framesOf(encodeMessage(magic, { command: "inv", items }))).code).toBe("malformed");
    const headers = Array.from({ length: LIMITS.headers + 1 }, () => regtest.genesis.header);
    const payload = framesOf(encodeFrame(magic, "block", encodeMessage(magic, { command: "headers", headers })));
    expect(failure(() => decodeMessage({ command: "headers", payload: payload[0]!.payload.subarray(24) })).code).toBe(
      "misbehaving",
    );
  });

  it("with places beyond any block are malformed", () => {
    const payload = Buffer.concat([hash(5), Buffer.from("02fdffff00", "hex")]);
    expect(failure(() => decodeMessage({ command: "getblocktxn", payload })).code).toBe("malformed");
  });

  it("announce lists that can't be there: refused before anything is made", () => {
    const payload = Buffer.from("feffffff7f", "hex");
    expect(failure(() => decodeMessage({ command: "inv", payload })).code).toBe("malformed");
  });
});

describe("frames", () => {
  const bytes = Buffer.concat(MESSAGES.map((message) => encodeMessage(magic, message)));

  it("come out the same however the stream is cut", () => {
    const whole = framesOf(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        const decoder = messageDecoder(magic);
        const frames: Frame[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          frames.push(...decoder.push(Buffer.from(bytes.subarray(at, at + size))));
          at += size;
        }
        expect(frames).toEqual(whole);
        expect(decoder.heldBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["another network", (frame: Buffer) => frame.writeUInt32LE(1, 0), "unsuitable"],
    ["a wrong checksum", (frame: Buffer) => frame.writeUInt32LE(1, 20), "malformed"],
    ["a length beyond the command's", (frame: Buffer) => frame.writeUInt32LE(9, 16), "malformed"],
    ["a command with something after its zeros", (frame: Buffer) => frame.write("x", 15, "latin1"), "malformed"],
    ["a command of no letters", (frame: Buffer) => frame.fill(0, 4, 16), "malformed"],
  ])("with %s end the connection", (_, spoil, code) => {
    const frame = encodeMessage(magic, { command: "ping", nonce: 1n });
    spoil(frame);
    expect(failure(() => framesOf(frame)).code).toBe(code);
  });

  it("take no room before their bytes come", () => {
    const decoder = new FrameDecoder(magic);
    const header = encodeFrame(magic, "block", Buffer.alloc(4_000_000)).subarray(0, 24);
    expect([...decoder.push(header)]).toEqual([]);
    expect(decoder.heldBytes).toBe(0);
  });
});

describe("parsers", () => {
  it("never fail but by a P2pError", () => {
    const commands = fc.constantFrom(...MESSAGES.map(({ command }) => command));
    fc.assert(
      fc.property(commands, fc.uint8Array({ maxLength: 300 }), (command, payload) => {
        try {
          decodeMessage({ command, payload: Buffer.from(payload) });
        } catch (error) {
          expect(error).toBeInstanceOf(P2pError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("survive every valid message with some bytes changed", () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...MESSAGES),
        fc.array(change, { minLength: 1, maxLength: 6 }),
        (message, changes) => {
          const { payload } = framesOf(encodeMessage(magic, message))[0]!;
          const spoilt = Buffer.from(payload);
          if (spoilt.length > 0) for (const [at, value] of changes) spoilt[at % spoilt.length] = value;
          try {
            decodeMessage({ command: message.command, payload: spoilt });
          } catch (error) {
            expect(error).toBeInstanceOf(P2pError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("know every message of the list", () => {
    expect(MESSAGES.filter(({ command }) => codecOf(command) === undefined)).toEqual([]);
  });
});
