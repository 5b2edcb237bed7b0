/** Random payments, replacements, blocks, reorganisations and restarts by the real rules; after each the pool must be what it says it is. */
import { describe, expect, it } from "vitest";
import type { MempoolEntry } from "../../src/mempool/types.ts";
import { hashText } from "../../src/primitives/hash.ts";
import { outPointKey, type Transaction } from "../../src/primitives/transaction.ts";
import { outputOf, type Spend, scriptOf, spend, TestNode } from "../chain/support/node.ts";
import { Random } from "../chain/support/random.ts";

const STEPS = 80;
const OWNERS = 3;

/** Everything about the pool, told anew from its transactions alone. */
function assertConsistent(node: TestNode): void {
  const { mempool, chain } = node;
  const entries = [...mempool.entries()];
  const byId = new Map(entries.map((entry) => [hashText(entry.txid), entry]));
  const spent = new Set<string>();
  for (const entry of entries) {
    const parents = new Set<MempoolEntry>();
    for (const { prevout } of entry.tx.inputs) {
      const key = outPointKey(prevout);
      expect(spent.has(key)).toBe(false);
      spent.add(key);
      const parent = byId.get(hashText(prevout.hash));
      if (parent) parents.add(parent);
      // What it spends is there: in the pool, or unspent on the chain.
      expect(parent ?? chain.coin(prevout)).toBeDefined();
      expect(mempool.spender(prevout)).toBe(entry);
    }
    expect(entry.parents).toEqual(parents);
    for (const parent of parents) expect(parent.children.has(entry)).toBe(true);
    for (const child of entry.children) expect(child.parents.has(entry)).toBe(true);
  }
  for (const entry of entries) {
    expect(entry.ancestors).toEqual(totals(closure(entry, ({ parents }) => parents)));
    expect(entry.descendants).toEqual(totals(closure(entry, ({ children }) => children)));
  }
  const { vbytes, totalFee, count } = mempool.info();
  expect(count).toBe(entries.length);
  expect(vbytes).toBe(entries.reduce((sum, { vsize }) => sum + vsize, 0));
  expect(totalFee).toBe(entries.reduce((sum, { fee }) => sum + fee, 0));
  const rates = [...mempool.byAncestorRate()].map((entry) =>
    Math.min(entry.modifiedFee / entry.vsize, entry.ancestors.fees / entry.ancestors.vsize),
  );
  expect(rates.length).toBe(entries.length);
  expect(rates).toEqual([...rates].sort((a, b) => b - a));
}

function closure(root: MempoolEntry, next: (entry: MempoolEntry) => ReadonlySet<MempoolEntry>): Set<MempoolEntry> {
  const found = new Set([root]);
  for (const entry of found) for (const other of next(entry)) found.add(other);
  return found;
}

const totals = (entries: ReadonlySet<MempoolEntry>) => {
  const result = { count: 0, vsize: 0, fees: 0, sigopCost: 0 };
  for (const { vsize, modifiedFee, sigopCost } of entries) {
    result.count++;
    result.vsize += vsize;
    result.fees += modifiedFee;
    result.sigopCost += sigopCost;
  }
  return result;
};

class Spender {
  readonly #random: Random;
  readonly #node: TestNode;
  readonly outputs: { readonly spend: Spend; readonly value: number }[] = [];

  constructor(random: Random, node: TestNode) {
    this.#random = random;
    this.#node = node;
  }

  /** Now and then what it spends is spent already: replacements and refusals are part of it. */
  next(): Transaction {
    const random = this.#random;
    const isCareless = random.chance(0.3);
    const known = this.outputs.filter((output) => isCareless || this.#node.mempool.coin(output.spend));
    const from = random.shuffled(known.slice(-40)).slice(0, 1 + random.below(3));
    const total = from.reduce((sum, { value }) => sum + value, 0);
    const shares = 1 + random.below(3);
    const fee = 500 + random.below(isCareless ? 400_000 : 40_000);
    const to = Array.from({ length: shares }, () => ({
      value: Math.floor((total - fee) / shares),
      owner: random.below(OWNERS),
    }));
    const tx = spend(
      from.map((output) => output.spend),
      to,
    );
    for (const [index, { value, owner }] of to.entries()) {
      this.outputs.push({ spend: outputOf(tx, index, owner), value });
    }
    return tx;
  }
}

/** Over all seeds: a history in which nothing happens proves nothing. */
const seen = { accepted: 0, replaced: 0, returned: 0 };

describe("a random history of the pool", () => {
  it.each([11, 12, 13])("leaves it consistent, seed %i", { timeout: 60_000 }, async (seed) => {
    const random = new Random(seed);
    await using node = await TestNode.open({ policy: { maxSizeBytes: 90_000, maxOrphans: 10 } });
    const spender = new Spender(random, node);
    for (const coin of await node.ripe(12)) spender.outputs.push({ spend: coin, value: 50e8 });
    let isReorganising = false;
    const follow = () =>
      node.mempool.subscribe((event) => {
        if (event.kind === "added" && isReorganising) seen.returned++;
        if (event.kind === "removed" && event.reason === "replaced") seen.replaced++;
      });
    follow();
    for (let step = 0; step < STEPS; step++) {
      const action = random.next();
      if (action < 0.75) {
        if (node.mempool.accept(spender.next()).ok) seen.accepted++;
      } else if (action < 0.85) {
        await node.mine(1, random.below(OWNERS));
      } else if (action < 0.93) {
        isReorganising = true;
        const height = Math.max(18, node.chain.tip.height - random.below(4));
        const target = node.chain.at(height);
        if (target) await node.chain.invalidate(target.hash);
        // Another branch, which may contradict the pool, and overtakes.
        const rival = spender.next();
        const fits = node.mempool.test(rival).ok && rival.inputs.every(({ prevout }) => node.chain.coin(prevout));
        await node.miner.generateBlock(scriptOf(2), fits ? [rival] : []);
        if (random.chance(0.5) && target) await node.chain.reconsider(target.hash);
        isReorganising = false;
      } else if (action < 0.97) {
        const [entry] = random.shuffled([...node.mempool.entries()]);
        if (entry) node.mempool.prioritise(entry.txid, random.below(20_000) - 10_000);
      } else {
        const before = node.mempool.size;
        await node.stop();
        await node.start();
        follow();
        expect(node.mempool.size).toBe(before);
      }
      assertConsistent(node);
      const block = node.miner.template().block(scriptOf(0), 0);
      expect(await node.chain.testBlock(block)).toEqual({ ok: true });
    }
  });

  it("had all in it", () => {
    expect(seen.accepted).toBeGreaterThan(60);
    expect(seen.replaced).toBeGreaterThan(0);
    expect(seen.returned).toBeGreaterThan(0);
  });
});
