import { expect, it } from "vitest";
import { muHashDigest, muHashElement, muHashPrime, muHashProduct } from "../../src/chain/muhash.ts";
import { hashText } from "../../src/primitives/hash.ts";

const element = (first: number): bigint => muHashElement(Buffer.from([first, ...Buffer.alloc(31)]));

/** By Fermat: only tests take elements out of a set. */
function inverse(value: bigint): bigint {
  let [power, result] = [value, 1n];
  for (let left = muHashPrime - 2n; left > 0n; left >>= 1n) {
    if (left & 1n) result = muHashProduct(result, power);
    power = muHashProduct(power, power);
  }
  return result;
}

it("gives the set of Bitcoin Core's unit test its hash, in any order", () => {
  const out = inverse(element(2));
  const expected = "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863";
  expect(hashText(muHashDigest([element(0), element(1), out].reduce(muHashProduct)))).toBe(expected);
  expect(hashText(muHashDigest([out, element(1), element(0)].reduce(muHashProduct)))).toBe(expected);
});

it("of nothing is that of one, and takes the prime for zero", () => {
  expect(muHashDigest(muHashPrime + 1n)).toEqual(muHashDigest(1n));
});
