import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AcceptResult, MempoolEvent } from "../../src/mempool/types.ts";
import { hashText } from "../../src/primitives/hash.ts";
import { decodeTransaction, encodeTransaction, type Transaction, txid } from "../../src/primitives/transaction.ts";
import { MATURITY, outputOf, type Spend, scriptOf, spend, TestNode } from "../chain/support/node.ts";

const COIN = 1e8;
const reasonOf = (result: AcceptResult): string => (result.ok ? "accepted" : result.reason);
/** Spends one coin, leaving `fee`. */
const pay = (from: Spend, value: number, fee: number, owner = 1): Transaction =>
  spend([from], [{ value: value - fee, owner }]);

/** A line of transactions, each spending the one before. */
function line(from: Spend, length: number, fee: number, start = 50 * COIN): Transaction[] {
  const all: Transaction[] = [];
  for (let i = 0; i < length; i++) {
    all.push(pay(i === 0 ? from : outputOf(all[i - 1]!, 0, 1), start - i * fee, fee));
  }
  return all;
}

const blockAt = async ({ chain }: TestNode, height: number) => (await chain.block(chain.at(height)!))!;

describe("acceptance", () => {
  it("says why not in Bitcoin Core's words", async () => {
    await using node = await TestNode.open();
    const [a, b] = await node.ripe(2);
    const [green] = await node.mine(1);
    const { mempool } = node;
    const good = pay(a!, 50 * COIN, 1000);
    const withWitness = (witness: readonly Buffer[]) => ({ ...good, inputs: [{ ...good.inputs[0]!, witness }] });
    const final = { ...a!, sequence: 0xffffffff };
    const cases: readonly (readonly [string, Transaction])[] = [
      ["bad-txns-vin-empty", { ...good, inputs: [] }],
      ["bad-txns-vout-empty", { ...good, outputs: [] }],
      [
        "bad-txns-vout-toolarge",
        { ...good, outputs: [{ ...good.outputs[0]!, value: 2 ** 63, wideValue: 2n ** 63n - 1n }] },
      ],
      ["bad-txns-inputs-duplicate", spend([a!, a!], [{ value: COIN, owner: 1 }])],
      ["coinbase", (await node.chain.block(node.chain.tip))!.transactions[0]!],
      ["version", { ...good, version: 4 }],
      ["scriptpubkey", { ...good, outputs: [{ value: COIN, script: Buffer.from([0x51]) }] }],
      ["dust", spend([a!], [{ value: 100, owner: 1 }])],
      ["non-final", spend([a!], [{ value: COIN, owner: 1 }], node.chain.tip.height + 2)],
      ["non-BIP68-final", spend([{ ...a!, sequence: 1000 }], [{ value: COIN, owner: 1 }])],
      ["missing-inputs", spend([{ ...a!, index: 7 }], [{ value: COIN, owner: 1 }])],
      ["bad-txns-premature-spend-of-coinbase", pay(green!, 50 * COIN, 1000)],
      ["bad-txns-in-belowout", spend([a!], [{ value: 51 * COIN, owner: 1 }])],
      ["min relay fee not met", pay(a!, 50 * COIN, 10)],
      ["mempool-script-verify-flag-failed (Witness program hash mismatch)", withWitness([Buffer.from([0x51])])],
      ["accepted", good],
      ["txn-already-in-mempool", good],
      ["txn-same-nonwitness-data-in-mempool", withWitness([Buffer.alloc(1), Buffer.from([0x51])])],
    ];
    for (const [reason, tx] of cases) expect(reasonOf(mempool.accept(tx))).toBe(reason);
    expect(reasonOf(mempool.accept(spend([{ ...b!, sequence: 0xffffffff }], [{ value: 49 * COIN, owner: 1 }])))).toBe(
      "accepted",
    );
    expect(reasonOf(mempool.accept(pay({ ...b!, sequence: 0xffffffff }, 50 * COIN, 5 * COIN)))).toBe(
      "txn-mempool-conflict",
    );
    expect(reasonOf(mempool.test(pay(final, 50 * COIN, 9000), { maxFeeRate: 1000 }))).toBe("max-fee-exceeded");
    await node.mine(1);
    expect(reasonOf(mempool.accept(good))).toBe("txn-already-known");
  });

  it("tests without changing anything", async () => {
    await using node = await TestNode.open();
    const [a] = await node.ripe(1);
    expect(reasonOf(node.mempool.test(pay(a!, 50 * COIN, 1000)))).toBe("accepted");
    expect(node.mempool.size).toBe(0);
  });

  it("limits chains of transactions that wait for each other", async () => {
    await using node = await TestNode.open();
    const [a] = await node.ripe(1);
    const txs = line(a!, 26, 1000);
    for (const tx of txs.slice(0, 25)) expect(reasonOf(node.mempool.accept(tx))).toBe("accepted");
    expect(reasonOf(node.mempool.accept(txs[25]!))).toBe("too-long-mempool-chain");
    const last = node.mempool.get(txid(txs[24]!))!;
    expect(last.ancestors).toMatchObject({ count: 25, fees: 25_000 });
    expect(node.mempool.get(txid(txs[0]!))!.descendants.count).toBe(25);
    await node.mine(1);
    expect(reasonOf(node.mempool.accept(txs[25]!))).toBe("accepted");
  });

  it("keeps a few orphans until their parents come, in any order", async () => {
    await using node = await TestNode.open({ policy: { maxOrphans: 3 } });
    const [a] = await node.ripe(1);
    const txs = line(a!, 4, 1000);
    const result = node.mempool.accept(txs[3]!);
    expect(result).toMatchObject({ kind: "orphan", missing: [txid(txs[2]!)] });
    node.mempool.accept(txs[2]!);
    node.mempool.accept(txs[1]!);
    expect(node.mempool.info()).toMatchObject({ count: 0, orphanCount: 3 });
    node.mempool.accept(txs[0]!);
    expect(node.mempool.info()).toMatchObject({ count: 4, orphanCount: 0 });
    for (let i = 0; i < 10; i++) node.mempool.accept(pay({ ...a!, index: 100 + i }, COIN, 1000));
    expect(node.mempool.info().orphanCount).toBe(3);
  });
});

describe("replacement", () => {
  it("follows the five rules", async () => {
    await using node = await TestNode.open();
    const [a, b, c] = await node.ripe(3);
    const { mempool } = node;
    const parent = pay(a!, 50 * COIN, 10_000);
    const child = pay(outputOf(parent, 0, 1), 50 * COIN - 10_000, 10_000);
    mempool.accept(parent);
    mempool.accept(child);
    const other = pay(c!, 50 * COIN, 1000);
    mempool.accept(other);
    // Pays less than parent and child together; not enough more for itself; needs what waits and was not needed before.
    const detail = (text: string) => ({ reason: "insufficient fee", detail: expect.stringContaining(text) });
    expect(mempool.accept(pay(a!, 50 * COIN, 19_999))).toMatchObject(detail("less fees than conflicting txs"));
    expect(mempool.accept(pay(a!, 50 * COIN, 20_001))).toMatchObject(detail("not enough additional fees"));
    const needy = spend([a!, outputOf(other, 0, 1)], [{ value: 50 * COIN, owner: 1 }]);
    expect(reasonOf(mempool.accept(needy))).toBe("replacement-adds-unconfirmed");
    const selfish = spend([a!, outputOf(child, 0, 1)], [{ value: 50 * COIN, owner: 1 }]);
    expect(reasonOf(mempool.accept(selfish))).toBe("bad-txns-spends-conflicting-tx");
    const better = pay(a!, 50 * COIN, 40_000);
    const result = mempool.accept(better);
    expect(result.ok && result.replaced.map(({ txid: id }) => hashText(id)).sort()).toEqual(
      [parent, child].map((tx) => hashText(txid(tx))).sort(),
    );
    expect(mempool.info()).toMatchObject({ count: 2, totalFee: 41_000 });
    const stubborn = spend([{ ...b!, sequence: 0xffffffff }], [{ value: 49 * COIN, owner: 1 }]);
    mempool.accept(stubborn);
    expect(reasonOf(mempool.accept(pay(b!, 50 * COIN, 30 * COIN)))).toBe("txn-mempool-conflict");
  });

  it("may be had for all transactions, or for none", async () => {
    for (const [replacement, expected] of [
      ["all", "accepted"],
      ["none", "txn-mempool-conflict"],
    ] as const) {
      await using node = await TestNode.open({ policy: { replacement } });
      const [a] = await node.ripe(1);
      const sequence = replacement === "all" ? 0xffffffff : 0xfffffffd;
      node.mempool.accept(pay({ ...a!, sequence }, 50 * COIN, 1000));
      expect(reasonOf(node.mempool.accept(pay(a!, 50 * COIN, 9000)))).toBe(expected);
    }
  });

  it("evicts no more than so many", async () => {
    await using node = await TestNode.open({ policy: { maxReplaced: 2 } });
    const [a] = await node.ripe(1);
    for (const tx of line(a!, 3, 1000)) node.mempool.accept(tx);
    expect(reasonOf(node.mempool.accept(pay(a!, 50 * COIN, COIN)))).toBe("too many potential replacements");
  });
});

describe("bounds", () => {
  it("evicts what pays least, asks for more afterwards, and forgets that with time", async () => {
    await using node = await TestNode.open({ policy: { maxSizeBytes: 20_000 } });
    const coins = await node.ripe(12);
    const results = coins.map((coin, i) => reasonOf(node.mempool.accept(pay(coin, 50 * COIN, 1000 * (i + 1)))));
    expect(results.every((reason) => reason === "accepted")).toBe(true);
    const { count, usageBytes, minFeeRate } = node.mempool.info();
    expect(count).toBeLessThan(12);
    expect(usageBytes).toBeLessThanOrEqual(20_000);
    expect(minFeeRate).toBeGreaterThan(1000);
    // The best are there.
    expect(node.mempool.spender(coins[11]!)).toBeDefined();
    expect(node.mempool.spender(coins[0]!)).toBeUndefined();
    expect(reasonOf(node.mempool.accept(pay(coins[0]!, 50 * COIN, 1000)))).toBe("mempool min fee not met");
    await node.mine(1);
    node.clock.advance(48 * 3600 * 1000);
    node.mempool.info();
    expect(node.mempool.info().minFeeRate).toBe(1000);
  });

  it("drops what waits too long", async () => {
    await using node = await TestNode.open();
    const [a] = await node.ripe(1);
    const removed: MempoolEvent[] = [];
    node.mempool.subscribe((event) => removed.push(event));
    node.mempool.accept(pay(a!, 50 * COIN, 1000));
    node.clock.advance(336 * 3600 * 1000);
    // A block without it.
    await node.miner.generateBlock(scriptOf(0), []);
    expect(removed.map((event) => [event.kind, event.kind === "removed" && event.reason])).toEqual([
      ["added", false],
      ["removed", "expired"],
    ]);
  });
});

describe("reorganisations", () => {
  it("bring back what a lost block confirmed, before what depends on it, and take away what cannot be any more", async () => {
    await using node = await TestNode.open();
    const { chain, mempool } = node;
    const [a, b] = await node.ripe(2);
    const parent = pay(a!, 50 * COIN, 1000);
    mempool.accept(parent);
    const fork = chain.tip;
    const [lost] = await node.mine(1);
    await node.mine(MATURITY, 0);
    const child = pay(outputOf(parent, 0, 1), 50 * COIN - 1000, 1000);
    const grandchild = pay(outputOf(child, 0, 1), 50 * COIN - 2000, 1000);
    const ofCoinbase = spend([lost!], [{ value: 49 * COIN, owner: 1 }]);
    const late = spend([b!], [{ value: 49 * COIN, owner: 1 }], chain.tip.height);
    for (const tx of [child, grandchild, ofCoinbase, late]) expect(reasonOf(mempool.accept(tx))).toBe("accepted");
    await chain.invalidate(chain.at(fork.height + 1)!.hash);
    expect(chain.tip).toBe(fork);
    expect([...mempool.entries()].map((entry) => hashText(entry.txid)).sort()).toEqual(
      [parent, child, grandchild].map((tx) => hashText(txid(tx))).sort(),
    );
    expect(mempool.get(txid(grandchild))!.ancestors).toMatchObject({ count: 3, fees: 3000 });
    expect(mempool.get(txid(parent))!.descendants.count).toBe(3);
    const template = node.miner.template();
    expect(template.entries.map(({ tx }) => tx)).toEqual([parent, child, grandchild]);
  });

  it("take away what spends a coinbase that is not ripe any more", async () => {
    await using node = await TestNode.open();
    const [young] = await node.mine(1);
    await node.mine(MATURITY - 1, 0);
    expect(reasonOf(node.mempool.accept(pay(young!, 50 * COIN, 1000)))).toBe("accepted");
    await node.chain.invalidate(node.chain.tip.hash);
    expect(node.chain.coin(young!)).toBeDefined();
    expect(node.mempool.size).toBe(0);
  });

  it("keep what spends a coinbase, where the new branch is high enough for it, though the blocks between were not", async () => {
    await using node = await TestNode.open();
    await using other = await TestNode.open();
    const coins = await node.mine(2);
    for (let height = 1; height <= 2; height++) await other.chain.addBlock(await blockAt(node, height));
    await node.mine(MATURITY, 0);
    const payments = coins.map((coin) => pay(coin, 50 * COIN, 1000));
    const child = pay(outputOf(payments[0]!, 0, 1), 50 * COIN - 1000, 1000);
    for (const tx of [...payments, child]) {
      expect(reasonOf(node.mempool.accept(tx))).toBe("accepted");
      await node.mine(1, 0);
    }
    await other.mine(node.chain.tip.height - 1, 0);
    const reorganised: boolean[] = [];
    node.chain.onSettled((_, change) => reorganised.push(change.reorganised));
    for (let height = 3; height <= other.chain.tip.height; height++)
      await node.chain.addBlock(await blockAt(other, height));
    expect(reorganised).toEqual([true]);
    expect(node.chain.tip.hash).toEqual(other.chain.tip.hash);
    for (const tx of [...payments, child]) expect(node.mempool.has(txid(tx))).toBe(true);
    await node.mine(1, 0);
    expect(node.mempool.size).toBe(0);
  });

  it("drop what the new branch contradicts", async () => {
    await using node = await TestNode.open();
    const [a] = await node.ripe(1);
    const waiting = pay(a!, 50 * COIN, 1000);
    const rival = pay(a!, 50 * COIN, 5000, 2);
    const removed: string[] = [];
    node.mempool.subscribe((event) => event.kind === "removed" && removed.push(event.reason));
    node.mempool.accept(waiting);
    await node.miner.generateBlock(scriptOf(0), [rival]);
    expect(node.mempool.size).toBe(0);
    expect(removed).toEqual(["conflict"]);
  });
});

describe("the file", () => {
  it("brings the pool back after a restart, with its times and added fees", async () => {
    await using node = await TestNode.open();
    const [a, b] = await node.ripe(2);
    const txs = [...line(a!, 3, 1000), pay(b!, 50 * COIN, 7000)];
    for (const tx of txs) node.mempool.accept(tx);
    node.mempool.prioritise(txid(txs[3]!), 500);
    const { time } = node.mempool.get(txid(txs[0]!))!;
    await node.stop();
    node.clock.advance(1_000_000);
    await node.start();
    expect(node.mempool.size).toBe(4);
    expect(node.mempool.get(txid(txs[0]!))!.time).toBe(time);
    expect(node.mempool.get(txid(txs[3]!))!.modifiedFee).toBe(7500);
  });

  it("that is damaged is left aside", async () => {
    await using node = await TestNode.open();
    const [a] = await node.ripe(1);
    node.mempool.accept(pay(a!, 50 * COIN, 1000));
    await node.stop();
    const path = join(node.dir, "pool", "mempool.dat");
    const bytes = await readFile(path);
    bytes[30]! ^= 1;
    await writeFile(path, bytes);
    await node.start();
    expect(node.mempool.size).toBe(0);
  });
});

describe("fee estimates", () => {
  it("say nothing while too little is known, then what has been enough", async () => {
    await using node = await TestNode.open();
    expect(node.mempool.estimateFee(6)).toMatchObject({ feeRate: undefined });
    let coins = await node.ripe(30);
    for (let round = 0; round < 12; round++) {
      const txs = coins.map((coin, i) => pay(coin, 50 * COIN - round * 10_000, i % 2 === 0 ? 10_000 : 200 + round, 1));
      for (const tx of txs.filter((_, i) => i % 2 === 0)) node.mempool.accept(tx);
      await node.mine(1, 0);
      coins = txs.map((tx, i) => (i % 2 === 0 ? outputOf(tx, 0, 1) : coins[i]!));
    }
    const { feeRate, blocks } = node.mempool.estimateFee(1);
    expect(blocks).toBe(2);
    const paid = (10_000 * 1000) / node.miner.template().coinbase(scriptOf(0), 0).outputs.length;
    expect(feeRate).toBeGreaterThan(50_000);
    expect(feeRate).toBeLessThan(paid);
  });
});

it("survives any bytes that claim to be a transaction", async () => {
  await using node = await TestNode.open();
  const [a] = await node.ripe(1);
  const bytes = encodeTransaction(pay(a!, 50 * COIN, 1000));
  for (let i = 0; i < bytes.length; i++) {
    const altered = Buffer.from(bytes);
    altered[i]! ^= 0x81;
    let tx: Transaction;
    try {
      tx = decodeTransaction(altered);
    } catch {
      continue;
    }
    const result = node.mempool.accept(tx);
    if (result.ok) node.mempool.remove(txid(tx));
  }
  expect(node.mempool.size).toBe(0);
});
