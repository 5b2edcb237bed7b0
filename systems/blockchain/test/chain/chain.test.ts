import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NodeChain } from "../../src/chain/chain.ts";
import { openChain } from "../../src/chain/open-chain.ts";
import type { ChainOptions } from "../../src/chain/options.ts";
import { openDatabase } from "../../src/chain/store/database.ts";
import { blockKey, undoKey } from "../../src/chain/store/keys.ts";
import type { ChainEvent } from "../../src/chain/types.ts";
import { devnet, regtest } from "../../src/consensus/params.ts";
import { type Block, blockHash } from "../../src/primitives/block.ts";
import { txid } from "../../src/primitives/transaction.ts";
import { BAD_NONCE, genesis, makeBlock, makeLine, payment, SUBSIDY, scriptOf, simpleRules } from "./support/blocks.ts";
import { FaultyDatabase } from "./support/faulty-database.ts";
import { TestClock } from "./support/node.ts";

const GIB = 2 ** 30;
const SOON = { timeout: 10_000 };
/** What is so after a while. */
const later =
  <T>(value: () => T) =>
  (): T => {
    clock.advance(5_000);
    return value();
  };
let dir: string;
let chain: NodeChain;
const clock = new TestClock();
const open = (options: Partial<ChainOptions> = {}) =>
  openChain({ dir, network: regtest, rules: simpleRules, diskReserveBytes: 0, clock, ...options });
const reopen = async (options: Partial<ChainOptions> = {}) => {
  await chain.close();
  chain = await open(options);
};
const hashOf = (block: Block): Buffer => blockHash(block.header);
const tipOf = (line: readonly Block[]): Buffer => hashOf(line.at(-1)!);
const addAll = async (line: readonly Block[]) => {
  for (const block of line) await chain.addBlock(block);
};
const isTip = (line: readonly Block[]): boolean => chain.tip.hash.equals(tipOf(line));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "chain-"));
  chain = await open();
});
afterEach(async () => {
  await chain.close();
  await rm(dir, { recursive: true });
});

describe("the tip", () => {
  it("is the branch with the most work, the first of equal ones, and comes back after a restart", async () => {
    const first = makeLine(genesis, 3);
    const second = makeLine(genesis, 3);
    await addAll(first);
    await addAll(second);
    expect(isTip(first)).toBe(true);
    await reopen();
    expect(isTip(first)).toBe(true);
    // Shorter, but with more work.
    const heavy = makeLine(genesis, 2, { bits: 0x203fffff });
    await addAll(heavy);
    expect(isTip(heavy)).toBe(true);
    expect(chain.tips().map(({ height }) => height)).toEqual([2, 3, 3]);
  });

  it("takes reorganisations of hundreds of blocks, and tells of each block in order", async () => {
    const short = makeLine(genesis, 300);
    await addAll(short);
    const events: ChainEvent[] = [];
    const settled: boolean[] = [];
    chain.subscribe((event) => events.push(event));
    chain.onSettled((_, { reorganised }) => settled.push(reorganised));
    const long = makeLine(genesis, 301);
    await addAll(long);
    expect(isTip(long)).toBe(true);
    const told = events.map(({ kind, height }) => `${kind} ${height}`);
    expect(told).toEqual([
      ...short.map((_, i) => `disconnected ${300 - i}`),
      ...long.map((_, i) => `connected ${i + 1}`),
    ]);
    expect(settled).toEqual([true]);
    expect((await chain.coinStats()).coinCount).toBe(301);
  });

  it("takes a block with as many outputs as can be, and gives them back", { timeout: 120_000 }, async () => {
    const count = 70_000;
    const start = makeLine(genesis, 1);
    await addAll(start);
    const script = (i: number): Buffer => Buffer.from([3, i & 0xff, (i >> 8) & 0xff, i >> 16]);
    const outputs = Array.from({ length: count }, (_, i) => ({ value: 1, script: script(i) }));
    const tx = payment([{ hash: txid(start[0]!.transactions[0]!), index: 0 }], outputs);
    const wide = makeBlock(start[0]!, { transactions: [tx] });
    expect(await chain.addBlock(wide)).toMatchObject({ ok: true });
    expect((await chain.coinStats()).coinCount).toBe(count + 1);
    expect(chain.scriptSummary(script(count - 1))).toMatchObject({ balance: 1, coinCount: 1 });
    await chain.invalidate(hashOf(wide));
    expect((await chain.coinStats()).coinCount).toBe(1);
    expect(chain.scriptSummary(script(count - 1))).toMatchObject({ balance: 0, transactionCount: 0 });
  });

  it("waits for blocks that are missing below, whatever order they come in", async () => {
    const line = makeLine(genesis, 20);
    expect(await chain.addHeaders(line.map(({ header }) => header))).toMatchObject({ ok: true, added: 20 });
    expect(chain.bestHeader.height).toBe(20);
    expect(chain.missing(5).map(({ height }) => height)).toEqual([1, 2, 3, 4, 5]);
    await addAll(line.slice(1).reverse());
    expect(chain.tip.height).toBe(0);
    expect(chain.missing(5).map(({ height }) => height)).toEqual([1]);
    await reopen();
    await addAll(line.slice(0, 1));
    expect(isTip(line)).toBe(true);
    expect(chain.tip.chainTransactionCount).toBe(21);
  });

  it("can be invalidated and reconsidered, which outlasts a restart", async () => {
    const line = makeLine(genesis, 5);
    await addAll(line);
    await chain.invalidate(hashOf(line[2]!));
    expect(chain.tip.height).toBe(2);
    expect(chain.bestHeader.height).toBe(2);
    expect(await chain.addBlock(makeBlock(line[4]!))).toMatchObject({ ok: false, reason: "bad-prevblk" });
    await reopen();
    expect(chain.tip.height).toBe(2);
    await chain.reconsider(hashOf(line[4]!));
    expect(isTip(line)).toBe(true);
    await expect(chain.invalidate(chain.genesis.hash)).rejects.toMatchObject({ code: "bad-request" });
    await expect(chain.invalidate(Buffer.alloc(32))).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("what is refused", () => {
  it("marks an invalid block and what builds on it, and falls back to the next best", async () => {
    const good = makeLine(genesis, 2);
    await addAll(good);
    const start = makeBlock(genesis);
    const thief = payment(
      [{ hash: txid(start.transactions[0]!), index: 0 }],
      [{ value: 2 * SUBSIDY, script: scriptOf(1) }],
    );
    const bad = makeBlock(start, { transactions: [thief] });
    const after = makeLine(bad, 2);
    await addAll([start, bad]);
    const results = [];
    for (const block of after) results.push(await chain.addBlock(block));
    expect(isTip(good)).toBe(true);
    expect(results.every(({ ok }) => !ok)).toBe(true);
    expect(chain.entry(hashOf(bad))).toMatchObject({ isInvalid: true });
    expect(await chain.addBlock(bad)).toMatchObject({ ok: false, reason: "duplicate-invalid", fault: "invalid" });
    await reopen();
    expect(isTip(good)).toBe(true);
    expect(await chain.addHeaders([makeBlock(bad).header])).toMatchObject({ reason: "bad-prevblk" });
  });

  it("does not hold an altered copy against the block", async () => {
    const block = makeBlock(genesis);
    const altered = { ...block, transactions: [...block.transactions, block.transactions[0]!] };
    expect(await chain.addBlock(altered)).toMatchObject({ ok: false, fault: "mutated" });
    expect(await chain.addBlock(block)).toMatchObject({ ok: true });
  });

  it("headers without a parent cost nothing, wrong ones end the line, what was right before them stays", async () => {
    const line = makeLine(genesis, 6);
    expect(await chain.addHeaders(line.slice(1).map(({ header }) => header))).toMatchObject({
      fault: "unknown",
      reason: "prev-blk-not-found",
    });
    expect(chain.headerCount).toBe(1);
    const headers = line.map(({ header }, i) => (i === 4 ? { ...header, nonce: BAD_NONCE } : header));
    expect(await chain.addHeaders(headers)).toMatchObject({ fault: "invalid", reason: "high-hash" });
    expect(chain.bestHeader.height).toBe(4);
    expect(await chain.addBlock(makeBlock(line[0]!), { requested: false })).toMatchObject({ ok: true });
  });

  it("a coinbase that has been before and is not all spent (BIP 30)", async () => {
    const line = makeLine(genesis, 2);
    await addAll(line);
    const { header } = makeBlock(line[1]!);
    const transactions = line[0]!.transactions;
    const again = { header: { ...header, merkleRoot: line[0]!.header.merkleRoot }, transactions };
    expect(await chain.addBlock(again)).toMatchObject({ fault: "invalid", reason: "bad-txns-BIP30" });
    expect(isTip(line)).toBe(true);
  });

  it("blocks that nobody asked for and that lead nowhere", async () => {
    await addAll(makeLine(genesis, 4));
    expect(await chain.addBlock(makeBlock(genesis), { requested: false })).toMatchObject({ reason: "unrequested" });
    expect(await chain.addBlock(makeBlock(genesis))).toMatchObject({ ok: true, isNew: true });
  });

  it("a flood of cheap headers, without shutting out a branch with more work", async () => {
    await reopen({ maxSideHeaders: 50 });
    await addAll(makeLine(genesis, 40));
    let refused = 0;
    for (let i = 0; i < 20; i++) {
      const result = await chain.addHeaders(makeLine(genesis, 10).map(({ header }) => header));
      if (!result.ok) refused++;
    }
    expect(chain.headerCount).toBeLessThanOrEqual(41 + 50);
    const better = makeLine(genesis, 60);
    expect(await chain.addHeaders(better.map(({ header }) => header))).toMatchObject({ ok: true });
    await addAll(better);
    expect(isTip(better)).toBe(true);
    expect(refused).toBeLessThan(20);
  });
});

describe("reads", () => {
  it("find transactions, pages of a script's history and coins, and the way by locators", async () => {
    const line = makeLine(genesis, 25, { owner: 3 });
    await addAll(line);
    const tx = line[9]!.transactions[0]!;
    expect(await chain.transaction(txid(tx))).toMatchObject({ tx, position: 0, entry: { height: 10 } });
    expect(await chain.transaction(Buffer.alloc(32))).toBeUndefined();
    const heights: number[] = [];
    for (let cursor: string | undefined, page = 0; page < 3; page++) {
      const part = await chain.scriptHistory(scriptOf(3), { limit: 10, reverse: true, ...(cursor ? { cursor } : {}) });
      heights.push(...part.items.map(({ height }) => height));
      cursor = part.cursor;
    }
    expect(heights).toEqual(Array.from({ length: 25 }, (_, i) => 25 - i));
    const coins = await chain.scriptCoins(scriptOf(3), { limit: 20 });
    expect(coins.items.length).toBe(20);
    const rest = await chain.scriptCoins(scriptOf(3), { limit: 20, cursor: coins.cursor! });
    expect(rest).toMatchObject({ items: { length: 5 }, cursor: undefined });
    await expect(chain.scriptCoins(scriptOf(3), { cursor: "../x" })).rejects.toMatchObject({ code: "bad-cursor" });
    const locator = chain.locator();
    expect(locator.length).toBeLessThan(20);
    expect(chain.findFork([Buffer.alloc(32), hashOf(line[11]!)])).toBe(chain.at(12));
    expect(chain.findFork([])).toBe(chain.genesis);
    expect(chain.ancestor(chain.tip, 7)).toBe(chain.at(7));
  });
});

describe("the disk", () => {
  const faulty = async (): Promise<FaultyDatabase> => {
    const database = new FaultyDatabase(await openDatabase({ dir: join(dir, "faulty") }));
    await reopen({ dir: join(dir, "faulty"), open: async () => database });
    return database;
  };

  it("that fills up stops the chain, not the reads, and it goes on where it was", async () => {
    const database = await faulty();
    const line = makeLine(genesis, 6);
    await addAll(line.slice(0, 3));
    const states: string[] = [];
    chain.onStateChange(({ kind }) => states.push(kind));
    database.failWrites = new RangeError("IO error: 000005.log: No space left on device");
    database.free = 0;
    expect(await chain.addBlock(line[3]!)).toMatchObject({ ok: false, fault: "refused", reason: "disk-full" });
    expect(await chain.addHeaders([line[4]!.header])).toMatchObject({ fault: "refused", reason: "disk-full" });
    expect(chain.tip.height).toBe(3);
    expect(chain.coin({ hash: txid(line[0]!.transactions[0]!), index: 0 })).toBeDefined();
    clock.advance(5_000);
    expect(chain.state.kind).toBe("disk-full");
    database.failWrites = undefined;
    database.free = GIB;
    await expect
      .poll(
        later(() => chain.state.kind),
        SOON,
      )
      .toBe("running");
    expect(database.reopened).toBe(1);
    await addAll(line.slice(3));
    expect(isTip(line)).toBe(true);
    expect(states).toEqual(["disk-full", "running"]);
  });

  it("that fills up in the middle of a reorganisation leaves a whole chain, which gets there in the end", async () => {
    const database = await faulty();
    await addAll(makeLine(genesis, 4));
    const better = makeLine(genesis, 6);
    await addAll(better.slice(0, 4));
    database.failWrites = new RangeError("No space left on device");
    // Header, block, then one disconnected block; the next write fails.
    database.writesBefore = 3;
    expect(await chain.addBlock(better[4]!)).toMatchObject({ reason: "disk-full" });
    expect((await chain.coinStats()).coinCount).toBe(chain.tip.height);
    database.failWrites = undefined;
    database.free = GIB;
    await expect
      .poll(
        later(() => chain.tip.height),
        SOON,
      )
      .toBe(5);
    expect((await chain.coinStats()).coinCount).toBe(5);
    await addAll(better.slice(5));
    expect(isTip(better)).toBe(true);
  });

  it("whose writes fail for another reason ends it, with a message", async () => {
    const database = await faulty();
    database.failWrites = new RangeError("IO error: bad sector");
    await expect(chain.addBlock(makeBlock(genesis))).rejects.toMatchObject({ code: "database" });
    expect(chain.state).toMatchObject({ kind: "failed", message: expect.stringContaining("bad sector") });
    await expect(chain.addBlock(makeBlock(genesis))).rejects.toMatchObject({ code: "failed" });
  });
});

describe("a database", () => {
  it("is one process's", async () => {
    await expect(open()).rejects.toMatchObject({ code: "locked" });
  });

  it("of another network or with other indexes is refused", async () => {
    await chain.close();
    await expect(open({ network: devnet })).rejects.toMatchObject({ code: "bad-config" });
    await expect(open({ indexes: { scripts: false } })).rejects.toMatchObject({ code: "bad-config" });
    chain = await open();
  });

  it.each([
    ["a block", blockKey],
    ["undo data", undoKey],
  ])("with %s altered is refused, with what to do", async (_, keyOf) => {
    const line = makeLine(genesis, 3);
    await addAll(line);
    await chain.close();
    const database = await openDatabase({ dir });
    const key = keyOf(hashOf(line[1]!));
    const value = Buffer.from((await database.get(key))!);
    value[value.length - 1]! ^= 1;
    await database.write([{ type: "put", key, value }], { durable: true });
    await database.close();
    await expect(open()).rejects.toMatchObject({
      code: "damaged",
      message: expect.stringContaining("fetches the chain"),
    });
    await rm(dir, { recursive: true });
    chain = await open();
  });

  it("whose files are garbage is refused", async () => {
    await addAll(makeLine(genesis, 3));
    await chain.close();
    for (const file of await readdir(dir)) {
      if (file.startsWith("MANIFEST")) await writeFile(join(dir, file), Buffer.alloc(100, 7));
    }
    await expect(open()).rejects.toMatchObject({ code: "damaged" });
    await rm(dir, { recursive: true });
    chain = await open();
  });
});
