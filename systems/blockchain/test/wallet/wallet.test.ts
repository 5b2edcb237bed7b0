import { afterEach, describe, expect, it } from "vitest";
import { hashFromText, hashText } from "../../src/primitives/hash.ts";
import { decodeTransaction, type Transaction, txid } from "../../src/primitives/transaction.ts";
import { TransactionChecker } from "../../src/script/checker.ts";
import { consensusFlags, standardFlags } from "../../src/script/flags.ts";
import { verifyScript } from "../../src/script/interpreter.ts";
import { Spending } from "../../src/script/spending.ts";
import { WalletError } from "../../src/wallet/errors.ts";
import type { Wallet, WalletEvent } from "../../src/wallet/types.ts";
import { openWallets } from "../../src/wallet/wallets.ts";
import { foreignPayment } from "./support/chain.ts";
import { elsewhere, openNode, strangersAddress, type TestNode, tidy } from "./support/wallets.ts";

afterEach(tidy);

const COIN = 1e8;

/** A node whose wallet has coins of one coinbase, mature. */
async function richNode(blocks = 1): Promise<TestNode & { readonly wallet: Wallet }> {
  const node = await openNode();
  const wallet = await node.wallets.create("rich");
  for (let count = 0; count < blocks; count++) node.chain.mine(node.scriptOf(await wallet.newAddress()));
  node.deepen(100);
  return { ...node, wallet };
}

/** Throws unless every input's script and witness unlock what it spends, by the rules of relay. */
function requireValid(transaction: Transaction, { chain, pool }: TestNode): void {
  const known = [...chain.blocks.flatMap(({ transactions }) => transactions), ...pool.transactions()];
  const spent = transaction.inputs.map(
    ({ prevout }) => known.find((one) => txid(one).equals(prevout.hash))!.outputs[prevout.index]!,
  );
  const spending = new Spending(transaction, spent);
  for (const [index, { script, witness }] of transaction.inputs.entries()) {
    const checker = new TransactionChecker(spending, index);
    const input = { script, witness, spent: spent[index]!.script };
    expect(verifyScript(input, consensusFlags | standardFlags, checker)).toBeUndefined();
  }
}

const poolTransaction = ({ pool }: TestNode, id: string): Transaction =>
  [...pool.transactions()].find((one) => hashText(txid(one)) === id)!;

describe("balances", { timeout: 60_000 }, () => {
  it("tell confirmed, immature, pending and our own change apart", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    node.chain.mine(node.scriptOf(await wallet.newAddress()));
    expect(wallet.balances()).toEqual({ trusted: 0, pending: 0, immature: 50 * COIN, confirmed: 0 });
    node.deepen(99);
    expect(wallet.balances().immature).toBe(50 * COIN);
    node.deepen(1);
    expect(wallet.balances()).toEqual({ trusted: 50 * COIN, pending: 0, immature: 0, confirmed: 50 * COIN });

    node.pool.add(foreignPayment([{ value: 3 * COIN, script: node.scriptOf(await wallet.newAddress()) }], 1));
    expect(wallet.balances()).toMatchObject({ trusted: 50 * COIN, pending: 3 * COIN });

    const { fee } = await wallet.send([{ address: strangersAddress, amount: 10 * COIN }]);
    expect(wallet.balances()).toEqual({ trusted: 40 * COIN - fee, pending: 3 * COIN, immature: 0, confirmed: 0 });
  });

  it("see payments to addresses of both kinds, and not to strangers", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    const [segwit, taproot] = [await wallet.newAddress(), await wallet.newAddress({ type: "bech32m" })];
    const outputs = [
      { value: 1000, script: node.scriptOf(segwit) },
      { value: 2000, script: node.scriptOf(taproot) },
      { value: 4000, script: elsewhere },
    ];
    node.chain.mine(elsewhere, [foreignPayment(outputs, 1)]);
    expect(wallet.balances().trusted).toBe(3000);
    expect(wallet.history().map(({ category, amount, address }) => [category, amount, address])).toEqual([
      ["receive", 1000, segwit],
      ["receive", 2000, taproot],
    ]);
  });
});

describe("sending", { timeout: 60_000 }, () => {
  it("makes valid transactions from coins of both kinds, confirmed and change", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    for (const type of ["bech32", "bech32m", "bech32"] as const)
      node.chain.mine(node.scriptOf(await wallet.newAddress({ type })));
    node.deepen(101);
    for (const amount of [120, 10, 10]) {
      const sent = await wallet.send([{ address: strangersAddress, amount: amount * COIN }], { feeRate: 7 });
      const transaction = poolTransaction(node, sent.txid);
      requireValid(transaction, node);
      expect(sent.fee / sent.vsize).toBeGreaterThanOrEqual(7);
      expect(sent.fee / sent.vsize).toBeLessThan(7.1);
      expect(transaction.inputs.every(({ sequence }) => sequence === 0xfffffffd)).toBe(true);
    }
    expect(
      wallet
        .history()
        .filter(({ category }) => category === "send")
        .map(({ amount }) => amount / COIN),
    ).toEqual([-120, -10, -10]);
  });

  it("never spends what others have not confirmed, nor more than there is", async () => {
    const node = await richNode();
    const { wallet } = node;
    node.pool.add(foreignPayment([{ value: 30 * COIN, script: node.scriptOf(await wallet.newAddress()) }], 1));
    await expect(wallet.send([{ address: strangersAddress, amount: 60 * COIN }])).rejects.toMatchObject({
      code: "insufficient",
    });
    await expect(wallet.send([{ address: strangersAddress, amount: 50 * COIN }])).rejects.toMatchObject({
      code: "insufficient",
    });
    await expect(wallet.send([{ address: strangersAddress, amount: 100 }])).rejects.toMatchObject({
      code: "bad-amount",
    });
    await expect(wallet.send([{ address: "nonsense", amount: COIN }])).rejects.toMatchObject({ code: "bad-address" });
    expect(node.pool.held.size).toBe(1);
  });

  it("takes the fee off a payment when asked", async () => {
    const { wallet, ...node } = await richNode();
    const payments = [{ address: strangersAddress, amount: 50 * COIN }];
    const { txid: id, fee } = await wallet.send(payments, { subtractFeeFrom: [strangersAddress] });
    expect(poolTransaction(node, id).outputs).toEqual([{ value: 50 * COIN - fee, script: elsewhere }]);
  });

  it("spends coins of chosen addresses only, and none that are locked", async () => {
    const { wallet, ...node } = await richNode(2);
    const [first, second] = wallet.coins();
    const { txid: id } = await wallet.send([{ address: strangersAddress, amount: COIN }], {
      fromAddresses: [second!.address],
    });
    expect(poolTransaction(node, id).inputs.map(({ prevout }) => hashText(prevout.hash))).toEqual([second!.txid]);
    await wallet.lockCoins([first!], true);
    await expect(wallet.send([{ address: strangersAddress, amount: 49.5 * COIN }])).rejects.toMatchObject({
      code: "insufficient",
    });
    await wallet.lockCoins([first!], false);
    await wallet.send([{ address: strangersAddress, amount: 49.5 * COIN }]);
  });

  it("uses each change address once", async () => {
    const { wallet, ...node } = await richNode(4);
    const changes = new Set<string>();
    for (let count = 0; count < 4; count++) {
      const { txid: id } = await wallet.send([{ address: strangersAddress, amount: 20 * COIN }]);
      const change = poolTransaction(node, id).outputs.find(({ script }) => !script.equals(elsewhere))!;
      changes.add(change.script.toString("hex"));
    }
    expect(changes.size).toBe(4);
  });

  it("gives the coins back when the mempool refuses", async () => {
    const { wallet, pool } = await richNode();
    pool.refuse = "min relay fee not met";
    await expect(wallet.send([{ address: strangersAddress, amount: COIN }])).rejects.toMatchObject({
      code: "rejected",
    });
    pool.refuse = undefined;
    expect(wallet.balances().trusted).toBe(50 * COIN);
    await wallet.send([{ address: strangersAddress, amount: COIN }]);
  });

  it("of many at once never spends a coin twice", async () => {
    const { wallet, pool } = await richNode(3);
    const amounts = [11, 12, 13, 14, 15, 16];
    await Promise.all(amounts.map((amount) => wallet.send([{ address: strangersAddress, amount: amount * COIN }])));
    const inputs = [...pool.transactions()].flatMap((one) =>
      one.inputs.map(({ prevout }) => `${hashText(prevout.hash)}${prevout.index}`),
    );
    expect(new Set(inputs).size).toBe(inputs.length);
    expect(pool.held.size).toBe(amounts.length);
  });
});

describe("fee bumps", { timeout: 60_000 }, () => {
  it("replace a payment by one with the same inputs and payments that pays more", async () => {
    const { wallet, ...node } = await richNode();
    const sent = await wallet.send([{ address: strangersAddress, amount: COIN }], { feeRate: 2 });
    const original = poolTransaction(node, sent.txid);
    const bumped = await wallet.bumpFee(sent.txid, { feeRate: 9 });
    const replacement = poolTransaction(node, bumped.txid);
    requireValid(replacement, node);
    expect(node.pool.held.size).toBe(1);
    expect(bumped.fee).toBeGreaterThanOrEqual(sent.fee + bumped.vsize);
    expect(replacement.inputs.map(({ prevout }) => prevout)).toEqual(original.inputs.map(({ prevout }) => prevout));
    expect(replacement.outputs).toContainEqual({ value: COIN, script: elsewhere });
    expect(wallet.transaction(sent.txid)).toMatchObject({ entries: [{ replacedBy: bumped.txid }] });
    expect(wallet.balances().trusted).toBe(49 * COIN - bumped.fee);

    node.chain.mine(elsewhere, [replacement], node.pool);
    expect(wallet.transaction(sent.txid)?.status).toEqual({ kind: "conflicted", depth: -1 });
    await expect(wallet.bumpFee(bumped.txid)).rejects.toMatchObject({ code: "bad-argument" });
  });

  it("add inputs when the change does not suffice", async () => {
    const { wallet, ...node } = await richNode(2);
    const sent = await wallet.send([{ address: strangersAddress, amount: 50 * COIN - 400 }], { feeRate: 1 });
    const bumped = await wallet.bumpFee(sent.txid, { feeRate: 50 });
    const replacement = poolTransaction(node, bumped.txid);
    requireValid(replacement, node);
    expect(replacement.inputs).toHaveLength(2);
  });

  it("are refused for a payment that does not signal, or whose change is spent", async () => {
    const { wallet } = await richNode(1);
    const final = await wallet.send([{ address: strangersAddress, amount: COIN }], { replaceable: false });
    await expect(wallet.bumpFee(final.txid)).rejects.toThrow(/not BIP 125/);
    const parent = await wallet.send([{ address: strangersAddress, amount: COIN }]);
    await wallet.send([{ address: strangersAddress, amount: COIN }]);
    await expect(wallet.bumpFee(parent.txid)).rejects.toThrow(/descendants/);
  });
});

describe("abandoning", { timeout: 60_000 }, () => {
  it("frees the coins of a payment that the mempool lost, and of all that follow from it", async () => {
    const { wallet, ...node } = await richNode();
    const parent = await wallet.send([{ address: strangersAddress, amount: COIN }]);
    const child = await wallet.send([{ address: strangersAddress, amount: COIN }]);
    await expect(wallet.abandon(parent.txid)).rejects.toThrow(/not eligible/);
    node.pool.drop(poolTransaction(node, parent.txid), "expired");
    expect(wallet.balances().trusted).toBe(0);
    expect(wallet.transaction(parent.txid)?.status.kind).toBe("inactive");
    await wallet.abandon(parent.txid);
    expect(wallet.transaction(child.txid)?.status.kind).toBe("abandoned");
    expect(wallet.balances().trusted).toBe(50 * COIN);
  });
});

describe("a restart", { timeout: 60_000 }, () => {
  it("keeps addresses, labels, locked coins, unconfirmed and replaced payments", async () => {
    const { wallet, ...node } = await richNode(3);
    const address = await wallet.newAddress({ label: "rent" });
    const sent = await wallet.send([{ address: strangersAddress, amount: COIN }], { comment: "bread", feeRate: 2 });
    await wallet.bumpFee(sent.txid);
    await wallet.lockCoins([wallet.coins().find(({ spendable }) => spendable)!], true);
    const before = [wallet.balances(), wallet.addresses(), new Set(wallet.history()), wallet.coins()];
    const reopened = await node.reopen();
    const again = reopened.wallets.get("rich")!;
    expect([again.balances(), again.addresses(), new Set(again.history()), again.coins()]).toEqual(before);
    expect(again.address(address)?.label).toBe("rent");
    expect(again.transaction(sent.txid)?.entries[0]).toMatchObject({ comment: "bread" });
    expect(await again.newAddress()).not.toBe(address);
  });

  it("remembers a payment that the mempool forgot", async () => {
    const { wallet, ...node } = await richNode();
    const { txid: id } = await wallet.send([{ address: strangersAddress, amount: COIN }]);
    node.pool.held.clear();
    node.pool.refuse = "mempool full";
    const reopened = await node.reopen();
    const again = reopened.wallets.get("rich")!;
    const known = again.transaction(id)!;
    expect(known.status.kind).toBe("inactive");
    expect(hashText(txid(decodeTransaction(Buffer.from(known.hex!, "hex"))))).toBe(id);
    expect(again.balances().trusted).toBe(0);
    node.pool.refuse = undefined;
    const { wallets } = await reopened.reopen();
    expect(wallets.get("rich")!.transaction(id)?.status.kind).toBe("mempool");
    expect(node.pool.held.size).toBe(1);
  });

  it("is not needed for a payment that the mempool dropped to be offered again", async () => {
    const { wallet, ...node } = await richNode();
    const { txid: id } = await wallet.send([{ address: strangersAddress, amount: COIN }]);
    const [payment] = node.pool.transactions();
    node.pool.drop(payment!, "evicted");
    node.deepen(1);
    await new Promise(setImmediate);
    expect(wallet.transaction(id)?.status.kind).toBe("inactive");
    node.clock.now += 11 * 60_000;
    node.deepen(1);
    await expect.poll(() => wallet.transaction(id)?.status.kind).toBe("mempool");
    expect(node.pool.held.size).toBe(1);
  });

  it("is not needed for payments that a reorganisation lost: they are offered when the new branch is as high", async () => {
    const { wallet, ...node } = await richNode(2);
    const sent = await wallet.send([{ address: strangersAddress, amount: COIN }]);
    node.chain.mine(elsewhere, [poolTransaction(node, sent.txid)], node.pool);
    node.deepen(1);
    // Without the pool: it does not take the payment back.
    for (let count = 0; count < 2; count++) node.chain.unwind();
    node.deepen(1);
    await new Promise(setImmediate);
    expect(wallet.transaction(sent.txid)?.status.kind).toBe("inactive");
    node.deepen(1);
    await expect.poll(() => wallet.transaction(sent.txid)?.status.kind).toBe("mempool");
  });

  it("is not needed for what a mempool takes only bit by bit", async () => {
    const { wallet, ...node } = await richNode(2);
    const sent: string[] = [];
    for (let count = 0; count < 2; count++)
      sent.push((await wallet.send([{ address: strangersAddress, amount: COIN }])).txid);
    for (const payment of [...node.pool.transactions()].reverse()) node.pool.drop(payment, "evicted");
    const submit = node.pool.submit.bind(node.pool);
    let room = 1;
    node.pool.submit = async (transaction) => {
      if (room-- <= 0) throw new WalletError("rejected", "too-long-mempool-chain");
      await submit(transaction);
    };
    const kinds = () => sent.map((id) => wallet.transaction(id)?.status.kind);
    node.clock.now += 11 * 60_000;
    node.deepen(1);
    await expect.poll(kinds).toEqual(["mempool", "inactive"]);
    room = 1;
    node.deepen(1);
    await expect.poll(kinds).toEqual(["mempool", "mempool"]);
  });

  it("finds out that another's input of a common payment was spent otherwise meanwhile, and that it is free again", async () => {
    const { wallet, ...node } = await richNode();
    const script = Buffer.from([0x51, 0x51]);
    const theirs = node.chain.mine(script).transactions[0]!;
    const [coin] = wallet.coins();
    const inputOf = (hash: Buffer, index: number) => ({
      prevout: { hash, index },
      script: Buffer.alloc(0),
      sequence: 0xffffffff,
      witness: [],
    });
    const ours = inputOf(hashFromText(coin!.txid)!, coin!.vout);
    const outputs = [{ value: COIN, script: elsewhere }];
    const common = { version: 2, inputs: [ours, inputOf(txid(theirs), 0)], outputs, lockTime: 0 };
    node.pool.add(common);
    const id = hashText(txid(common));
    expect(wallet.transaction(id)?.status.kind).toBe("mempool");
    await node.wallets.close();
    node.pool.held.clear();
    node.chain.mine(elsewhere, [{ version: 2, inputs: [inputOf(txid(theirs), 0)], outputs, lockTime: 0 }]);
    const again = (await node.reopen()).wallets.get("rich")!;
    expect(again.transaction(id)?.status.kind).toBe("conflicted");
    expect(again.balances().trusted).toBe(50 * COIN);
    node.chain.unwind();
    expect(again.transaction(id)?.status.kind).toBe("inactive");
  });

  it("by a second process is refused while the first has the file", async () => {
    const node = await openNode();
    await expect(openWallets(node.path, node.config)).rejects.toMatchObject({
      code: "bad-file",
      message: expect.stringContaining("Another process"),
    });
    await node.wallets.close();
    await (await openWallets(node.path, node.config)).close();
  });
});

describe("restoring", { timeout: 60_000 }, () => {
  it("from the words finds everything again, addresses beyond the last paid too", async () => {
    const { wallet, ...node } = await richNode();
    for (let count = 0; count < 15; count++) await wallet.newAddress();
    const late = await wallet.newAddress({ type: "bech32m" });
    node.chain.mine(elsewhere, [foreignPayment([{ value: 77_000, script: node.scriptOf(late) }], 9)]);
    await wallet.send([{ address: strangersAddress, amount: COIN }]);
    node.chain.mine(elsewhere, [...node.pool.transactions()], node.pool);
    const restored = await node.wallets.create("again", { mnemonic: wallet.mnemonic() });
    expect(restored.balances()).toEqual(wallet.balances());
    expect(restored.coins()).toEqual(wallet.coins());
    expect(restored.address(late)?.used).toBe(true);
  });

  it("from a backup keeps labels", async () => {
    const { wallet, ...node } = await richNode();
    const address = await wallet.newAddress({ label: "shop" });
    await wallet.backup(`${node.path}.backup`);
    const restored = await node.wallets.restore("copy", `${node.path}.backup`);
    expect(restored.address(address)?.label).toBe("shop");
    expect(restored.balances()).toEqual(wallet.balances());
    await expect(node.wallets.restore("copy", `${node.path}.backup`)).rejects.toMatchObject({ code: "exists" });
  });

  it("takes payments before the birthday only after a rescan", async () => {
    const { wallet, ...node } = await richNode();
    const options = { mnemonic: wallet.mnemonic(), birthday: 50 };
    const late = await node.wallets.create("late", options);
    expect(late.balances().trusted).toBe(0);
    await late.rescan(0);
    expect(late.balances().trusted).toBe(50 * COIN);
  });
});

describe("watchers", { timeout: 60_000 }, () => {
  it("are told of payments, confirmations and what is undone", async () => {
    const node = await openNode();
    const wallet = await node.wallets.create("w");
    const events: Pick<WalletEvent, "kind" | "amount">[] = [];
    const stop = node.wallets.subscribe(({ kind, amount }) => events.push({ kind, amount }));
    const payment = foreignPayment([{ value: 5000, script: node.scriptOf(await wallet.newAddress()) }], 1);
    node.pool.add(payment);
    node.chain.mine(elsewhere, [payment], node.pool);
    node.chain.unwind();
    stop();
    node.chain.mine(elsewhere, [payment], node.pool);
    expect(events).toEqual(["payment", "confirmed", "unconfirmed"].map((kind) => ({ kind, amount: 5000 })));
  });
});
