import { afterEach, describe, expect, it } from "vitest";
import { regtest } from "../../src/consensus/params.ts";
import { hashText } from "../../src/primitives/hash.ts";
import { decodeTransaction, encodeTransaction, type Transaction, txid } from "../../src/primitives/transaction.ts";
import type { RpcContext } from "../../src/rpc/context.ts";
import { RPC_CODES, type RpcCode } from "../../src/rpc/errors.ts";
import { createInvoke } from "../../src/rpc/invoke.ts";
import { walletMethods } from "../../src/rpc/wallet-methods.ts";
import { foreignPayment } from "./support/chain.ts";
import { openNode, strangersAddress, type TestNode, tidy } from "./support/wallets.ts";

afterEach(tidy);

// biome-ignore lint/suspicious/noExplicitAny: what JSON-RPC answers, as a client sees it
type Answer = any;

/** A node with JSON-RPC of the wallet only, its wallet `w` rich with 50 coins. */
async function openRpc(): Promise<
  TestNode & { call: (name: string, ...params: unknown[]) => Promise<Answer>; on: typeof callOn }
> {
  const node = await openNode();
  const chain = {
    network: regtest,
    get tip() {
      return node.chain.tip();
    },
    transaction: async (id: Buffer) => {
      const tx = await node.chain.transaction(id);
      return tx && { tx };
    },
  };
  const invoke = createInvoke({ chain, wallets: node.wallets } as unknown as RpcContext, walletMethods);
  const on = async (wallet: string | undefined, name: string, ...params: unknown[]) =>
    JSON.parse(JSON.stringify((await invoke(name, params, { signal: new AbortController().signal, wallet })) ?? null));
  const call = (name: string, ...params: unknown[]) => on(undefined, name, ...params);
  await call("createwallet", "w");
  node.chain.mine(node.scriptOf(await call("getnewaddress", "mined")));
  node.deepen(100);
  return { ...node, call, on };
}
declare function callOn(wallet: string | undefined, name: string, ...params: unknown[]): Promise<Answer>;

const code = (name: RpcCode) => ({ rpcCode: RPC_CODES[name] });

describe("JSON-RPC of the wallet", { timeout: 60_000 }, () => {
  it("pays, bumps and tells of it as Bitcoin Core does", async () => {
    const { call, chain, pool } = await openRpc();
    expect(await call("getbalance")).toBe(50);
    const id = await call("sendtoaddress", strangersAddress, 1.5, "bread", "", false, true, null, null, null, 3);
    expect(await call("gettransaction", id)).toMatchObject({
      txid: id,
      amount: -1.5,
      confirmations: 0,
      trusted: true,
      "bip125-replaceable": "yes",
      comment: "bread",
      details: [{ category: "send", address: strangersAddress, amount: -1.5, abandoned: false }],
    });
    const bumped = await call("bumpfee", id, { fee_rate: 20 });
    expect(bumped.fee).toBeGreaterThan(bumped.origfee);
    chain.mine(Buffer.of(0x6a), [...pool.transactions()], pool);
    const known = await call("gettransaction", bumped.txid, null, true);
    expect(known).toMatchObject({ confirmations: 1, blockheight: 102, "bip125-replaceable": "no", replaces_txid: id });
    expect(hashText(txid(decodeTransaction(Buffer.from(known.hex, "hex"))))).toBe(bumped.txid);
    expect(known.decoded.txid).toBe(bumped.txid);
    expect((await call("gettransaction", id)).confirmations).toBe(-1);
    const list = await call("listtransactions", "*", 10);
    expect(list.map(({ category }: Answer) => category)).toEqual(["generate", "send", "send"]);
    expect(await call("listtransactions", "mined", 1)).toMatchObject([
      { category: "generate", amount: 50, generated: true },
    ]);
  });

  it("shows balances and coins", async () => {
    const { call, pool, scriptOf } = await openRpc();
    const address = await call("getnewaddress", "shop", "bech32m");
    pool.add(foreignPayment([{ value: 25_000_000, script: scriptOf(address) }], 1));
    expect((await call("getbalances")).mine).toEqual({ trusted: 50, untrusted_pending: 0.25, immature: 0 });
    expect(await call("listunspent", 0)).toMatchObject([
      { amount: 50, safe: true, label: "mined" },
      { amount: 0.25, safe: false, address, confirmations: 0 },
    ]);
    expect(await call("listunspent", 0, 9999999, [address])).toHaveLength(1);
    expect(await call("listunspent", 0, 9999999, null, false)).toHaveLength(1);
    expect(await call("getreceivedbyaddress", address, 0)).toBe(0.25);
    expect(await call("listreceivedbyaddress", 0, true, null, address)).toMatchObject([
      { address, amount: 0.25, label: "shop" },
    ]);
    expect(await call("listreceivedbyaddress")).toMatchObject([{ amount: 50, confirmations: 101 }]);
    const [{ txid: id, vout }] = await call("listunspent");
    await call("lockunspent", false, [{ txid: id, vout }]);
    expect(await call("listlockunspent")).toEqual([{ txid: id, vout }]);
    await expect(call("sendtoaddress", strangersAddress, 1)).rejects.toMatchObject(code("walletInsufficientFunds"));
    await call("lockunspent", true);
    expect(await call("listlockunspent")).toEqual([]);
  });

  it("names addresses", async () => {
    const { call } = await openRpc();
    const address = await call("getnewaddress", "shop");
    expect(await call("getaddressinfo", address)).toMatchObject({
      ismine: true,
      iswitness: true,
      witness_version: 0,
      ischange: false,
      labels: ["shop"],
      hdkeypath: expect.stringMatching(/^m\/84'\/1'\/0'\/0\/\d+$/),
    });
    expect(await call("getaddressinfo", strangersAddress)).toMatchObject({ ismine: false, isscript: false });
    await call("setlabel", address, "house");
    expect(await call("listlabels")).toEqual(["house", "mined"]);
    expect(await call("getaddressesbylabel", "house")).toEqual({ [address]: { purpose: "receive" } });
    await expect(call("getaddressesbylabel", "none")).rejects.toMatchObject(code("walletInvalidLabel"));
    await expect(call("getaddressinfo", "nonsense")).rejects.toMatchObject(code("invalidAddressOrKey"));
    await expect(call("getnewaddress", "", "legacy")).rejects.toMatchObject(code("invalidAddressOrKey"));
  });

  it("locks and unlocks", async () => {
    const { call } = await openRpc();
    await expect(call("walletpassphrase", "p", 1)).rejects.toMatchObject(code("walletWrongEncryptionState"));
    await call("encryptwallet", "p");
    await expect(call("sendtoaddress", strangersAddress, 1)).rejects.toMatchObject(code("walletUnlockNeeded"));
    await expect(call("walletpassphrase", "wrong", 10)).rejects.toMatchObject(code("walletPassphraseIncorrect"));
    await call("walletpassphrase", "p", 10);
    expect((await call("getmnemonic")).mnemonic.split(" ")).toHaveLength(12);
    await call("sendtoaddress", strangersAddress, 1);
    await call("walletlock");
    await call("walletpassphrasechange", "p", "q");
    expect((await call("getwalletinfo")).unlocked_until).toBe(0);
  });

  it("chooses the wallet by path, and refuses to guess", async () => {
    const { call, on } = await openRpc();
    await call("createwallet", "second");
    await expect(call("getbalance")).rejects.toMatchObject(code("walletNotSpecified"));
    expect([await on("w", "getbalance"), await on("second", "getbalance")]).toEqual([50, 0]);
    await expect(on("third", "getbalance")).rejects.toMatchObject(code("walletNotFound"));
    await expect(call("loadwallet", "w")).rejects.toMatchObject(code("walletAlreadyLoaded"));
    await call("unloadwallet", "w");
    expect([await call("listwallets"), await call("getbalance")]).toEqual([["second"], 0]);
  });

  it("refuses amounts that are none", async () => {
    const { call } = await openRpc();
    for (const amount of [-1, 1e-9, 0.123456789, 22e6, "abc", {}, 0])
      await expect(call("sendtoaddress", strangersAddress, amount)).rejects.toMatchObject(code("type"));
    await expect(call("sendmany", "", {})).rejects.toMatchObject(code("invalidParameter"));
    expect(await call("sendmany", "", { [strangersAddress]: "0.1" })).toHaveLength(64);
  });

  it("funds, signs, finalizes and decodes PSBTs", async () => {
    const { call } = await openRpc();
    const { psbt, fee, changepos } = await call("walletcreatefundedpsbt", [], { [strangersAddress]: 2 }, null, {
      fee_rate: 5,
    });
    expect(changepos).toBe(0);
    const decoded = await call("decodepsbt", psbt);
    expect(decoded.fee).toBeCloseTo(fee, 8);
    expect(decoded.inputs[0]).toMatchObject({
      witness_utxo: { amount: 50 },
      bip32_derivs: [{ path: "m/84h/1h/0h/0/0" }],
    });
    expect(await call("finalizepsbt", psbt)).toMatchObject({ complete: false });
    const unfinished = await call("walletprocesspsbt", psbt, true, "ALL", true, false);
    expect((await call("decodepsbt", unfinished.psbt)).inputs[0].partial_signatures).toBeDefined();
    const combined = await call("combinepsbt", [psbt, unfinished.psbt]);
    const final = await call("finalizepsbt", combined);
    expect(final.complete).toBe(true);
    const signed = await call("walletprocesspsbt", psbt);
    expect(signed).toMatchObject({ complete: true, hex: final.hex });
    await expect(call("decodepsbt", "nonsense")).rejects.toMatchObject(code("deserialization"));
  });

  it("signs transactions that somebody else built, from both kinds of coins", async () => {
    const { call, chain, scriptOf } = await openRpc();
    const taproot = await call("getnewaddress", "", "bech32m");
    chain.mine(Buffer.of(0x6a), [foreignPayment([{ value: 5000, script: scriptOf(taproot) }], 1)]);
    const inputs = (await call("listunspent")).map(({ txid: id, vout }: Answer) => ({
      prevout: { hash: Buffer.from(id, "hex").reverse(), index: vout },
      script: Buffer.alloc(0),
      sequence: 0xffffffff,
      witness: [],
    }));
    const raw: Transaction = {
      version: 2,
      inputs,
      outputs: [{ value: 1000, script: scriptOf(strangersAddress) }],
      lockTime: 0,
    };
    const signed = await call("signrawtransactionwithwallet", encodeTransaction(raw).toString("hex"));
    expect(inputs).toHaveLength(2);
    expect(signed).toEqual({ hex: expect.any(String), complete: true });
    const strange = { ...raw, inputs: [...inputs, { ...inputs[0], prevout: { hash: Buffer.alloc(32, 9), index: 0 } }] };
    const partly = await call("signrawtransactionwithwallet", encodeTransaction(strange).toString("hex"));
    expect(partly.complete).toBe(false);
    expect(partly.errors.at(-1).error).toBe("Input not found or already spent");
  });
});
