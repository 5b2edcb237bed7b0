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
      fc.uint8Array({ maxLength: 80 }),
      fc.json().map((text) => Buffer.concat([Buffer.of(1), Buffer.from(text)])),
      fc
        .constantFrom(
          '{"type":"append"}',
          '{"type":"vote","term":1}',
          '{"type":"removed","term":-1}',
          '{"type":"__proto__","term":1}',
        )
        .map((text) => Buffer.concat([Buffer.of(1), Buffer.from(text)])),
      fc.nat(append.length - 1).map((end) => append.subarray(0, end)),
    );
    fc.assert(
      fc.property(wrong, (bytes) => {
        expect(() => decodeMessage(Buffer.from(bytes))).toThrow(WireError);
      }),
      { numRuns: 1000 },
    );
  });
});
