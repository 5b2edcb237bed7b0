import { WireError } from "@coracle/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Message } from "../src/core/messages.ts";
import { decodeEntries, decodeMessage, encodeEntries, encodeMessage } from "../src/driver/codec.ts";
import { membershipOf } from "./support/cores.ts";

const number = fc.nat(2 ** 31);
const content = fc.oneof(
  fc.record({ command: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) }),
  fc.constant({ membership: membershipOf("ab", "c") }),
  fc.constant({}),
);
const entries = fc
  .tuple(number, fc.array(fc.tuple(number, content), { maxLength: 8 }))
  .map(([first, list]) => list.map(([term, what], i) => ({ index: first + i, term, ...what })));

describe("entries", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(decodeEntries(encodeEntries(list, 3), 3, list[0]?.index ?? 0)).toEqual(list);
      }),
    );
  });
});

describe("messages", () => {
  it("come back as they were sent", () => {
    const flags = { isPre: fc.boolean(), isTransfer: fc.boolean() };
    const message: fc.Arbitrary<Message> = fc.oneof(
      fc.record({ type: fc.constant("vote" as const), term: number, lastIndex: number, lastTerm: number, ...flags }),
      fc.record({ type: fc.constant("heartbeat" as const), term: number, commit: number, round: number }),
      fc.record({ type: fc.constant("append-reply" as const), term: number, match: number }),
      fc.record({
        type: fc.constant("vote-reply" as const),
        term: number,
        isPre: fc.boolean(),
        isGranted: fc.boolean(),
      }),
      fc.record({
        type: fc.constant("append-reject" as const),
        term: number,
        prevIndex: number,
        hintIndex: number,
        hintTerm: number,
      }),
      fc.record({ type: fc.constant("heartbeat-reply" as const), term: number, round: number }),
      fc.record({ type: fc.constantFrom("timeout-now" as const, "stale" as const, "removed" as const), term: number }),
      fc.tuple(entries, number).map(([list, term]) => {
        const prevIndex = (list[0]?.index ?? 1) - 1;
        return {
          type: "append" as const,
          term,
          prevIndex: Math.max(0, prevIndex),
          prevTerm: 3,
          entries: list,
          commit: 9,
        };
      }),
    );
    fc.assert(
      fc.property(
        message.filter((it) => it.type !== "append" || it.prevIndex + 1 === (it.entries[0]?.index ?? it.prevIndex + 1)),
        (it) => {
          expect(decodeMessage(encodeMessage(it))).toEqual(it);
        },
      ),
    );
  });

  it("that make no sense are refused with a typed error", () => {
    const append = encodeMessage({
      type: "append",
      term: 1,
      prevIndex: 0,
      prevTerm: 0,
      commit: 0,
      entries: [{ index: 1, term: 1 }],
    });
    const wrong = fc.oneof(
      fc.constantFrom([], [10], [1], [3, 0, 0], [255, 1, 2, 3]).map((bytes) => Uint8Array.from(bytes)),
      fc.nat(append.length - 1).map((end) => append.subarray(0, end)),
      // A truth value that is neither.
      fc.integer({ min: 2, max: 255 }).map((byte) => Uint8Array.from([2, 0, 0, 0, 0, 0, 1, byte, 0])),
    );
    fc.assert(
      fc.property(wrong, (bytes) => {
        expect(() => decodeMessage(Buffer.from(bytes))).toThrow(WireError);
      }),
      { numRuns: 1000 },
    );
  });

  it("are of these bytes and no others: whatever bytes are read are written the same again, or refused", () => {
    const some = fc.tuple(fc.nat(11), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(some, ([kind, rest]) => {
        const bytes = Buffer.from([kind, ...rest]);
        let message: Message;
        try {
          message = decodeMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
          return;
        }
        expect(encodeMessage(message)).toEqual(bytes);
      }),
      { numRuns: 3000 },
    );
  });
});
