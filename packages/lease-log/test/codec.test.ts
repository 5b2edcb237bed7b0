import { WireError } from "@coracle/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ack, Append, Heartbeat } from "../src/core/messages.ts";
import { decodeMessage, encodeAppend, encodeMessage } from "../src/driver/codec.ts";
import { checkBlock, collectEntries, encodeBlock, headOf, recordsOf, sliceBlock } from "../src/driver/entries.ts";
import type { Entry } from "../src/index.ts";

const number = fc.nat(2 ** 31);
const commands = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 12 });

describe("messages", () => {
  it("come back as they were sent", () => {
    const append: fc.Arbitrary<Append> = fc.record({
      type: fc.constant("append" as const),
      epoch: number,
      prev: fc.record({ epoch: number, index: number }),
      entries: fc.array(fc.record({ epoch: number, count: number }), { maxLength: 5 }),
      commit: number,
      echo: fc.double({ min: 0, max: 1e12, noNaN: true }),
    });
    fc.assert(
      fc.property(append, fc.uint8Array(), (message, rest) => {
        const decoded = decodeMessage(Buffer.concat([encodeAppend(message), rest]));
        expect(decoded.message).toEqual(message);
        expect(new Uint8Array(decoded.rest)).toEqual(rest);
      }),
    );
    const ack: Ack = {
      type: "ack",
      epoch: 3,
      session: 2,
      matched: 9,
      sentAt: 1.5,
      isLeaving: false,
      isFull: true,
      isComplete: true,
      confirms: 7.25,
    };
    expect(decodeMessage(encodeMessage(ack)).message).toEqual(ack);
    const inSync = { epoch: 3, version: 1, members: ["a", "b"] };
    const heartbeat: Heartbeat = {
      type: "heartbeat",
      epoch: 3,
      commit: 9,
      openIndex: 4,
      inSync,
      echo: 1,
      confirm: { until: 0, forMs: 1 },
    };
    expect(decodeMessage(encodeMessage(heartbeat)).message).toEqual(heartbeat);
  });

  it("of any other bytes are refused with a typed error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          const { message, rest } = decodeMessage(Buffer.from(bytes));
          if (message.type === "append") checkBlock(1, 3, rest);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("blocks", () => {
  it("hold their entries, whole and in part", () => {
    fc.assert(
      fc.property(commands, fc.nat(12), fc.nat(12), fc.integer({ min: 1, max: 200 }), (list, a, b, max) => {
        const block = checkBlock(10, list.length, encodeBlock(10, 7, list).bytes);
        expect(recordsOf(block)).toHaveLength(list.length);
        const from = 10 + (Math.min(a, b) % list.length);
        const to = Math.max(from, Math.min(10 + Math.max(a, b), 9 + list.length));
        const entries: Entry[] = [];
        collectEntries(sliceBlock(block, from, to), from, to, entries);
        expect(entries.map((entry) => new Uint8Array(entry.command))).toEqual(list.slice(from - 10, to - 9));
        expect(entries.map((entry) => entry.index)).toEqual(Array.from({ length: to - from + 1 }, (_, i) => from + i));
        const head = headOf(block, max);
        expect(head.count).toBeGreaterThan(0);
        expect(head.count === 1 || head.bytes.length <= max).toBe(true);
        checkBlock(head.first, head.count, head.bytes);
      }),
    );
  });
});
