import * as curve from "tiny-secp256k1";
import { afterEach, describe, expect, test } from "vitest";
import { regtest } from "../../src/consensus/params.ts";
import { consensusRules } from "../../src/consensus/rules.ts";
import { encodeBatch } from "../../src/consensus/script-batch.ts";
import { ScriptCache } from "../../src/consensus/script-cache.ts";
import { createVerifier, type SpendingTransaction, type Verifier } from "../../src/consensus/verifier.ts";
import { hash160 } from "../../src/primitives/hash.ts";
import type { Transaction, TxInput, TxOutput } from "../../src/primitives/transaction.ts";
import { txid } from "../../src/primitives/transaction.ts";
import { consensusFlags, standardFlags } from "../../src/script/flags.ts";
import { Spending } from "../../src/script/spending.ts";
import { taprootSignatureHash } from "../../src/script/taproot.ts";
import { blockOn, coinbaseOf, inputOf, transactionOf } from "./blocks.ts";
import { nodesAt } from "./chain-nodes.ts";

const privateKey = Buffer.alloc(32, 7);
const outputKey = Buffer.from(curve.xOnlyPointFromScalar(privateKey));
const output: TxOutput = { value: 5000, script: Buffer.concat([Buffer.from([0x51, 32]), outputKey]) };

/** A transaction whose inputs are all spent by a key's signature. */
function signed(inputs: number, seed: number): SpendingTransaction {
  const points = Array.from({ length: inputs }, (_, i) => ({ hash: hash160of(seed), index: i }));
  const tx = transactionOf({ inputs: points.map((point) => inputOf(point)) });
  const spent = points.map(() => output);
  const spending = new Spending(tx, spent);
  const witnessed = tx.inputs.map((input, index) => {
    const hash = taprootSignatureHash(spending, { index, hashType: 0 }) as Buffer;
    return { ...input, witness: [Buffer.from(curve.signSchnorr(hash, privateKey))] };
  });
  return { tx: { ...tx, inputs: witnessed }, spent };
}

const hash160of = (seed: number): Buffer => Buffer.concat([hash160(Buffer.from([seed])), Buffer.alloc(12)]);

/** With one byte of an input's signature changed. */
function spoiled({ tx, spent }: SpendingTransaction, index: number): SpendingTransaction {
  const inputs = tx.inputs.map((input, i): TxInput => {
    if (i !== index) return input;
    const signature = Buffer.from(input.witness[0] as Buffer);
    signature[40] = (signature[40] as number) ^ 1;
    return { ...input, witness: [signature] };
  });
  return { tx: { ...tx, inputs }, spent };
}

let verifier: Verifier;
afterEach(() => verifier.close());

describe.each([0, 2])("a verifier with %i threads", (threads) => {
  const all = Array.from({ length: 20 }, (_, i) => signed(10, i));

  test("passes what is valid", async () => {
    verifier = createVerifier({ threads });
    expect(await verifier.verify(all)).toBeUndefined();
    expect(await verifier.verify([])).toBeUndefined();
  });

  test("names the input that is not", async () => {
    verifier = createVerifier({ threads });
    const wrong = spoiled(all[13] as SpendingTransaction, 6);
    const answer = await verifier.verify(all.with(13, wrong));
    expect(answer).toEqual({ txid: txid(wrong.tx), input: 6, error: "SCHNORR_SIG" });
  });

  test("checks a transaction in parts, each input once", async () => {
    verifier = createVerifier({ threads });
    const large = signed(200, 99);
    expect(await verifier.verify([large])).toBeUndefined();
    for (const index of [0, 64, 199]) {
      expect(await verifier.verify([spoiled(large, index)])).toMatchObject({ input: index });
    }
  });
});

describe("a verifier", () => {
  test("doesn't check again what it was told to remember", async () => {
    verifier = createVerifier({ threads: 0 });
    const good = signed(1, 1);
    const wrongCoin = { tx: good.tx, spent: [{ ...output, value: 1 }] };
    expect(await verifier.verify([wrongCoin])).toMatchObject({ error: "SCHNORR_SIG" });
    await verifier.verify([good], { flags: standardFlags, remember: true });
    // The coin's value is what tells a look into the cache from a check.
    expect(await verifier.verify([wrongCoin], { flags: consensusFlags })).toBeUndefined();
    expect(await verifier.verify([spoiled(good, 0)])).toMatchObject({ error: "SCHNORR_SIG" });
  });

  test("fails what waits when it is closed", async () => {
    verifier = createVerifier({ threads: 1 });
    const waiting = verifier.verify(new Array(200).fill(signed(20, 1)));
    const failed = expect(waiting).rejects.toMatchObject({ code: "closed" });
    await verifier.close();
    await failed;
    await expect(verifier.verify([signed(20, 1)])).rejects.toMatchObject({ code: "closed" });
  });
});

describe("the cache of valid scripts", () => {
  test("knows fewer flags by more, not more by fewer, and forgets the oldest", () => {
    const cache = new ScriptCache(2);
    const [a, b, c] = [1, 2, 3].map((n) => transactionOf({ lockTime: n })) as [Transaction, Transaction, Transaction];
    cache.add(a, consensusFlags);
    expect([cache.has(a, consensusFlags), cache.has(a, 0), cache.has(a, standardFlags)]).toEqual([true, true, false]);
    cache.add(b, standardFlags);
    cache.add(c, standardFlags);
    expect([a, b, c].map((tx) => cache.has(tx, consensusFlags))).toEqual([false, true, true]);
  });
});

test("a batch fits the memory made for it", () => {
  const { tx, spent } = signed(3, 5);
  const outputs = spent.map((one, i) => ({ ...one, script: Buffer.alloc([0, 253, 70_000][i] as number) }));
  const job = { tx, spent: outputs, place: 0, fromInput: 0, toInput: 3 };
  expect(encodeBatch([job, job], consensusFlags).byteLength).toBeLessThan(2 * 80_000);
});

test("the rules refuse a block for a script, with its input named", async () => {
  verifier = createVerifier({ threads: 0 });
  const rules = consensusRules(regtest, verifier);
  const parent = nodesAt(regtest, 2_000_000_000);
  const coins = [{ ...output, height: 1, isCoinbase: false }];
  const good = signed(1, 1);
  const bad = spoiled(good, 0);
  const inputs = (one: SpendingTransaction) =>
    rules.checkInputs(blockOn(parent, [coinbaseOf(2), one.tx]), parent, [[], coins]);
  expect(await inputs(good)).toBeUndefined();
  expect(await inputs(bad)).toMatchObject({
    reason: "block-script-verify-flag-failed (Invalid Schnorr signature)",
    blame: "consensus",
  });
});
