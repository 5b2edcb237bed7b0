/** Whatever is thrown at scripts, they end with a verdict. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Checker } from "../../src/script/checker.ts";
import { TransactionChecker } from "../../src/script/checker.ts";
import { scriptFlag } from "../../src/script/flags.ts";
import { verifyScript } from "../../src/script/interpreter.ts";
import { op } from "../../src/script/opcodes.ts";
import {
  decodeNumber,
  encodeNumber,
  findAndDelete,
  isMinimalNumber,
  isMinimalPush,
  isPushOnly,
  pushNumber,
  pushOf,
  ScriptCursor,
} from "../../src/script/parse.ts";
import { checkSignatureEncoding, isStrictDer, parseDerLax } from "../../src/script/signature-encoding.ts";
import { sigOpCount } from "../../src/script/sigops.ts";
import { Spending } from "../../src/script/spending.ts";
import { trimFlags } from "./transaction-cases.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** Scripts that mostly do something: known opcodes, small numbers, pushes, and now and then any byte. */
const word = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...Object.values(op)).map((code) => Buffer.from([code])) },
  { weight: 4, arbitrary: fc.integer({ min: -2, max: 20 }).map(pushNumber) },
  { weight: 2, arbitrary: bytes(80).map(pushOf) },
  { weight: 1, arbitrary: bytes(3) },
);
const script = fc.array(word, { maxLength: 30 }).map((words) => Buffer.concat(words));
const program = fc
  .tuple(fc.constantFrom(0, 0x51, 0x52), fc.constantFrom(2, 20, 32, 33), bytes(40))
  .map(([version, size, data]) =>
    Buffer.concat([Buffer.from([version, size]), Buffer.concat([data, Buffer.alloc(40)]).subarray(0, size)]),
  );
const flags = fc.integer({ min: 0, max: (1 << 21) - 1 }).map(trimFlags);

const accepting: Checker = {
  checkEcdsa: () => true,
  checkSchnorr: () => undefined,
  checkTweak: () => true,
  checkLockTime: () => true,
  checkSequence: () => true,
};

const real = new TransactionChecker(
  new Spending(
    {
      version: 2,
      inputs: [{ prevout: { hash: Buffer.alloc(32), index: 1 }, script: Buffer.alloc(0), sequence: 1, witness: [] }],
      outputs: [],
      lockTime: 5,
    },
    [{ value: 1, script: Buffer.alloc(0) }],
  ),
  0,
);

describe("any script", () => {
  const input = fc.record({
    script,
    witness: fc.array(fc.oneof(bytes(70), script), { maxLength: 5 }),
    spent: fc.oneof(script, program),
  });

  test.each([
    ["with signatures that all pass", accepting],
    ["with real checks", real],
  ])("%s ends with a verdict", (_, checker) => {
    const verdicts = new Set<string>();
    fc.assert(
      fc.property(input, flags, (one, bits) => {
        const verdict = verifyScript(one, bits, checker) ?? "OK";
        expect(verdict).toMatch(/^[A-Z_0-9]+$/);
        verdicts.add(verdict);
      }),
      { numRuns: 1500 },
    );
    // Else the scripts made up end too early to prove anything.
    expect(verdicts.size).toBeGreaterThan(8);
  });

  test("that fails by some rules fails by more", () => {
    fc.assert(
      fc.property(input, flags, flags, (one, some, others) => {
        const all = some | others | (some & scriptFlag.WITNESS ? scriptFlag.P2SH : 0);
        const failed = verifyScript(one, trimFlags(some), accepting) !== undefined;
        if (failed) expect(verifyScript(one, trimFlags(all), accepting)).toBeDefined();
      }),
      { numRuns: 1500 },
    );
  });

  test("in a tapscript ends with a verdict", () => {
    const control = Buffer.concat([Buffer.from([0xc0]), Buffer.alloc(32, 1)]);
    const spent = Buffer.concat([Buffer.from([0x51, 32]), Buffer.alloc(32, 2)]);
    const verdicts = new Set<string>();
    fc.assert(
      fc.property(fc.array(bytes(70), { maxLength: 4 }), script, flags, (items, leaf, bits) => {
        const witness = [...items, leaf, control];
        verdicts.add(verifyScript({ script: Buffer.alloc(0), witness, spent }, bits | 0x20801, accepting) ?? "OK");
      }),
      { numRuns: 1500 },
    );
    expect(verdicts.size).toBeGreaterThan(8);
  });
});

describe("parsers of scripts", () => {
  test("take any bytes", () => {
    fc.assert(
      fc.property(bytes(600), bytes(4), (data, part) => {
        isPushOnly(data);
        expect(sigOpCount(data, true)).toBeLessThanOrEqual(data.length * 20);
        expect(findAndDelete(data, part).length).toBeLessThanOrEqual(data.length);
        const cursor = new ScriptCursor(data);
        while (!cursor.atEnd && cursor.next()) expect(cursor.offset).toBeLessThanOrEqual(data.length);
      }),
    );
  });

  test("push what they are given, minimally", () => {
    fc.assert(
      fc.property(fc.oneof(bytes(80), bytes(600), fc.constant(Buffer.alloc(70_000))), (data) => {
        const cursor = new ScriptCursor(pushOf(data));
        expect(cursor.next()).toBe(true);
        expect(cursor.data?.equals(data)).toBe(true);
        expect(cursor.atEnd).toBe(true);
        if (data.length > 1) expect(isMinimalPush(cursor.code, data)).toBe(true);
      }),
    );
  });

  test("keep numbers", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 39) + 1, max: 2 ** 39 - 1 }), (value) => {
        const encoded = encodeNumber(value);
        expect(decodeNumber(encoded)).toBe(value);
        expect(isMinimalNumber(encoded)).toBe(true);
        expect(isMinimalNumber(Buffer.concat([encoded, Buffer.from([0, 0])]))).toBe(false);
      }),
    );
  });
});

describe("signatures", () => {
  test("of any bytes are read or not", () => {
    fc.assert(
      fc.property(bytes(80), (data) => {
        const compact = parseDerLax(data);
        expect(compact === undefined || compact.length === 64).toBe(true);
        checkSignatureEncoding(data, (1 << 21) - 1);
      }),
      { numRuns: 2000 },
    );
  });

  test("in strict DER are read as they are written", () => {
    const integer = fc.uint8Array({ minLength: 1, maxLength: 32 }).filter((digits) => digits[0] !== 0);
    const der = (digits: Uint8Array): Buffer => {
      const positive = (digits[0] as number) & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : Buffer.from(digits);
      return Buffer.concat([Buffer.from([2, positive.length]), positive]);
    };
    const padded = (digits: Uint8Array): Buffer => Buffer.concat([Buffer.alloc(32 - digits.length), digits]);
    fc.assert(
      fc.property(integer, integer, (r, s) => {
        // Those of the curve's order and above begin with four bytes of 255.
        fc.pre(!(r.length === 32 && r[0] === 255) && !(s.length === 32 && s[0] === 255));
        const body = Buffer.concat([der(r), der(s)]);
        const sig = Buffer.concat([Buffer.from([0x30, body.length]), body]);
        expect(isStrictDer(Buffer.concat([sig, Buffer.from([1])]))).toBe(true);
        expect(parseDerLax(sig)).toEqual(Buffer.concat([padded(r), padded(s)]));
      }),
    );
  });
});
