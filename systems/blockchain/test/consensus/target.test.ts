import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { devnet, regtest } from "../../src/consensus/params.ts";
import { blockSubsidy } from "../../src/consensus/subsidy.ts";
import { bitsOf, difficultyOf, hashNumber, meetsTarget, targetOf, workOf } from "../../src/consensus/target.ts";

describe("compact targets", () => {
  test.each([
    [0x01003456, undefined],
    [0x01123456, 0x12n],
    [0x02123456, 0x1234n],
    [0x03123456, 0x123456n],
    [0x04123456, 0x12345600n],
    [0x05009234, 0x92340000n],
    [0x04923456, undefined],
    [0x20123456, 0x123456n << 232n],
    [0x1d00ffff, 0xffffn << 208n],
    [0xff123456, undefined],
    [0, undefined],
  ])("%i", (bits, target) => {
    expect(targetOf(bits)).toBe(target);
  });

  test("survive a round trip", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: (1n << 255n) - 1n }), (target) => {
        const bits = bitsOf(target);
        const back = targetOf(bits) as bigint;
        expect(back <= target && target - back < (target >> 15n) + 1n).toBe(true);
        expect(bitsOf(back)).toBe(bits);
      }),
    );
  });

  test("stand for work and difficulty as Bitcoin Core counts them", () => {
    expect(workOf(0x207fffff)).toBe(2n);
    expect(workOf(0x1d00ffff)).toBe(0x100010001n);
    expect(workOf(0)).toBe(0n);
    expect(difficultyOf(0x1d00ffff)).toBe(1);
    expect(difficultyOf(0x1b0404cb)).toBeCloseTo(16307.420938523983, 9);
    expect(difficultyOf(0x207fffff)).toBe(4.6565423739069247e-10);
  });

  test("are met by hashes up to them only", () => {
    const bits = 0x1f00ffff;
    const at = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
    const target = targetOf(bits) as bigint;
    expect(hashNumber(at(target))).toBe(target);
    expect(meetsTarget(at(target), bits, bits)).toBe(true);
    expect(meetsTarget(at(target + 1n), bits, bits)).toBe(false);
    expect(meetsTarget(at(0n), 0x207fffff, bits)).toBe(false);
    expect(meetsTarget(at(0n), 0, bits)).toBe(false);
  });
});

describe("blockSubsidy", () => {
  test("halves", () => {
    expect([0, 149, 150, 300, 150 * 32, 150 * 33, 150 * 64, 150 * 100].map((h) => blockSubsidy(regtest, h))).toEqual([
      50e8, 50e8, 25e8, 12.5e8, 1, 0, 0, 0,
    ]);
  });

  test("never gives more than 21 million coins", () => {
    let total = 0;
    for (let halving = 0; halving < 40; halving++) {
      total += blockSubsidy(devnet, halving * devnet.halvingInterval) * devnet.halvingInterval;
    }
    expect(total).toBeLessThan(21e6 * 1e8);
    expect(total).toBeGreaterThan(20.99e6 * 1e8);
  });
});
