/** Random forks, reorganisations, spends, invalidations and restarts, against a twin that replays everything from genesis. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NodeChain } from "../../src/chain/chain.ts";
import { openChain } from "../../src/chain/open-chain.ts";
import { regtest } from "../../src/consensus/params.ts";
import { type Block, blockHash } from "../../src/primitives/block.ts";
import { hashFromKey, hashKey, hashText } from "../../src/primitives/hash.ts";
import { type OutPoint, type Transaction, txid as txidOf } from "../../src/primitives/transaction.ts";
import { makeBlock, payment, scriptOf, simpleRules } from "./support/blocks.ts";
import { Random } from "./support/random.ts";
import { keyOf, replay, Twin, workOfLine } from "./support/twin.ts";

const OWNERS = 5;
const STEPS = 90;
let dir: string;
let chain: NodeChain;

const open = () =>
  // A small cache, so that coins are also read from disk.
  openChain({ dir, network: regtest, rules: simpleRules, coinCacheBytes: 4_000, diskReserveBytes: 0 });
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "chain-random-"));
  chain = await open();
});
afterEach(async () => {
  await chain.close();
  await rm(dir, { recursive: true });
});

/** Spends some of what the branch has; rarely too much, or something twice. */
function spends(random: Random, line: readonly Block[]): Transaction[] {
  const free = random.shuffled([...replay(line).coins.values()]);
  const made: Transaction[] = [];
  for (let i = random.below(4); i > 0 && free.length > 0; i--) {
    const inputs = free.splice(0, 1 + random.below(2));
    const total = inputs.reduce((sum, { coin }) => sum + coin.value, 0);
    const shares = 1 + random.below(3);
    const value = Math.floor(total / shares) + (random.chance(0.03) ? total : 0);
    const outputs = Array.from({ length: shares }, () => ({ value, script: scriptOf(random.below(OWNERS)) }));
    const from: OutPoint[] = inputs.map(({ outpoint }) => outpoint);
    const tx = payment(from, outputs);
    made.push(tx);
    if (random.chance(0.4)) made.push(chained(random, tx));
    if (random.chance(0.03)) made.push(payment(from.slice(0, 1), [{ value: 1, script: scriptOf(0) }]));
  }
  return made;
}

/** Spends an output of a transaction of the same block. */
function chained(random: Random, parent: Transaction): Transaction {
  const { value } = parent.outputs[0]!;
  return payment([{ hash: txidOf(parent), index: 0 }], [{ value, script: scriptOf(random.below(OWNERS)) }]);
}

async function grow(random: Random, twin: Twin): Promise<void> {
  const keys = [...twin.blocks.keys()];
  const parentKey = random.chance(0.6) ? chain.tip.key : random.pick(keys.slice(-12));
  const length = random.chance(0.2) ? 1 + random.below(5) : 1;
  const line: Block[] = [];
  for (let i = 0; i < length; i++) {
    const branch = [...twin.branch(parentKey), ...line];
    // Twice as hard now and then: the longest branch need not have the most work.
    const bits = random.chance(0.2) ? 0x203fffff : 0x207fffff;
    line.push(makeBlock(branch.at(-1)!, { transactions: spends(random, branch), owner: random.below(OWNERS), bits }));
  }
  await chain.addHeaders(line.map(({ header }) => header));
  // All at once, as peers send them, or one after the other.
  const together = random.chance(0.5);
  const sent: (readonly [Block, ReturnType<NodeChain["addBlock"]>])[] = [];
  for (const block of random.chance(0.5) ? line : random.shuffled(line)) {
    const added = chain.addBlock(block);
    if (!together) await added;
    sent.push([block, added]);
  }
  for (const [block, added] of sent) {
    const result = await added;
    // What was refused for what its parents are was not kept either.
    if (result.ok || !["bad-prevblk", "duplicate-invalid"].includes(result.reason)) twin.add(block);
  }
}

async function ban(random: Random, twin: Twin): Promise<void> {
  const key = random.pick([...twin.blocks.keys()].slice(1).slice(-6));
  twin.banned.add(key);
  await chain.invalidate(hashFromKey(key));
}

async function forgive(random: Random, twin: Twin): Promise<void> {
  const key = random.pick([...twin.banned]);
  const branch = new Set(twin.branch(key).map(keyOf));
  await chain.reconsider(hashFromKey(key));
  for (const other of [...twin.banned]) {
    if (branch.has(other) || twin.branch(other).some((block) => keyOf(block) === key)) twin.banned.delete(other);
  }
}

async function compare(twin: Twin): Promise<void> {
  const line = twin.branch(chain.tip.key);
  expect(line.length).toBe(chain.tip.height + 1);
  expect(workOfLine(line)).toBe(chain.tip.work);
  expect(line.filter((block) => twin.banned.has(keyOf(block)))).toEqual([]);
  expect(replay(line).isValid).toBe(true);
  expect(chain.tip.work).toBe(twin.bestWork());
  const { coins, history, isValid } = replay(line);
  expect(isValid).toBe(true);
  const stats = await chain.coinStats();
  expect(stats.coinCount).toBe(coins.size);
  for (const { outpoint, coin } of coins.values()) expect(chain.coin(outpoint)).toEqual(coin);
  for (let owner = 0; owner < OWNERS; owner++) {
    const script = scriptOf(owner);
    const own = [...coins.values()].filter(({ coin }) => coin.script.equals(script));
    const ids = history.get(hashKey(script)) ?? [];
    const summary = chain.scriptSummary(script);
    expect(summary.balance).toBe(own.reduce((sum, { coin }) => sum + coin.value, 0));
    expect(summary).toMatchObject({ coinCount: own.length, transactionCount: ids.length });
    const listed = await chain.scriptHistory(script, { limit: 1000 });
    expect(listed.items.map(({ txid }) => hashText(txid))).toEqual(ids.map(hashText));
    expect((await chain.scriptCoins(script, { limit: 1000 })).items.length).toBe(own.length);
  }
}

/** What followers would hold: the line that the events tell. */
function follow(): { readonly line: string[]; stop: () => void } {
  const line: string[] = [];
  for (let height = 1; height <= chain.tip.height; height++) line.push(chain.at(height)!.key);
  const stop = chain.subscribe(({ kind, entry }) => {
    if (kind === "connected") line.push(entry.key);
    else expect(line.pop()).toBe(entry.key);
    expect(line.length).toBe(kind === "connected" ? entry.height : entry.height - 1);
  });
  return { line, stop };
}

describe("a random history", () => {
  it.each([1, 2, 3, 4])("ends as a replay of its blocks does, seed %i", { timeout: 60_000 }, async (seed) => {
    const random = new Random(seed);
    const twin = new Twin();
    let follower = follow();
    let reorganisations = 0;
    chain.onSettled((_tip, { reorganised }) => {
      if (reorganised) reorganisations++;
    });
    for (let step = 0; step < STEPS; step++) {
      if (random.chance(0.06) && twin.blocks.size > 3) await ban(random, twin);
      else if (random.chance(0.06) && twin.banned.size > 0) await forgive(random, twin);
      else await grow(random, twin);
      if (random.chance(0.08)) {
        await chain.close();
        chain = await open();
        follower = follow();
        chain.onSettled((_tip, { reorganised }) => {
          if (reorganised) reorganisations++;
        });
      }
      await compare(twin);
      expect(follower.line.at(-1) ?? chain.genesis.key).toBe(chain.tip.key);
    }
    expect(reorganisations).toBeGreaterThan(0);
    expect(chain.tip.height).toBeGreaterThan(10);
    expect(blockHash(regtest.genesis.header).equals(chain.genesis.hash)).toBe(true);
  });
});
