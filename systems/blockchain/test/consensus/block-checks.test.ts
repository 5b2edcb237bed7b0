import { describe, expect, test } from "vitest";
import { checkBlock, checkBlockOn } from "../../src/consensus/block-checks.ts";
import { regtest } from "../../src/consensus/params.ts";
import { type Block, blockWeight } from "../../src/primitives/block.ts";
import type { Transaction, TxInput } from "../../src/primitives/transaction.ts";
import { blockOn, coinbaseOf, committingCoinbase, inputOf, pointOf, transactionOf } from "./blocks.ts";
import { nodesAt } from "./chain-nodes.ts";

const parent = nodesAt(regtest, 2_000_000_000);
const height = 2;
const spend = transactionOf();
const second = transactionOf({ inputs: [inputOf(pointOf(2))] });
const witnessed = transactionOf({ inputs: [inputOf(pointOf(3), { witness: [Buffer.from("witness")] })] });
const withOthers = (...others: readonly Transaction[]): Block => blockOn(parent, { others });

const check = (block: Block): string | undefined => (checkBlock(block) ?? checkBlockOn(block, parent))?.reason;
const blame = (block: Block): string | undefined => (checkBlock(block) ?? checkBlockOn(block, parent))?.blame;

/** With the witness of the coinbase replaced. */
function withReserved(witness: readonly Buffer[]): Block {
  const coinbase = committingCoinbase(height, [witnessed]);
  const input = { ...(coinbase.inputs[0] as TxInput), witness };
  return blockOn(parent, [{ ...coinbase, inputs: [input] }, witnessed]);
}

describe("a block", () => {
  test.each([
    ["of a coinbase", withOthers()],
    ["with spends", withOthers(spend, second)],
    ["with witnesses", withOthers(witnessed)],
    ["with a commitment to nothing", blockOn(parent, [committingCoinbase(height, [spend]), spend])],
  ])("%s passes", (_, block) => {
    expect(check(block)).toBeUndefined();
  });

  const duplicated = withOthers(spend, second);
  const oversized = transactionOf({ outputs: [{ value: 0, script: Buffer.alloc(1_000_001) }] });
  const sigOps = (count: number): Transaction =>
    transactionOf({ outputs: [{ value: 0, script: Buffer.alloc(count, 0xac) }] });

  test.each([
    [
      "another root",
      { ...withOthers(), header: { ...withOthers().header, merkleRoot: Buffer.alloc(32) } },
      "bad-txnmrklroot",
    ],
    [
      "its last transaction twice",
      { ...duplicated, transactions: [...duplicated.transactions, second] },
      "bad-txns-duplicate",
    ],
    ["no transactions", blockOn(parent, []), "bad-blk-length"],
    ["too many bytes", blockOn(parent, [coinbaseOf(height), oversized]), "bad-blk-length"],
    ["no coinbase", blockOn(parent, [spend]), "bad-cb-missing"],
    ["two coinbases", withOthers(coinbaseOf(9)), "bad-cb-multiple"],
    ["a transaction without outputs", withOthers(transactionOf({ outputs: [] })), "bad-txns-vout-empty"],
    [
      "an input twice",
      withOthers(transactionOf({ inputs: [inputOf(pointOf(1)), inputOf(pointOf(1))] })),
      "bad-txns-inputs-duplicate",
    ],
    ["too many signature operations", withOthers(sigOps(20_001)), "bad-blk-sigops"],
    ["as many as may be", withOthers(sigOps(20_000)), undefined],
    [
      "a lock time to come",
      withOthers(transactionOf({ lockTime: height, inputs: [inputOf(pointOf(1), { sequence: 0 })] })),
      "bad-txns-nonfinal",
    ],
    ["another height", blockOn(parent, [coinbaseOf(height + 1)]), "bad-cb-height"],
    ["a witness without a commitment", blockOn(parent, [coinbaseOf(height), witnessed]), "unexpected-witness"],
    [
      "a commitment to something else",
      blockOn(parent, [committingCoinbase(height, [spend]), witnessed]),
      "bad-witness-merkle-match",
    ],
    ["no reserved value", withReserved([]), "bad-witness-nonce-size"],
    ["a short reserved value", withReserved([Buffer.alloc(31)]), "bad-witness-nonce-size"],
    ["two reserved values", withReserved([Buffer.alloc(32), Buffer.alloc(32)]), "bad-witness-nonce-size"],
  ] as const)("with %s is answered so", (_, block, reason) => {
    expect(check(block)).toBe(reason);
  });

  test("of too much weight by its witnesses is refused for that", () => {
    const heavy = transactionOf({ inputs: [inputOf(pointOf(3), { witness: [Buffer.alloc(3_999_999)] })] });
    const block = withOthers(heavy);
    expect(blockWeight(block)).toBeGreaterThan(4_000_000);
    expect(check(block)).toBe("bad-blk-weight");
  });

  test("is not condemned for what anyone could have altered", () => {
    const others = [spend, second];
    const block = withOthers(...others);
    expect(blame({ ...block, transactions: [...block.transactions, second] })).toBe("mutated");
    expect(blame({ ...block, transactions: block.transactions.slice(0, 2) })).toBe("mutated");
    expect(blame(withReserved([]))).toBe("mutated");
    expect(blame(blockOn(parent, [committingCoinbase(height, [spend]), witnessed]))).toBe("mutated");
    expect(blame(blockOn(parent, [coinbaseOf(height), witnessed]))).toBe("mutated");
    expect(blame(blockOn(parent, [spend]))).toBe("consensus");
  });
});
