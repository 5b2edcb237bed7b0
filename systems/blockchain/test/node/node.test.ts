/** Whole nodes: settings in, JSON-RPC and the peers' port out. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, podIdentity, silentLogger } from "@coracle/pod";
import { HDKey } from "@scure/bip32";
import { afterEach, describe, expect, it, vi } from "vitest";
import { addressOfScript } from "../../src/address/address.ts";
import { witnessScript } from "../../src/address/scripts.ts";
import { runProgram } from "../../src/cli/program.ts";
import { callRpc } from "../../src/cli/rpc-client.ts";
import { nodeStatus, statusText } from "../../src/cli/status.ts";
import { regtest } from "../../src/consensus/params.ts";
import { type BlockchainNode, openNode } from "../../src/node/open-node.ts";
import { SETTINGS } from "../../src/node/settings.ts";
import { hash160 } from "../../src/primitives/hash.ts";

interface Since {
  readonly transactions: readonly { readonly txid: string }[];
  readonly removed: readonly { readonly category: string }[];
  readonly lastblock: string;
}

interface Decoded {
  readonly vin: readonly { readonly sequence: number }[];
}

interface Descriptor {
  readonly desc: string;
  readonly internal: boolean;
  readonly next: number;
}

interface Running extends BlockchainNode {
  readonly dir: string;
  readonly call: <T>(method: string, ...params: unknown[]) => Promise<T>;
}

const running: Running[] = [];
const dirs: string[] = [];
afterEach(async () => {
  for (const node of running.splice(0)) await node.stop();
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function open(more: readonly string[] = [], dir?: string): Promise<Running> {
  const home = dir ?? (await mkdtemp(join(tmpdir(), "blockchain-node-")));
  if (dir === undefined) dirs.push(home);
  const argv = [
    ...["--network", "regtest", "--node-addr", "127.0.0.1:0", "--rpc-port", "0", "--verification-threads", "1"],
    ...["--tree-dir", join(home, "data"), "--wallet-file", join(home, "wallets", "wallets.dat"), ...more],
  ];
  const settings = loadConfig(SETTINGS, { argv, env: {} });
  const identity = podIdentity({ POD_NAME: "miner-0" });
  const node = await openNode({ settings, logger: silentLogger, identity, env: {}, onStop: () => undefined });
  const credentials = await readFile(join(home, "data", "blocks", ".cookie"), "utf8");
  const target = { host: "127.0.0.1", port: node.rpc.port, credentials };
  const call = async <T>(method: string, ...params: unknown[]): Promise<T> =>
    (await callRpc(target, method, params)) as T;
  const opened = { ...node, dir: home, call };
  running.push(opened);
  return opened;
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("a node", { timeout: 120_000 }, () => {
  it("mines, pays another node's wallet, and both see the payment confirmed", async () => {
    const miner = await open(["--node-is-miner"]);
    const other = await open(["--node-connect-nodes", `127.0.0.1:${miner.network.port}`]);
    const own = await (await miner.wallets.defaultWallet()).newAddress();
    expect(await miner.call<string[]>("generatetoaddress", 101, own)).toHaveLength(101);
    await until(() => other.chain.tip === other.chain.bestHeader && other.chain.tip.height === 101, "in step");

    const payee = await other.wallets.defaultWallet();
    const { txid } = await (await miner.wallets.defaultWallet()).send([
      { address: await payee.newAddress(), amount: 5e8 },
    ]);
    await until(() => other.mempool.size === 1, "the payment relayed");
    expect(await other.call("getrawmempool")).toEqual([txid]);
    expect(await other.call("getmempoolentry", txid)).toMatchObject({ ancestorcount: 1, depends: [] });
    expect(await other.call("gettxout", txid, 0)).toMatchObject({ confirmations: 0 });
    expect(payee.balances().pending).toBe(5e8);

    const [hash] = await miner.call<string[]>("generatetoaddress", 1, own);
    await until(() => other.chain.tip.height === 102, "the block relayed");
    expect(await other.call("getrawtransaction", txid, 1)).toMatchObject({ blockhash: hash, confirmations: 1 });
    expect(await other.call("getblock", hash, 2)).toMatchObject({ height: 102, nTx: 2, tx: [{}, { txid }] });
    expect(payee.balances().confirmed).toBe(5e8);
    for (const kind of ["hash_serialized_3", "muhash"]) {
      const set = await other.call<object>("gettxoutsetinfo", kind);
      expect(set).toEqual(await miner.call("gettxoutsetinfo", kind));
      expect(set).toHaveProperty(kind, expect.stringMatching(/^[0-9a-f]{64}$/));
    }
  });

  it("undoes and redoes blocks as told, with what was in them", async () => {
    const node = await open();
    const wallet = await node.wallets.defaultWallet();
    await node.call("generatetoaddress", 101, await wallet.newAddress());
    const { txid } = await wallet.send([{ address: await wallet.newAddress(), amount: 1e8 }]);
    const [hash] = await node.call<string[]>("generatetoaddress", 1, await wallet.newAddress());
    const parent = await node.call("getblockhash", 101);
    const { transactions, lastblock } = await node.call<Since>("listsinceblock", parent);
    expect([transactions.map((one) => one.txid === txid), lastblock]).toEqual([[true, true, false], hash]);
    await node.call("invalidateblock", hash);
    expect(await node.call("getblockcount")).toBe(101);
    expect(await node.call("getrawmempool")).toEqual([txid]);
    expect(await node.call("getchaintips")).toMatchObject([{ status: "active" }, { status: "invalid", branchlen: 1 }]);
    const since = await node.call<Since>("listsinceblock", hash);
    expect(since.transactions.filter((one) => one.txid === txid)).toHaveLength(2);
    expect(since.removed.map(({ category }) => category)).toEqual(["orphan", "send", "receive"]);
    expect(since.lastblock).toBe(parent);
    await node.call("reconsiderblock", hash);
    expect(await node.call("getbestblockhash")).toBe(hash);
    expect(await node.call("getrawmempool")).toEqual([]);
  });

  it("has the same chain, mempool, wallet and bans after a restart", async () => {
    const node = await open();
    const wallet = await node.wallets.defaultWallet();
    await node.call("generatetoaddress", 101, await wallet.newAddress());
    const { txid } = await wallet.send([{ address: await wallet.newAddress(), amount: 1e8 }]);
    await node.call("setban", "10.1.1.1", "add");
    const before = [node.chain.tip.hash, wallet.balances()];
    await node.stop();
    const again = await open([], node.dir);
    expect([again.chain.tip.hash, (await again.wallets.defaultWallet()).balances()]).toEqual(before);
    expect(await again.call("getrawmempool")).toEqual([txid]);
    expect(await again.call("listbanned")).toMatchObject([{ address: "10.1.1.1" }]);
  });

  it("makes transactions of what the caller names (BIP 174's creator)", async () => {
    const node = await open();
    const outputs = [
      { bcrt1qmpwzkuwsqc9snjvgdt4czhjsnywa5yjdqpxskv: 1.4999 },
      { bcrt1qqzh2ngh97ru8dfvgma25d6r595wcwqy0cee4cc: 1 },
    ];
    const inputs = [
      { txid: "75ddabb27b8845f5247975c8a5ba7c6f336c4570708ebe230caf6db5217ae858", vout: 0 },
      { txid: "1dea7cd05979072a3578cab271c02244ea8a090bbb46aa680a65ecd027048d83", vout: 1 },
    ];
    expect(await node.call("createpsbt", inputs, outputs, 0, false)).toBe(
      "cHNidP8BAJoCAAAAAljoeiG1ba8MI76OcHBFbDNvfLqlyHV5JPVFiHuyq911AAAAAAD/////g40EJ9DsZQpoqka7CwmK6kQiwHGyyng1Kgd5WdB86h0BAAAAAP////8CcKrwCAAAAAAWABTYXCtx0AYLCcmIauuBXlCZHdoSTQDh9QUAAAAAFgAUAK6pouXw+HaliN9VRuh0LR2HAI8AAAAAAAAAAAA=",
    );
    const made = async (...more: unknown[]): Promise<Decoded> =>
      node.call("decoderawtransaction", await node.call("createrawtransaction", inputs, outputs, ...more));
    const sequences = async (...more: unknown[]) => (await made(...more)).vin.map(({ sequence }) => sequence);
    expect(await sequences()).toEqual([0xfffffffd, 0xfffffffd]);
    expect(await sequences(7, false)).toEqual([0xfffffffe, 0xfffffffe]);
    expect(await made(7)).toMatchObject({ locktime: 7, version: 2, vout: [{ value: 1.4999 }, { value: 1 }] });
    const data = await node.call("createrawtransaction", inputs, { data: "00ff" });
    expect(data).toContain("046a0200ff");
    await expect(made(0, true, 4)).rejects.toThrow("version is out of range");
    const wrong: readonly (readonly [unknown, unknown, string])[] = [
      [[{ txid: "00", vout: 0 }], outputs, "an input is an object"],
      [[{ ...inputs[0], sequence: -1 }], outputs, "sequence number is out of range"],
      [[{ ...inputs[0], sequence: 0xffffffff }], outputs, "contradict replaceable"],
      [inputs, [outputs[0], outputs[0]], "duplicated address"],
      [inputs, [{ data: "00" }, { data: "01" }], "duplicate key"],
      [inputs, { nowhere: 1 }, "Invalid Bitcoin address: nowhere"],
      [inputs, [{}], "pairs of an address and an amount"],
    ];
    for (const [from, to, reason] of wrong)
      await expect(node.call("createrawtransaction", from, to)).rejects.toThrow(reason);
  });

  it("tells other programs how to watch its wallet", async () => {
    const node = await open();
    const wallet = await node.wallets.defaultWallet();
    const address = await wallet.newAddress({ type: "bech32" });
    const { descriptors } = await node.call<{ descriptors: readonly Descriptor[] }>("listdescriptors");
    expect(descriptors.map(({ desc, internal, next }) => [desc.slice(0, 3), internal, next])).toEqual([
      ["wpk", false, 1],
      ["wpk", true, 0],
      ["tr(", false, 0],
      ["tr(", true, 0],
    ]);
    const [, account] = /](\w+)\/0\/\*\)#\w{8}$/.exec(descriptors[0]!.desc) ?? [];
    const key = HDKey.fromExtendedKey(account!, { public: 0x043587cf, private: 0x04358394 }).derive("m/0/0");
    const script = witnessScript(0, hash160(Buffer.from(key.publicKey!)));
    expect(addressOfScript(script, regtest)).toBe(address);
    await expect(node.call("listdescriptors", true)).rejects.toThrow("getmnemonic");
  });

  it("hands out templates, takes the blocks made of them, and says why it takes others not", async () => {
    const node = await open();
    const template = await node.call<Record<string, never>>("getblocktemplate", { rules: ["segwit"] });
    expect(template).toMatchObject({ height: 1, coinbasevalue: 50e8, transactions: [], bits: "207fffff" });
    const address = await (await node.wallets.defaultWallet()).newAddress();
    const { hash } = await node.call<{ hash: string }>("generateblock", address, []);
    const raw = await node.call<string>("getblock", hash, 0);
    expect(await node.call("submitblock", raw)).toBe("duplicate");
    const spoilt = Buffer.from(raw, "hex");
    spoilt.writeUInt32LE(0x207ffffe, 72);
    expect(await node.call("submitblock", spoilt.toString("hex"))).toMatch(/bad-diffbits|high-hash/);
    await expect(node.call("submitblock", "00")).rejects.toThrow("Block decode failed");
    await expect(node.call("sendrawtransaction", "00")).rejects.toThrow("TX decode failed");
  });

  it("can be asked by name, and by nobody without the key", async () => {
    const node = await open(["--rpc-user", "ann"]);
    const status = await nodeStatus(node.call);
    expect(status).toMatchObject({ network: "regtest", height: 0, peers: 0, syncing: false, mining: false });
    expect(statusText(status)).toContain("not mining here");
    expect(await node.call("help")).toContain("== Blockchain ==");
    expect(await node.call("help", "getblock")).toContain("getblock blockhash ( verbosity )");
    expect(await node.call("validateaddress", "nonsense")).toMatchObject({ isvalid: false });
    await expect(node.call("nonsense")).rejects.toThrow("Method not found");
    const credentials = "ann:wrong";
    const target = { host: "127.0.0.1", port: node.rpc.port, credentials };
    await expect(callRpc(target, "getblockcount", [])).rejects.toThrow("credentials");
    const response = await fetch(`http://127.0.0.1:${node.rpc.port}/`, { method: "POST", body: "{}" });
    expect(response.status).toBe(401);
  });

  it("is asked by the command: wallets, addresses, the chain", async () => {
    const node = await open();
    const run = async (...words: string[]): Promise<string> => {
      let text = "";
      const write = vi.spyOn(process.stdout, "write").mockImplementation((part) => {
        text += part;
        return true;
      });
      const where = ["--port", `${node.rpc.port}`, "--data-dir", join(node.dir, "data", "blocks")];
      try {
        expect(await runProgram([...where, ...words])).toBe(0);
      } finally {
        write.mockRestore();
      }
      return text;
    };
    const addressIn = (text: string): string => /Your new address: (\S+)/.exec(text)?.[1] ?? "";
    const made = await run("createwallet");
    const again = await run("createwallet");
    expect(made).toMatch(/words down.*\n([a-z]+ ){11}[a-z]+\n/);
    expect(again).not.toContain("words");
    expect((await run("listaddresses")).trim().split("\n").sort()).toEqual([made, again].map(addressIn).sort());
    const hashes = await node.call<string[]>("generatetoaddress", 3, addressIn(made));
    const printed = await run("printchain", "--limit", "2");
    expect(printed.match(/^Hash: .*$/gm)).toEqual([hashes[2], hashes[1]].map((hash) => `Hash: ${hash}`));
    expect(printed).toContain(`Pre block hash: ${hashes[0]}`);
    expect(await run("printchain")).toContain("Height: 0\n");
    expect(await run("rpc", "getblockhash", "3")).toBe(`${hashes[2]}\n`);
  });

  it("stops the clock on regtest when told", async () => {
    const node = await open();
    await node.call("setmocktime", 2_000_000_000);
    const address = await (await node.wallets.defaultWallet()).newAddress();
    const [hash] = await node.call<string[]>("generatetoaddress", 1, address);
    expect(await node.call("getblockheader", hash)).toMatchObject({ time: 2_000_000_000 });
  });

  it("answers a waiting call when the block comes", async () => {
    const node = await open();
    const waiting = node.call("waitforblockheight", 2);
    await node.call("generatetodescriptor", 2, "raw(51)");
    expect(await waiting).toMatchObject({ height: 2 });
  });
});
