/**
 * A wallet that lived through payments, reorganisations, dropped transactions and restarts must say the same as one restored from its
 * words that only reads the chain as it ended up.
 */
import { afterEach, describe, expect, it } from "vitest";
import type { HistoryEntry, Wallet } from "../../src/wallet/types.ts";
import { foreignPayment } from "./support/chain.ts";
import { elsewhere, openNode, strangersAddress, type TestNode, tidy } from "./support/wallets.ts";

afterEach(tidy);

/** Mulberry32: small, seeded, good enough to wander with. */
function randomOf(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
}

interface World {
  readonly node: TestNode;
  readonly wallet: Wallet;
  readonly random: (n: number) => number;
  nonce: number;
}

const walletOf = (node: TestNode): Wallet => node.wallets.get("w")!;

const addressOf = ({ wallet, random }: World): Promise<string> =>
  wallet.newAddress({ type: random(2) === 0 ? "bech32" : "bech32m" });

/** What may happen, each about as often as it stands here. */
const steps: readonly ((world: World) => Promise<void>)[] = [
  async (world) => {
    const { node } = world;
    const some = [...node.pool.transactions()].filter(() => world.random(4) > 0);
    const ids = new Set(some);
    // A block holds no child without its parent.
    for (const one of some) if (!inOrder(node, one, ids)) ids.delete(one);
    node.chain.mine(world.random(2) === 0 ? node.scriptOf(await addressOf(world)) : elsewhere, [...ids], node.pool);
  },
  async ({ node }) => {
    node.chain.mine(elsewhere, [...node.pool.transactions()], node.pool);
  },
  async ({ node, random }) => {
    const depth = Math.min(1 + random(5), node.chain.blocks.length - 1);
    for (let count = 0; count < depth; count++) node.chain.unwind(node.pool);
    for (let count = random(depth + 2); count > 0; count--) node.chain.mine(elsewhere, [], node.pool);
  },
  async (world) => {
    const script = world.node.scriptOf(await addressOf(world));
    world.node.pool.add(foreignPayment([{ value: 10_000 + world.random(1e6), script }], ++world.nonce));
  },
  async (world) => {
    // A stranger's double spend: the same nonce, now paying elsewhere, in a block.
    const rival = foreignPayment([{ value: 999, script: elsewhere }], 1 + world.random(world.nonce + 1));
    world.node.chain.mine(elsewhere, [rival], world.node.pool);
  },
  async ({ wallet, random }) => {
    const amount = 1_000 + random(Math.max(1, wallet.balances().trusted));
    const address = random(3) === 0 ? await wallet.newAddress() : strangersAddress;
    await wallet
      .send([{ address, amount }], { feeRate: 1 + random(5) })
      .catch(expectCode("insufficient", "bad-amount"));
  },
  async ({ wallet, random }) => {
    const pending = wallet.history().filter(({ category, status }) => category === "send" && status.kind === "mempool");
    const chosen = pending[random(pending.length + 1)];
    if (chosen) await wallet.bumpFee(chosen.txid).catch(expectCode("bad-argument", "insufficient", "bad-amount"));
  },
];

function inOrder(
  node: TestNode,
  transaction: { inputs: readonly { prevout: { hash: Buffer } }[] },
  chosen: ReadonlySet<unknown>,
) {
  const waiting = new Map([...node.pool.held].map(([key, one]) => [key, one]));
  return transaction.inputs.every(({ prevout }) => {
    const parent = waiting.get(prevout.hash.toString("latin1"));
    return parent === undefined || chosen.has(parent);
  });
}

const expectCode =
  (...codes: string[]) =>
  (error: unknown): void => {
    expect(codes).toContain((error as { code?: string }).code);
  };

/** Everything that follows from the chain and the mempool alone. */
const sightOf = (wallet: Wallet) => ({
  balances: wallet.balances(),
  coins: wallet
    .coins()
    .map(({ txid, vout, value, depth, spendable }) => `${txid}:${vout} ${value} ${depth} ${spendable}`)
    .sort(),
  confirmed: wallet
    .history()
    .filter(({ status }) => status.kind === "confirmed")
    .map(({ txid, category, amount, fee, vout, address }) => `${txid} ${category} ${amount} ${fee} ${vout} ${address}`)
    .sort(),
});

/** Read in parts of a size that cuts transactions through, the history is the whole of it, the newest first. */
function expectParts(wallet: Wallet): void {
  const whole = new Map<string, HistoryEntry[]>();
  for (const entry of wallet.history()) whole.set(entry.txid, [...(whole.get(entry.txid) ?? []), entry]);
  const newestFirst = [...whole.values()].reverse().sort(([a], [b]) => b!.time - a!.time);
  const parts: HistoryEntry[] = [];
  const { total } = wallet.historyPart(0, 0);
  while (parts.length < total) parts.push(...wallet.historyPart(parts.length, 5).entries);
  expect(parts).toEqual(newestFirst.flat());
  expect(wallet.historyPart(total, 5)).toEqual({ entries: [], total });
}

/** Waits until payments that nothing carries any more hold no coins: a replay can't know of them. */
async function giveUpLost(wallet: Wallet): Promise<void> {
  const ids = new Set(wallet.history().map(({ txid }) => txid));
  for (const id of ids)
    if (wallet.transaction(id)?.status.kind === "inactive") await wallet.abandon(id).catch(expectCode("bad-argument"));
}

describe("a wallet after any history", { timeout: 120_000 }, () => {
  it.each([1, 2, 3, 4])("equals a replay of the chain (seed %i)", async (seed) => {
    const random = randomOf(seed);
    let node = await openNode({ random, gapLimit: 50 });
    const world: World = { node, wallet: await node.wallets.create("w"), random, nonce: 0 };
    node.chain.mine(node.scriptOf(await world.wallet.newAddress()));
    node.deepen(101);
    for (let step = 0; step < 80; step++) {
      world.nonce += 2;
      await steps[random(steps.length)]!({ ...world, node, wallet: walletOf(node), nonce: world.nonce });
      if (step % 10 === 0) expectParts(walletOf(node));
      if (step % 40 === 39) {
        await giveUpLost(walletOf(node));
        const before = sightOf(walletOf(node));
        const replayed = await node.wallets.create(`replay ${step}`, { mnemonic: walletOf(node).mnemonic() });
        expect(sightOf(replayed)).toEqual(before);
        await node.wallets.unload(`replay ${step}`);
        node = await node.reopen();
        expect(sightOf(walletOf(node))).toEqual(before);
      }
    }
  });
});

describe("a reorganisation", { timeout: 120_000 }, () => {
  it("takes a reward away with all that was paid from it, and brings both back", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    node.chain.mine(node.scriptOf(await wallet.newAddress()));
    node.deepen(100);
    const sent = await wallet.send([{ address: strangersAddress, amount: 1e8 }]);
    const taken = [];
    for (let count = 0; count < 101; count++) taken.push(node.chain.unwind(node.pool));
    expect(wallet.balances()).toEqual({ trusted: 0, pending: 0, immature: 0, confirmed: 0 });
    expect(wallet.history().map(({ category, status }) => [category, status.kind])).toEqual([
      ["orphan", "conflicted"],
      ["send", "conflicted"],
    ]);
    node.deepen(102);
    expect(wallet.balances().trusted).toBe(0);
    expect(wallet.transaction(sent.txid)?.status.kind).toBe("conflicted");
  });

  it("undoes a double spend, so that the payment stands again", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    const payment = foreignPayment([{ value: 5000, script: node.scriptOf(await wallet.newAddress()) }], 1);
    node.pool.add(payment);
    node.chain.mine(elsewhere, [foreignPayment([{ value: 4000, script: elsewhere }], 1)], node.pool);
    const [line] = wallet.history();
    expect(line?.status.kind).toBe("conflicted");
    expect(wallet.balances().pending).toBe(0);
    node.chain.unwind();
    expect(wallet.history()[0]?.status.kind).toBe("inactive");
    node.chain.mine(elsewhere, [payment]);
    expect(wallet.balances().trusted).toBe(5000);
  });

  it("while history is read changes nothing of the outcome", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    for (let count = 0; count < 5; count++) node.chain.mine(node.scriptOf(await wallet.newAddress()));
    node.deepen(101);
    const scan = wallet.rescan(0);
    expect(wallet.info().scanning).toBe(true);
    for (let count = 0; count < 103; count++) node.chain.unwind(node.pool);
    node.chain.mine(node.scriptOf(await wallet.newAddress()));
    await scan;
    const replayed = await node.wallets.create("again", { mnemonic: wallet.mnemonic() });
    expect(sightOf(wallet)).toEqual(sightOf(replayed));
    expect(wallet.balances().immature).toBe(4 * 50e8);
  });
});
