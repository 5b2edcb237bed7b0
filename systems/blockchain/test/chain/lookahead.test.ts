import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { NodeChain } from "../../src/chain/chain.ts";
import { openChain } from "../../src/chain/open-chain.ts";
import type { Rules } from "../../src/chain/rules.ts";
import { regtest } from "../../src/consensus/params.ts";
import { type Rejection, rejection } from "../../src/consensus/rejection.ts";
import { type Block, blockHash } from "../../src/primitives/block.ts";
import { type OutPoint, txid } from "../../src/primitives/transaction.ts";
import { BAD_NONCE, genesis, makeBlock, payment, SUBSIDY, scriptOf, simpleRules } from "./support/blocks.ts";

const idOf = ({ header }: Block): string => blockHash(header).toString("hex");

/** Asked about inputs, these say nothing until a test does. */
class HeldRules implements Rules {
  readonly checkHeader = simpleRules.checkHeader;
  readonly asked: Block[] = [];
  /** By hash: a block may come from disk. */
  readonly #answers = new Map<string, (wrong?: Rejection | Error) => void>();
  blockChecks = 0;

  checkBlock(block: Block, parent: Parameters<Rules["checkBlock"]>[1]) {
    this.blockChecks++;
    return simpleRules.checkBlock(block, parent);
  }

  checkInputs(block: Block): Promise<Rejection | undefined> {
    this.asked.push(block);
    return new Promise((resolve, reject) => {
      this.#answers.set(idOf(block), (wrong) => (wrong instanceof Error ? reject(wrong) : resolve(wrong)));
    });
  }

  async answer(block: Block, wrong?: Rejection | Error): Promise<void> {
    await isAskedOf(block);
    this.#answers.get(idOf(block))?.(wrong);
  }
}

let dir: string;
let chain: NodeChain;
let rules: HeldRules;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lookahead-"));
  rules = new HeldRules();
  chain = await openChain({ dir, network: regtest, rules, diskReserveBytes: 0 });
});
afterEach(async () => {
  await chain.close();
  await rm(dir, { recursive: true });
});

const rewardOf = (block: Block): OutPoint => ({ hash: txid(block.transactions[0]!), index: 0 });
const spend = (from: OutPoint, owner: number) => payment([from], [{ value: SUBSIDY, script: scriptOf(owner) }]);
const isAskedOf = (block: Block) =>
  vi.waitFor(() => expect(rules.asked.map(idOf)).toContain(idOf(block)), { timeout: 10_000 });

/** One block, one that spends its reward, and one that spends that. */
function line(): [Block, Block, Block] {
  const first = makeBlock(genesis, { owner: 1 });
  const second = makeBlock(first, { transactions: [spend(rewardOf(first), 2)] });
  const third = makeBlock(second, { transactions: [spend({ hash: txid(second.transactions[1]!), index: 0 }, 3)] });
  return [first, second, third];
}

test("a block's inputs are looked at while those of the block before are, once, and connected in order", async () => {
  const [first, second, third] = line();
  const heights: number[] = [];
  chain.subscribe(({ height }) => heights.push(height));
  const results = [first, second, third].map((block) => chain.addBlock(block));
  await isAskedOf(second);
  expect(rules.asked).toEqual([first, second]);
  // The second is done before the first: it has to wait all the same.
  await rules.answer(second);
  expect(chain.tip.height).toBe(0);
  await rules.answer(first);
  await rules.answer(third);
  expect((await Promise.all(results)).map(({ ok }) => ok)).toEqual([true, true, true]);
  expect(heights).toEqual([1, 2, 3]);
  expect(rules.asked).toEqual([first, second, third]);
  expect(rules.blockChecks).toBe(3);
  expect(chain.coin(rewardOf(first))).toBeUndefined();
  expect(chain.scriptSummary(scriptOf(3)).balance).toBe(SUBSIDY);
});

test("a block that comes while the one before is being checked is looked at too", async () => {
  const [first, second] = line();
  const one = chain.addBlock(first);
  await isAskedOf(first);
  const other = chain.addBlock(second);
  await isAskedOf(second);
  await rules.answer(first);
  await rules.answer(second);
  expect([await one, await other]).toMatchObject([{ ok: true }, { ok: true }]);
});

test("a spend of what the block before has spent is refused", async () => {
  const [first, second] = line();
  const again = makeBlock(second, { transactions: [spend(rewardOf(first), 4)] });
  const results = [first, second, again].map((block) => chain.addBlock(block));
  await rules.answer(first);
  await rules.answer(second);
  expect(await Promise.all(results)).toMatchObject([{ ok: true }, { ok: true }, { ok: false, fault: "invalid" }]);
  expect(rules.asked).toEqual([first, second]);
});

test.each([
  ["valid", undefined],
  ["invalid", rejection("bad-txns-in-belowout")],
  ["not to be decided", new TypeError("a thread died")],
])("after an invalid block nothing is taken, though what follows is found %s", async (_, answer) => {
  const [first, second] = line();
  const results = [first, second].map((block) => chain.addBlock(block));
  await rules.answer(second, answer);
  await rules.answer(first, rejection("bad-txns-in-belowout"));
  expect(await Promise.all(results)).toMatchObject([
    { ok: false, reason: "bad-txns-in-belowout" },
    { ok: false, fault: "invalid" },
  ]);
  expect(chain.state.kind).toBe("running");
  const other = makeBlock(genesis, { owner: 9 });
  const taken = chain.addBlock(other);
  await rules.answer(other);
  expect(await taken).toMatchObject({ ok: true });
});

test("a block without work in its header costs no work", async () => {
  const [first, second] = line();
  const worthless = { ...second, header: { ...second.header, nonce: BAD_NONCE } };
  const results = [first, worthless].map((block) => chain.addBlock(block));
  await isAskedOf(first);
  expect(rules.blockChecks).toBe(1);
  await rules.answer(first);
  expect(await Promise.all(results)).toMatchObject([{ ok: true }, { ok: false, reason: "high-hash" }]);
  expect(rules.blockChecks).toBe(1);
});

test("what was found is of one block on one parent: a sibling that goes in first changes nothing", async () => {
  const [first, second] = line();
  const sibling = makeBlock(first, { owner: 5, transactions: [spend(rewardOf(first), 6)] });
  const child = makeBlock(second);
  const one = chain.addBlock(first);
  await isAskedOf(first);
  const rest = [sibling, second, child].map((block) => chain.addBlock(block));
  for (const block of [first, sibling]) await rules.answer(block);
  await one;
  // The second is stored beside; its child makes its branch the longer one.
  await rules.answer(second);
  await rules.answer(child);
  expect((await Promise.all(rest)).map(({ ok }) => ok)).toEqual([true, true, true]);
  expect(chain.tip.hash.equals(blockHash(child.header))).toBe(true);
  expect(rules.asked.map(idOf)).toEqual([first, sibling, second, child].map(idOf));
  expect(chain.scriptSummary(scriptOf(6)).balance).toBe(0);
  expect(chain.scriptSummary(scriptOf(2)).balance).toBe(SUBSIDY);
});

test("a stored block is looked at while the one before is being connected, read once", async () => {
  const [first, second, third] = line();
  await chain.addHeaders([first, second, third].map(({ header }) => header));
  for (const block of [third, second]) expect(await chain.addBlock(block)).toMatchObject({ ok: true });
  const done = chain.addBlock(first);
  await rules.answer(first);
  // Both are at work before either is done.
  await isAskedOf(third);
  expect(chain.tip.height).toBe(1);
  await rules.answer(second);
  await rules.answer(third);
  expect(await done).toMatchObject({ ok: true });
  expect(chain.tip.height).toBe(3);
  expect(rules.asked.map(idOf)).toEqual([first, second, third].map(idOf));
});

test("a stored block that follows an invalid one is looked at for nothing", async () => {
  const [first, second, third] = line();
  await chain.addHeaders([first, second, third].map(({ header }) => header));
  for (const block of [third, second]) await chain.addBlock(block);
  const done = chain.addBlock(first);
  await rules.answer(first);
  await isAskedOf(third);
  await rules.answer(second, rejection("bad-txns-in-belowout"));
  expect(await done).toMatchObject({ ok: true });
  expect(chain.tip.height).toBe(1);
  const other = makeBlock(first, { owner: 7 });
  const taken = chain.addBlock(other);
  await rules.answer(other);
  expect(await taken).toMatchObject({ ok: true });
});
