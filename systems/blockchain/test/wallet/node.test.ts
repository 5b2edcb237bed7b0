/** Wallets on the real chain, mempool and miner: what they make is taken, and reorganisations leave them equal to a replay. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, podIdentity, silentLogger } from "@coracle/pod";
import { afterEach, describe, expect, it } from "vitest";
import { scriptOfAddress } from "../../src/address/address.ts";
import { type BlockchainNode, openNode } from "../../src/node/open-node.ts";
import { SETTINGS } from "../../src/node/settings.ts";
import type { Wallet } from "../../src/wallet/types.ts";

const running: BlockchainNode[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function open(home: string): Promise<BlockchainNode> {
  const argv = [
    ...["--network", "regtest", "--node-addr", "127.0.0.1:0", "--rpc-port", "0", "--verification-threads", "1"],
    ...["--tree-dir", join(home, "data"), "--wallet-file", join(home, "wallets", "wallets.dat")],
  ];
  const settings = loadConfig(SETTINGS, { argv, env: {} });
  const identity = podIdentity({ POD_NAME: "miner-0" });
  const node = await openNode({ settings, logger: silentLogger, identity, env: {}, onStop: () => undefined });
  running.push(node);
  return node;
}

const sightOf = (wallet: Wallet) => ({
  balances: wallet.balances(),
  coins: wallet
    .coins()
    .map(({ txid, vout, value, depth }) => `${txid}:${vout} ${value} ${depth}`)
    .sort(),
});

describe("wallets of a node", { timeout: 180_000 }, () => {
  it("pay, lose blocks, restart, and equal a replay after each", async () => {
    const home = await mkdtemp(join(tmpdir(), "coracle-wallet-node-"));
    folders.push(home);
    let node = await open(home);
    const mine = async (blocks: number, wallet?: Wallet): Promise<void> => {
      const address = wallet ? await wallet.newAddress() : "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn";
      await node.miner.generate(blocks, scriptOfAddress(address, node.chain.network));
    };
    const own = () => node.wallets.get("own")!;
    const compare = async (name: string): Promise<void> => {
      // What a replay can not know: payments that nobody carries, for which coins stay reserved until they are given up.
      for (const { txid, status } of own().history())
        if (status.kind === "inactive" && own().transaction(txid)?.status.kind === "inactive")
          await own().abandon(txid);
      const replayed = await node.wallets.create(name, { mnemonic: own().mnemonic() });
      expect(sightOf(replayed)).toEqual(sightOf(own()));
      await node.wallets.unload(name);
    };
    const stranger = await (await node.wallets.create("stranger")).newAddress({ type: "bech32m" });
    await node.wallets.create("own");
    await mine(3, own());
    await mine(101);
    const start = own().balances().trusted;
    expect(start).toBe(150e8);

    // From P2WPKH and, by the change of the second, P2TR; the third spends unconfirmed change.
    for (const amount of [1e8, 120e8, 2e8]) await own().send([{ address: stranger, amount }], { feeRate: 3 });
    const { txid } = await own().send([{ address: await own().newAddress({ type: "bech32m" }), amount: 5e8 }], {
      feeRate: 2,
    });
    const bumped = await own().bumpFee(txid);
    expect(node.mempool.size).toBe(4);
    await compare("a");
    await mine(1);
    expect(node.mempool.size).toBe(0);
    expect(own().transaction(bumped.txid)?.status.kind).toBe("confirmed");
    expect(node.wallets.get("stranger")!.balances().confirmed).toBe(123e8);
    await compare("b");

    await node.chain.invalidate(node.chain.tip.hash);
    expect(own().transaction(bumped.txid)?.status.kind).toBe("mempool");
    await compare("c");
    const second = node.chain.at(2)!.hash;
    await node.chain.invalidate(second);
    await mine(105);
    expect(own().balances().immature).toBe(0);
    await compare("d");
    await node.stop();
    node = await open(home);
    await compare("e");
    const before = sightOf(own());
    await own().rescan(0);
    expect(sightOf(own())).toEqual(before);
  });
});
