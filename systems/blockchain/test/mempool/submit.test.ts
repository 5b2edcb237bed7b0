/** Large transactions: their scripts are for other threads, and what is answered is true of the tip afterwards. */
import { describe, expect, it, vi } from "vitest";
import { openMempool } from "../../src/mempool/open-mempool.ts";
import type { ScriptFault, ScriptVerifier } from "../../src/mempool/verify.ts";
import { type Transaction, totalSize } from "../../src/primitives/transaction.ts";
import { outputOf, type Spend, spend, TestNode } from "../chain/support/node.ts";

const COIN = 1e8;
const small = (from: Spend): Transaction => spend([from], [{ value: 49 * COIN, owner: 1 }]);
const large = (from: Spend, value = 1 * COIN): Transaction =>
  spend(
    [from],
    Array.from({ length: 40 }, () => ({ value, owner: 1 })),
  );

/** Counts who is asked; other threads say nothing until a test does. */
class HeldScripts implements ScriptVerifier {
  readonly here: Transaction[] = [];
  readonly ahead: Transaction[] = [];
  #answer: (fault: ScriptFault | undefined) => void = () => undefined;

  verifyScripts(tx: Transaction): undefined {
    this.here.push(tx);
  }

  verifyAhead(tx: Transaction): Promise<ScriptFault | undefined> {
    this.ahead.push(tx);
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  async answer(tx: Transaction, fault?: ScriptFault): Promise<void> {
    await vi.waitFor(() => expect(this.ahead.at(-1)).toBe(tx), { timeout: 10_000 });
    this.#answer(fault);
  }
}

async function nodeWithHeldScripts() {
  const node = await TestNode.open();
  const scripts = new HeldScripts();
  const mempool = await openMempool({ chain: node.chain, clock: node.clock, scripts });
  return { node, scripts, mempool };
}

describe("a transaction that is submitted", () => {
  it("is checked at once when it is small", async () => {
    const { node, scripts, mempool } = await nodeWithHeldScripts();
    await using _ = node;
    const [coin] = await node.ripe(1);
    const tx = small(coin!);
    expect(await mempool.submit(tx)).toMatchObject({ ok: true });
    expect([scripts.here, scripts.ahead]).toEqual([[tx], []]);
  });

  it("is checked by other threads when it is large, and never here if they refuse it", async () => {
    const { node, scripts, mempool } = await nodeWithHeldScripts();
    await using _ = node;
    const [coin] = await node.ripe(1);
    const tx = large(coin!);
    expect(totalSize(tx)).toBeGreaterThan(1000);
    const wrong = mempool.submit(tx);
    await scripts.answer(tx, { error: "EVAL_FALSE", input: 0, isConsensus: true });
    expect(await wrong).toMatchObject({ ok: false, isInvalid: true, detail: "input 0" });
    expect([scripts.here, mempool.size]).toEqual([[], 0]);
    const right = mempool.submit(tx);
    await scripts.answer(tx);
    expect(await right).toMatchObject({ ok: true });
    expect(scripts.here).toEqual([tx]);
  });

  it("is not worth the threads' time when something else is wrong with it", async () => {
    const { node, scripts, mempool } = await nodeWithHeldScripts();
    await using _ = node;
    const [coin] = await node.ripe(1);
    expect(await mempool.submit(large(coin!, 2 * COIN))).toMatchObject({ reason: "bad-txns-in-belowout" });
    expect([scripts.here, scripts.ahead]).toEqual([[], []]);
  });

  it("is judged by what is there when the threads are done", async () => {
    const { node, scripts, mempool } = await nodeWithHeldScripts();
    await using _ = node;
    const [coin] = await node.ripe(1);
    const tx = large({ ...coin!, sequence: 0xffffffff });
    const waiting = mempool.submit(tx);
    const other = spend([{ ...coin!, sequence: 0xffffffff }], [{ value: 49 * COIN, owner: 2 }]);
    expect(mempool.accept(other)).toMatchObject({ ok: true });
    await scripts.answer(tx);
    expect(await waiting).toMatchObject({ ok: false, reason: "txn-mempool-conflict" });
    expect(mempool.size).toBe(1);
  });

  it("is left to other threads too when its parent comes after it", async () => {
    const { node, scripts, mempool } = await nodeWithHeldScripts();
    await using _ = node;
    const [coin] = await node.ripe(1);
    const parent = small(coin!);
    const child = large(outputOf(parent, 0, 1));
    expect(await mempool.submit(child)).toMatchObject({ kind: "orphan" });
    expect(await mempool.submit(parent)).toMatchObject({ ok: true });
    expect(scripts.here).toEqual([parent]);
    await scripts.answer(child);
    await vi.waitFor(() => expect(mempool.size).toBe(2), { timeout: 10_000 });
  });
});
