/** Compact blocks (BIP 152, version 2): put together, asked for, sent, and lied about. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { regtest } from "../../src/consensus/params.ts";
import { consensusRules } from "../../src/consensus/rules.ts";
import { createVerifier } from "../../src/consensus/verifier.ts";
import { openMempool } from "../../src/mempool/open-mempool.ts";
import type { Mempool } from "../../src/mempool/types.ts";
import { compactBlock, Reconstruction } from "../../src/p2p/compact/compact-block.ts";
import { siphash48 } from "../../src/p2p/compact/siphash.ts";
import type { MessageOf } from "../../src/p2p/wire/types.ts";
import { type Block, blockHash, blockTotalSize, encodeBlock } from "../../src/primitives/block.ts";
import { type Transaction, txid, wtxid } from "../../src/primitives/transaction.ts";
import { extend, makeBlock, makeLine, OPEN_SCRIPT } from "./support/blocks.ts";
import { anyScripts } from "./support/mempool.ts";
import { agree, type TestNode, TestNodes, until } from "./support/node.ts";
import { RawPeer } from "./support/raw-peer.ts";

let nodes: TestNodes;
beforeEach(() => {
  nodes = new TestNodes();
});
afterEach(() => nodes.stop());

/** Coins ripen soon. */
const MATURITY = 2;
const network = { ...regtest, coinbaseMaturity: MATURITY };
const verifier = createVerifier({ threads: 0 });
const chainOptions = { network, rules: consensusRules(network, verifier) };
const FEE = 10_000;
const empty = Buffer.alloc(0);

function spend(coinbase: Transaction, padding = 0): Transaction {
  const prevout = { hash: txid(coinbase), index: 0 };
  const data = Buffer.concat([Buffer.from([0x6a]), Buffer.alloc(padding, 7)]);
  return {
    version: 2,
    inputs: [{ prevout, script: empty, sequence: 0xffffffff, witness: [] }],
    outputs: [
      { value: coinbase.outputs[0]!.value - FEE, script: OPEN_SCRIPT },
      { value: 0, script: data },
    ],
    lockTime: 0,
  };
}

interface Equipped extends TestNode {
  readonly mempool: Mempool;
}

async function nodeWithPool(dials: readonly string[] = []): Promise<Equipped> {
  const dir = await mkdtemp(join(tmpdir(), "blockchain-compact-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  let mempool: Mempool | undefined;
  const node = await nodes.add(dials, {
    chainOptions,
    mempoolOf: async (chain) => {
      const policy = { requireStandard: false };
      mempool = await openMempool({ chain, dir, policy, scripts: anyScripts });
      return mempool;
    },
  });
  return { ...node, mempool: mempool! };
}

/** Transactions that spend the oldest coinbases of a chain, which are ripe. */
async function payments({ chain }: TestNode, count: number, padding?: number): Promise<Transaction[]> {
  const made: Transaction[] = [];
  for (let height = 1; height <= count; height++)
    made.push(spend((await chain.block(chain.at(height)!))!.transactions[0]!, padding));
  return made;
}

/** A node with ripe coins, and a block of transactions on its tip. */
async function ready(count: number): Promise<{ node: Equipped; txs: Transaction[]; block: Block; raw: RawPeer }> {
  const node = await nodeWithPool();
  await extend(node.chain, MATURITY + count);
  const txs = await payments(node, count);
  const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
  raw.send({ command: "sendcmpct", announce: false, version: 2n });
  return { node, txs, block: makeBlock(node.chain.tip, txs), raw };
}

const compact = (block: Block, nonce = 5n) => ({ command: "cmpctblock" as const, ...compactBlock(block, nonce)! });
const isTip = ({ chain }: TestNode, block: Block): boolean => chain.tip.hash.equals(blockHash(block.header));
const bans = ({ network }: TestNode): string[] => network.bans().map(({ address }) => address);
const askedForWhole = ({ received }: RawPeer): boolean =>
  received.some((message) => message.command === "getdata" && message.items.some(({ type }) => type === 0x40000002));
const last = (raw: RawPeer): MessageOf<"sendcmpct"> =>
  raw.received.findLast((message): message is MessageOf<"sendcmpct"> => message.command === "sendcmpct")!;

describe("short ids", () => {
  it("are SipHash-2-4's low 48 bits", () => {
    const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, i) => i));
    // The authors' vector for 32 bytes: 7127512f72f27cce.
    expect(siphash48(bytes(16))(bytes(32)).toString(16)).toBe("512f72f27cce");
  });
});

describe("a block put together", () => {
  const genesisLike = { hash: Buffer.alloc(32), height: 0, time: 1 };
  const block = makeBlock(
    genesisLike,
    makeLine(genesisLike, 20).map(({ transactions }) => spend(transactions[0]!)),
  );
  const poolOf = (txs: readonly Transaction[]) => txs.map((tx) => ({ tx, wtxid: wtxid(tx) }));

  it("is the one that was sent, whatever the mempool has of it", () => {
    const strangers = makeLine(genesisLike, 5).map(({ transactions }) => transactions[0]!);
    fc.assert(
      fc.property(
        fc.subarray([...block.transactions.slice(1)]),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (had, nonce) => {
          const begun = Reconstruction.begin(compactBlock(block, nonce)!, poolOf([...strangers, ...had]));
          if (!(begun instanceof Reconstruction)) throw expect.unreachable(begun);
          expect(begun.missing).toHaveLength(20 - had.length);
          const rest = begun.missing.map((place) => block.transactions[place]!);
          expect(begun.complete(rest)).toEqual(block);
          expect(begun.complete([...rest, block.transactions[0]!])).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });

  it("asks for a transaction when two of the mempool have its id", () => {
    const [, first] = block.transactions;
    const twice = [...poolOf([first!]), { tx: block.transactions[2]!, wtxid: wtxid(first!) }];
    const begun = Reconstruction.begin(compactBlock(block, 1n)!, twice);
    expect(begun instanceof Reconstruction && begun.missing).toHaveLength(20);
  });

  it("cannot be where two of its ids are the same, or its places are not its own", () => {
    const body = compactBlock(block, 1n)!;
    const shortIds = [body.shortIds[1]!, ...body.shortIds.slice(1)];
    expect(Reconstruction.begin({ ...body, shortIds }, [])).toBe("ambiguous");
    const [coinbase] = body.prefilled;
    expect(Reconstruction.begin({ ...body, prefilled: [{ ...coinbase!, index: 21 }] }, [])).toBe("malformed");
    expect(Reconstruction.begin({ ...body, shortIds: [], prefilled: [] }, [])).toBe("malformed");
  });
});

describe("a compact block that comes", () => {
  it("is taken at once when the mempool has all of it, and its sender may send the next one so", async () => {
    const { node, txs, block, raw } = await ready(5);
    for (const tx of txs) expect(node.mempool.accept(tx).ok).toBe(true);
    raw.send(compact(block));
    await until(() => isTip(node, block), "the block");
    await until(() => last(raw).announce, "sendcmpct");
    expect(raw.received.some(({ command }) => command === "getblocktxn" || command === "getdata")).toBe(false);
    expect(node.mempool.size).toBe(0);
  });

  it("is completed by what the mempool lacks", async () => {
    const { node, txs, block, raw } = await ready(5);
    for (const tx of [txs[0]!, txs[2]!, txs[4]!]) node.mempool.accept(tx);
    raw.send(compact(block));
    const { hash, indexes } = await raw.expect("getblocktxn");
    expect(indexes).toEqual([2, 4]);
    raw.send({ command: "blocktxn", hash, transactions: indexes.map((index) => block.transactions[index]!) });
    await until(() => isTip(node, block), "the block");
    expect(askedForWhole(raw)).toBe(false);
  });

  it("is fetched whole when it comes out wrong, and nobody is blamed", async () => {
    const { node, txs, block, raw } = await ready(3);
    node.mempool.accept(txs[0]!);
    raw.send(compact(block));
    const { hash } = await raw.expect("getblocktxn");
    raw.send({ command: "blocktxn", hash, transactions: [block.transactions[3]!, block.transactions[2]!] });
    await until(() => askedForWhole(raw), "getdata");
    raw.send({ command: "block", block });
    await until(() => isTip(node, block), "the block");
    expect(raw.isClosed).toBe(false);
  });

  it("is asked for where a header announced the next block, but deeper ones are not", async () => {
    const { node, block, raw } = await ready(1);
    raw.send({ command: "headers", headers: [block.header] });
    const { items } = await raw.expect("getdata");
    expect(items.map(({ type }) => type)).toEqual([4]);
    raw.send(compact(block));
    const { hash } = await raw.expect("getblocktxn");
    raw.send({ command: "blocktxn", hash, transactions: block.transactions.slice(1) });
    await until(() => isTip(node, block), "the block");
    const line = makeLine(node.chain.tip, 3);
    raw.send({ command: "headers", headers: line.map(({ header }) => header) });
    await until(() => askedForWhole(raw), "getdata of whole blocks");
  });

  it("that was let lie by its sender comes from another", async () => {
    const { node, block, raw } = await ready(2);
    raw.send(compact(block));
    await raw.expect("getblocktxn");
    const other = await RawPeer.greet(nodes.net, "10.9.9.8", node.host, { nonce: 5n });
    raw.close();
    other.send({ command: "headers", headers: [block.header] });
    await until(() => askedForWhole(other), "getdata");
    other.send({ command: "block", block });
    await until(() => isTip(node, block), "the block");
  });

  it.each([
    [
      "places beyond its end",
      (block: Block) => ({ ...compact(block), prefilled: [{ index: 9, transaction: block.transactions[0]! }] }),
    ],
    ["a header without work", (block: Block) => ({ ...compact(block), header: { ...block.header, bits: 0x1d00ffff } })],
  ])("with %s ends with a ban", async (_, spoil) => {
    const { node, block, raw } = await ready(1);
    raw.send(spoil(block));
    await until(() => raw.isClosed, "the end");
    expect(bans(node)).toEqual(["10.9.9.9"]);
  });

  it("whose rest is not what was asked for ends with a ban", async () => {
    const { node, block, raw } = await ready(2);
    raw.send(compact(block));
    const { hash } = await raw.expect("getblocktxn");
    raw.send({ command: "blocktxn", hash, transactions: [] });
    await until(() => raw.isClosed, "the end");
    expect(bans(node)).toEqual(["10.9.9.9"]);
  });

  it("is sent at once by three peers at most: the one that was first longest ago is told to stop", async () => {
    const node = await nodeWithPool();
    await extend(node.chain, 1);
    const raws: RawPeer[] = [];
    for (let i = 0; i < 4; i++) {
      const raw = await RawPeer.greet(nodes.net, `10.9.9.${i}`, node.host, { nonce: BigInt(i + 1) });
      raw.send({ command: "sendcmpct", announce: false, version: 2n });
      const block = makeBlock(node.chain.tip);
      raw.send(compact(block));
      await until(() => isTip(node, block), "the block");
      await until(() => last(raw).announce, "sendcmpct");
      raws.push(raw);
    }
    await until(() => !last(raws[0]!).announce, "the first told to stop");
    expect(raws.map((raw) => last(raw).announce)).toEqual([false, true, true, true]);
  });
});

describe("a compact block that is asked for", () => {
  it("is sent near the tip, and completed on request; deeper ones are sent whole", async () => {
    const { node, block, raw } = await ready(3);
    await node.chain.addBlock(block);
    const hash = blockHash(block.header);
    raw.send({ command: "getdata", items: [{ type: 4, hash }] });
    const { shortIds, prefilled } = await raw.expect("cmpctblock");
    expect([shortIds.length, prefilled.map(({ index }) => index)]).toEqual([3, [0]]);
    raw.send({ command: "getblocktxn", hash, indexes: [1, 3] });
    const { transactions } = await raw.expect("blocktxn");
    expect(transactions.map(txid)).toEqual([block.transactions[1]!, block.transactions[3]!].map(txid));
    await extend(node.chain, 6);
    raw.send({ command: "getdata", items: [{ type: 4, hash }] });
    expect(encodeBlock((await raw.expect("block")).block)).toEqual(encodeBlock(block));
    await extend(node.chain, 6);
    raw.received.splice(0);
    raw.send({ command: "getblocktxn", hash, indexes: [1] });
    await raw.expect("block");
  });

  it("as the last of those listed is followed by the tip's hash, so that the rest is asked for", async () => {
    const node = await nodes.add();
    const tip = await extend(node.chain, 502);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    raw.send({ command: "getblocks", version: 70016, locator: [], stop: Buffer.alloc(32) });
    const { items } = await raw.expect("inv");
    expect(items).toHaveLength(500);
    raw.received.splice(0);
    raw.send({ command: "getdata", items: [{ type: 4, hash: items[499]!.hash }] });
    await raw.expect("cmpctblock");
    expect((await raw.expect("inv")).items).toEqual([{ type: 2, hash: tip.hash }]);
  });

  it("is sent unasked to who wants that, once it is known to have the parent", async () => {
    const { node, raw } = await ready(1);
    raw.send({ command: "sendcmpct", announce: true, version: 2n });
    raw.send({ command: "headers", headers: [node.chain.header(node.chain.tip)] });
    await until(
      () => node.network.peers()[0]?.wantsCompact === true && node.network.peers()[0]?.bestHeight !== undefined,
    );
    const tip = await extend(node.chain, 1);
    const { header } = await raw.expect("cmpctblock");
    expect(blockHash(header)).toEqual(tip.hash);
  });

  it("for a place that the block does not have ends with a ban", async () => {
    const { node, raw } = await ready(1);
    raw.send({ command: "getblocktxn", hash: node.chain.tip.hash, indexes: [1] });
    await until(() => raw.isClosed, "the end");
    expect(bans(node)).toEqual(["10.9.9.9"]);
  });
});

it("spares nodes most of a block whose transactions they have", async () => {
  const a = await nodeWithPool();
  await extend(a.chain, 30 + MATURITY);
  const b = await nodeWithPool([a.host]);
  await until(() => agree([a, b]), "in step");
  const txs = await payments(a, 30, 5000);
  for (const tx of txs) a.mempool.accept(tx);
  await until(() => b.mempool.size === txs.length, "the transactions at the other");
  const before = b.network.totals().bytesReceived;
  const block = makeBlock(a.chain.tip, txs);
  await a.chain.addBlock(block);
  await until(() => agree([a, b]), "in step again");
  expect(blockTotalSize(block)).toBeGreaterThan(150_000);
  expect(b.network.totals().bytesReceived - before).toBeLessThan(5000);
  // The one that was asked is told to send the next one unasked.
  await until(() => b.network.peers()[0]?.announcesCompact === true && a.network.peers()[0]?.wantsCompact === true);
  await extend(a.chain, 1);
  await until(() => agree([a, b]), "in step by an announcement");
});
