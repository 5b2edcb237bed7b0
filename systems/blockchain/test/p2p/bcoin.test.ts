/** Bitcoin's own protocol, spoken with a node that others wrote: both ways, with spends. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { decodeBase58check } from "../../src/address/base58check.ts";
import { pubKeyHashScript } from "../../src/address/scripts.ts";
import { createVerifier } from "../../src/consensus/verifier.ts";
import { openMempool } from "../../src/mempool/open-mempool.ts";
import { scriptVerifier } from "../../src/mempool/verify.ts";
import { tcpWiring } from "../../src/p2p/net/tcp.ts";
import { hashFromText, hashText } from "../../src/primitives/hash.ts";
import { type Transaction, txid } from "../../src/primitives/transaction.ts";
import { Bcoin } from "./support/bcoin.ts";
import { extend, makeBlock } from "./support/blocks.ts";
import { type TestNode, TestNodes } from "./support/node.ts";

const path = program("bcoin");
const BOUND_MS = 120_000;

const ours: TestNodes[] = [];
let bcoin: Bcoin;

async function openNode(): Promise<TestNode & { mempool: Awaited<ReturnType<typeof openMempool>> }> {
  const nodes = new TestNodes();
  ours.push(nodes);
  const verifier = createVerifier({ threads: 0 });
  let mempool: Awaited<ReturnType<typeof openMempool>> | undefined;
  const node = await nodes.add([], {
    wiring: tcpWiring,
    host: "127.0.0.1",
    externalHost: undefined,
    port: 0,
    mempoolOf: async (chain) => {
      mempool = await openMempool({ chain, scripts: scriptVerifier(verifier) });
      return mempool;
    },
  });
  return { ...node, mempool: mempool! };
}

async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + BOUND_MS;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const tipOf = (node: TestNode): string => hashText(node.chain.tip.hash);
const inStep = async (node: TestNode): Promise<boolean> => (await bcoin.rpc("getbestblockhash")) === tipOf(node);

/** Its regtest has prefixes of its own for addresses; what they stand for is the same. */
const scriptOf = (address: string): Buffer => pubKeyHashScript(decodeBase58check(address).payload);

const spend = (from: Transaction, value: number, script: Buffer): Transaction => ({
  version: 2,
  inputs: [{ prevout: { hash: txid(from), index: 0 }, script: Buffer.alloc(0), sequence: 0xffffffff, witness: [] }],
  outputs: [{ value, script }],
  lockTime: 0,
});

describe.skipIf(path === undefined)("with bcoin", { timeout: BOUND_MS * 2 }, () => {
  beforeEach(async () => {
    bcoin = await Bcoin.start(path!);
  }, BOUND_MS);
  afterEach(async () => {
    await bcoin?.stop();
    for (const nodes of ours.splice(0)) await nodes.stop();
  });

  it("we fetch its chain, take its payments, and it takes the blocks that we mine of them", async () => {
    const address = await bcoin.wallet<string>("getnewaddress", "default");
    await bcoin.rpc("generatetoaddress", 120, address);
    const node = await openNode();
    node.network.addNode("127.0.0.1", bcoin.port);
    await until(() => inStep(node), "we in step with bcoin");
    expect(node.chain.tip.height).toBe(120);

    const payee = await bcoin.wallet<string>("getnewaddress", "default");
    const paid = await bcoin.wallet<string>("sendtoaddress", payee, 1.5);
    const hash = hashFromText(paid)!;
    await until(() => node.mempool.has(hash), "the payment here");
    const entry = node.mempool.get(hash)!;
    const block = makeBlock(node.chain.tip, [entry.tx], 50e8 + entry.fee);
    expect(await node.chain.addBlock(block)).toMatchObject({ ok: true });
    await until(() => inStep(node), "bcoin in step with us");
    expect(await bcoin.rpc("getblockcount")).toBe(121);
    expect(node.mempool.has(hash)).toBe(false);
  });

  it("it fetches ours with what is spent in it, and we go on together", async () => {
    const node = await openNode();
    const first = makeBlock(node.chain.tip);
    await node.chain.addBlock(first);
    await extend(node.chain, 109);
    const address = await bcoin.wallet<string>("getnewaddress", "default");
    const payment = spend(first.transactions[0]!, 7e8, scriptOf(address));
    await node.chain.addBlock(makeBlock(node.chain.tip, [payment]));
    await extend(node.chain, 489);
    expect(node.chain.tip.height).toBe(600);

    await bcoin.rpc("addnode", `127.0.0.1:${node.network.port}`, "add");
    await until(() => inStep(node), "bcoin in step with us");
    expect(await bcoin.rpc("getblockcount")).toBe(600);

    await bcoin.rpc("generatetoaddress", 3, address);
    await until(() => inStep(node), "we in step with bcoin");
    expect(node.chain.tip.height).toBe(603);
    expect(await bcoin.wallet<number>("getbalance")).toBeGreaterThanOrEqual(7);
  });

  it("the branch with more work wins on both sides", async () => {
    const node = await openNode();
    await extend(node.chain, 12);
    const address = await bcoin.wallet<string>("getnewaddress", "default");
    await bcoin.rpc("generatetoaddress", 5, address);
    await bcoin.rpc("addnode", `127.0.0.1:${node.network.port}`, "add");
    await until(() => inStep(node), "bcoin on our branch");
    expect(await bcoin.rpc("getblockcount")).toBe(12);
  });
});
