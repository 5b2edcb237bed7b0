import { describe, expect, it } from "vitest";
import { scriptOfAddress } from "../../src/address/address.ts";
import { regtest } from "../../src/consensus/params.ts";
import { type BuildOptions, buildTransaction, type SpendableCoin } from "../../src/wallet/spend/build.ts";
import { type SelectionGoal, selectCoins } from "../../src/wallet/spend/select.ts";
import { dustLimit, inputWeight } from "../../src/wallet/spend/weights.ts";

const script = scriptOfAddress("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", regtest);
const changeScript = Buffer.concat([Buffer.of(0, 20), Buffer.alloc(20, 1)]);
const goal: SelectionGoal = {
  target: 100_000,
  feeRate: 10,
  changeFee: 310,
  costOfChange: 990,
  minChange: 294,
  maxWeight: 400_000,
};
/** A coin whose effective value at 10 satoshis per byte is what is given. */
const worth = (effective: number) => ({
  coin: effective,
  value: effective + (inputWeight(84) / 4) * 10,
  weight: inputWeight(84),
});
const chosen = (values: readonly number[], changes: Partial<SelectionGoal> = {}) => {
  const selection = selectCoins(values.map(worth), { ...goal, ...changes });
  return (
    selection && {
      coins: selection.coins.map(({ coin }) => coin).sort((a, b) => b - a),
      hasChange: selection.hasChange,
    }
  );
};

describe("coin selection", () => {
  it("finds a set without change where there is one", () => {
    expect(chosen([70_000, 61_000, 39_500, 10_000, 500_000])).toEqual({ coins: [61_000, 39_500], hasChange: false });
    expect(chosen([100_000, 60_000, 40_000])).toEqual({ coins: [100_000], hasChange: false });
  });

  it("takes the set that wastes least", () => {
    expect(chosen([100_900, 60_000, 40_001, 30])).toEqual({ coins: [60_000, 40_001], hasChange: false });
  });

  it("else takes the smallest coin that suffices with change", () => {
    expect(chosen([900_000, 300_000, 50_000, 20_000])).toEqual({ coins: [300_000], hasChange: true });
  });

  it("else the largest, as few as possible", () => {
    expect(chosen([50_000, 41_000, 33_000, 20_500])).toEqual({ coins: [50_000, 41_000, 33_000], hasChange: true });
  });

  it("never takes coins that cost more than they bring", () => {
    expect(chosen([99_000, -10, -5, 1_000])).toEqual({ coins: [99_000, 1_000], hasChange: false });
    expect(chosen([-10, -20])).toBeUndefined();
  });

  it("says when it is not enough, or too heavy for one transaction", () => {
    expect(chosen([50_000, 49_999])).toBeUndefined();
    expect(chosen(new Array(500).fill(250), { maxWeight: 100_000 })).toBeUndefined();
  });

  it("ends in time whatever the coins", () => {
    const awkward = Array.from({ length: 200 }, (_, at) => 1_000_003 + at * 7);
    expect(chosen(awkward, { target: 50_000_000 })?.hasChange).toBe(true);
  });
});

describe("building", { timeout: 60_000 }, () => {
  const coin = (value: number, purpose: 84 | 86 = 84): SpendableCoin => ({
    outpoint: { hash: Buffer.alloc(32, 2), index: 0 },
    value,
    script: changeScript,
    purpose,
  });
  const options: BuildOptions = {
    payments: [{ value: 100_000, script, paysFee: false }],
    mustSpend: [],
    maySpend: [coin(150_000)],
    feeRate: 10,
    changeScript,
    changePurpose: 84,
    replaceable: true,
    lockTime: 7,
    random: () => 0,
  };
  const sumOf = (values: readonly { readonly value: number }[]) => values.reduce((sum, { value }) => sum + value, 0);

  it("neither makes nor loses a satoshi, for any coins, rates and payments", () => {
    let state = 7;
    const random = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    let [built, refused] = [0, 0];
    for (let round = 0; round < 1_500; round++) {
      const maySpend = Array.from({ length: 1 + random(30) }, () =>
        coin(300 + random(200_000), random(2) === 0 ? 84 : 86),
      );
      const payments = Array.from({ length: 1 + random(4) }, () => ({
        value: 600 + random(60_000),
        script,
        paysFee: random(5) === 0,
      }));
      const feeRate = 1 + random(400) / 10;
      try {
        const result = buildTransaction({ ...options, maySpend, payments, feeRate, random });
        built++;
        const outputs = sumOf(result.transaction.outputs);
        expect(sumOf(result.coins) - outputs).toBe(result.fee);
        expect(result.fee).toBeGreaterThanOrEqual(Math.floor(result.vsize * feeRate));
        expect(new Set(result.coins).size).toBe(result.coins.length);
        for (const output of result.transaction.outputs) expect(output.value).toBeGreaterThanOrEqual(dustLimit(output));
        if (payments.every(({ paysFee }) => !paysFee)) expect(outputs).toBeGreaterThanOrEqual(sumOf(payments));
      } catch (error) {
        refused++;
        expect(["insufficient", "bad-amount"]).toContain((error as { code?: string }).code);
      }
    }
    expect(built).toBeGreaterThan(500);
    expect(refused).toBeGreaterThan(50);
  });

  it("gives what is too little for change to the miner", () => {
    const { transaction, fee, changeIndex } = buildTransaction({ ...options, maySpend: [coin(102_000)] });
    expect(transaction.outputs).toHaveLength(1);
    expect([fee, changeIndex]).toEqual([2_000, undefined]);
  });

  it("refuses dust and amounts that are none", () => {
    for (const value of [0, 545, -1, 0.5, Number.NaN])
      expect(() => buildTransaction({ ...options, payments: [{ value, script, paysFee: false }] })).toThrow(
        expect.objectContaining({ code: "bad-amount" }),
      );
    expect(dustLimit({ script })).toBe(546);
    expect(dustLimit({ script: changeScript })).toBe(294);
  });
});
