import { describe, expect, test } from "vitest";
import { maxMoney } from "../../src/consensus/limits.ts";
import { isFinal, locksAllow, relativeLocks } from "../../src/consensus/locks.ts";
import { regtest } from "../../src/consensus/params.ts";
import { checkBlockSpends, checkSpend, locksSatisfied, type SpentCoin } from "../../src/consensus/spend-checks.ts";
import { checkTransaction } from "../../src/consensus/transaction-checks.ts";
import type { Transaction } from "../../src/primitives/transaction.ts";
import { anyoneCanSpend, blockOn, coinbaseOf, inputOf, pointOf, transactionOf } from "./blocks.ts";
import { nodesAt } from "./chain-nodes.ts";

const coin = (value: number, rest: Partial<SpentCoin> = {}): SpentCoin => ({
  value,
  script: anyoneCanSpend,
  height: 1,
  isCoinbase: false,
  ...rest,
});

const paying = (...values: readonly number[]): Transaction =>
  transactionOf({ outputs: values.map((value) => ({ value, script: anyoneCanSpend })) });

describe("checkTransaction", () => {
  test.each([
    ["no inputs", transactionOf({ inputs: [] }), "bad-txns-vin-empty"],
    ["a negative output", paying(-1), "bad-txns-vout-negative"],
    ["all the money", paying(maxMoney), undefined],
    ["more than all the money", paying(maxMoney + 1), "bad-txns-vout-toolarge"],
    ["more than all the money in sum", paying(maxMoney, 1), "bad-txns-txouttotal-toolarge"],
    [
      "the input of a coinbase among others",
      transactionOf({ inputs: [...coinbaseOf(1).inputs, inputOf(pointOf(1))] }),
      "bad-txns-prevout-null",
    ],
    [
      "a coinbase of one byte",
      coinbaseOf(1, { inputs: [{ ...coinbaseOf(1).inputs[0]!, script: Buffer.alloc(1) }] }),
      "bad-cb-length",
    ],
    [
      "a coinbase of 101 bytes",
      coinbaseOf(1, { inputs: [{ ...coinbaseOf(1).inputs[0]!, script: Buffer.alloc(101) }] }),
      "bad-cb-length",
    ],
    [
      "a million bytes",
      transactionOf({ outputs: [{ value: 0, script: Buffer.alloc(1_000_000) }] }),
      "bad-txns-oversize",
    ],
  ] as const)("answers %s", (_, tx, reason) => {
    expect(checkTransaction(tx)?.reason).toBe(reason);
  });
});

describe("checkSpend", () => {
  const outcome = (tx: Transaction, ...spent: readonly SpentCoin[]): number | string => {
    const result = checkSpend(regtest, tx, spent, 101);
    return typeof result === "number" ? result : result.reason;
  };

  test("is the fee", () => {
    expect(outcome(paying(900, 50), coin(600), coin(400))).toBe(50);
  });

  test.each([
    ["a coinbase of 100 blocks", [coin(2000, { isCoinbase: true, height: 1 })], 1000],
    ["a coinbase of 99 blocks", [coin(2000, { isCoinbase: true, height: 2 })], "bad-txns-premature-spend-of-coinbase"],
    ["too little", [coin(999)], "bad-txns-in-belowout"],
    ["an impossible coin", [coin(maxMoney + 1)], "bad-txns-inputvalues-outofrange"],
    ["impossible coins in sum", [coin(maxMoney), coin(1)], "bad-txns-inputvalues-outofrange"],
  ] as const)("answers %s", (_, spent, expected) => {
    expect(outcome(transactionOf(), ...spent)).toBe(expected);
  });
});

describe("lock times", () => {
  const locked = (lockTime: number, sequence = 0): Transaction =>
    transactionOf({ lockTime, inputs: [inputOf(pointOf(1), { sequence })] });

  test.each([
    [locked(0), true],
    [locked(99), true],
    [locked(100), false],
    [locked(100, 0xffffffff), true],
    [locked(1_500_000_000), false],
    [locked(1_499_999_999), true],
    [locked(500_000_000), true],
  ])("are heights below 500 million, else times (%#)", (tx, expected) => {
    expect(isFinal(tx, 100, 1_500_000_000)).toBe(expected);
  });

  /** 30 blocks, ten minutes apart. */
  const tip = nodesAt(regtest, ...Array.from({ length: 30 }, (_, i) => 2_000_000_000 + i * 600));
  const relative = (sequence: number, version = 2): Transaction =>
    transactionOf({ version, inputs: [inputOf(pointOf(1), { sequence })] });
  const isTime = 0x400000;

  test.each([
    ["ten blocks, nine on top", relative(10), 21, true],
    ["eleven blocks, nine on top", relative(11), 21, false],
    ["switched off", relative(0x80000000 + 11), 21, true],
    ["another version", relative(11, 1), 21, true],
    ["the highest version", relative(11, 0xffffffff), 21, false],
    // From the median time before block 11, that of block 5, to that of the tip, that of block 25.
    ["time that is over", relative(isTime + Math.floor((20 * 600) / 512)), 11, true],
    ["time that is not", relative(isTime + Math.floor((20 * 600) / 512) + 1), 11, false],
  ] as const)("relative to the output spent: %s", (_, tx, coinHeight, expected) => {
    const spent = [coin(5000, { height: coinHeight })];
    expect(locksSatisfied(tx, spent, tip)).toBe(expected);
  });

  test("the strictest input decides", () => {
    const inputs = [inputOf(pointOf(1), { sequence: 5 }), inputOf(pointOf(2), { sequence: 9 })];
    const locks = relativeLocks(transactionOf({ inputs }), [25, 25], tip);
    expect(locks).toEqual({ height: 33, time: -1 });
    expect(locksAllow(locks, tip)).toBe(false);
  });
});

describe("checkBlockSpends", () => {
  const parent = nodesAt(regtest, ...Array.from({ length: 110 }, (_, i) => 2_000_000_000 + i * 600));
  const height = 111;
  const reason = (transactions: readonly Transaction[], ...spent: readonly (readonly SpentCoin[])[]) =>
    checkBlockSpends(regtest, blockOn(parent, transactions), parent, [[], ...spent])?.reason;
  const taking = (value: number): Transaction => coinbaseOf(height, { outputs: [{ value, script: anyoneCanSpend }] });

  test("lets the coinbase take subsidy and fees, and not more", () => {
    const spend = paying(1000);
    expect(reason([taking(50e8)])).toBeUndefined();
    expect(reason([taking(50e8 + 1)])).toBe("bad-cb-amount");
    expect(reason([taking(50e8 + 500), spend], [coin(1500)])).toBeUndefined();
    expect(reason([taking(50e8 + 501), spend], [coin(1500)])).toBe("bad-cb-amount");
  });

  test("blames the block for what a transaction may do later", () => {
    const spent = [coin(5000, { isCoinbase: true, height: 50 })];
    const block = blockOn(parent, [taking(50e8), transactionOf()]);
    const wrong = checkBlockSpends(regtest, block, parent, [[], spent]);
    expect(wrong).toMatchObject({ reason: "bad-txns-premature-spend-of-coinbase", blame: "consensus" });
  });

  test("counts relative lock times and signature operations in what is spent", () => {
    const locked = transactionOf({ inputs: [inputOf(pointOf(1), { sequence: 3 })] });
    expect(reason([taking(50e8), locked], [coin(1000, { height: 109 })])).toBe("bad-txns-nonfinal");
    const redeem = Buffer.concat([Buffer.from([0x4d, 0x08, 0x02]), Buffer.alloc(520, 0xac)]);
    const scriptHash = Buffer.concat([Buffer.from([0xa9, 20]), Buffer.alloc(20), Buffer.from([0x87])]);
    const inputs = Array.from({ length: 39 }, (_, i) => inputOf(pointOf(i), { script: redeem }));
    const spend = (count: number) => transactionOf({ inputs: inputs.slice(0, count) });
    const spent = (count: number) => inputs.slice(0, count).map(() => coin(1000, { script: scriptHash }));
    expect(reason([taking(50e8), spend(38)], spent(38))).toBeUndefined();
    expect(reason([taking(50e8), spend(39)], spent(39))).toBe("bad-blk-sigops");
  });
});
