import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WireError } from "../src/errors.ts";
import { type Frame, FrameParser, frameHeader } from "../src/frame.ts";

const frames = fc.array(
  fc.record({ type: fc.nat(15), channel: fc.nat(0xffff), payload: fc.uint8Array({ maxLength: 300 }) }),
  { maxLength: 12 },
);

function encode(list: readonly { type: number; channel: number; payload: Uint8Array }[]): Buffer {
  return Buffer.concat(list.flatMap((f) => [frameHeader(f.type as 5, f.channel, f.payload.length), f.payload]));
}

function parse(bytes: Buffer, cuts: readonly number[], max = 1 << 20): Frame[] {
  const parser = new FrameParser(() => max);
  const taken: Frame[] = [];
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const end = Math.min(bytes.length, Math.max(at, cut));
    parser.push(bytes.subarray(at, end), (frame) => taken.push(frame));
    at = end;
  }
  parser.push(bytes.subarray(at), (frame) => taken.push(frame));
  return taken;
}

describe("FrameParser", () => {
  it("returns what was encoded, however the bytes are cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(4000), { maxLength: 20 }), (list, cuts) => {
        const taken = parse(encode(list), cuts);
        expect(taken.map((f) => ({ ...f, payload: new Uint8Array(f.payload) }))).toEqual(list);
      }),
    );
  });

  it("survives or refuses any bytes, with a typed error and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 5 }), (bytes, cuts) => {
        try {
          parse(Buffer.from(bytes), cuts, 100);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("refuses a frame beyond the limit before it arrives", () => {
    expect(() => parse(Buffer.from("GET / HTTP/1.1\r\n"), [])).toThrow(/longer than the limit/);
  });
});
