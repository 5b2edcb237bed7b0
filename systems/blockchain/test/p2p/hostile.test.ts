/** Peers that flood, lie, stall and crowd: what they cost is bounded, they go, and the node serves the others. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { NodeChain } from "../../src/chain/chain.ts";
import { regtest } from "../../src/consensus/params.ts";
import { BlockchainError } from "../../src/errors.ts";
import { openMempool } from "../../src/mempool/open-mempool.ts";
import type { Mempool } from "../../src/mempool/types.ts";
import { encodeFrame } from "../../src/p2p/wire/frame.ts";
import type { BlockHeader } from "../../src/primitives/block.ts";
import type { Transaction } from "../../src/primitives/transaction.ts";
import { extend, makeBlock, makeLine, OPEN_SCRIPT, type Parent } from "./support/blocks.ts";
import { anyScripts } from "./support/mempool.ts";
import { agree, emptyMempool, PORT, type TestNode, TestNodes, until } from "./support/node.ts";
import { RawPeer } from "./support/raw-peer.ts";

let nodes: TestNodes;
beforeEach(() => {
  nodes = new TestNodes();
});
afterEach(() => nodes.stop());

const headersOf = (from: Parent, count: number): BlockHeader[] => makeLine(from, count).map(({ header }) => header);
const bans = ({ network }: TestNode): string[] => network.bans().map(({ address }) => address);
const headerCount = ({ chain }: TestNode): number => (chain as NodeChain).headerCount;

/** A new honest node brings a block, and the one under attack takes it. */
async function servesOn(node: TestNode): Promise<void> {
  const honest = await nodes.add([node.host]);
  await until(() => agree([node, honest]), "the honest one in step");
  await extend(honest.chain, 1);
  await until(() => agree([node, honest]), "the block of the honest one");
}

/** Resolves when what was sent before was handled. */
async function handled(peer: RawPeer): Promise<void> {
  const nonce = BigInt(peer.received.length) + 1_000n;
  peer.send({ command: "ping", nonce });
  const isAnswered = (): boolean =>
    peer.received.some((message) => message.command === "pong" && message.nonce === nonce);
  await until(() => isAnswered() || peer.isClosed, "a pong");
}

describe("a flood of headers", () => {
  const chainOptions = { maxSideHeaders: 600, maxHeadersAhead: 600 };

  it("with little work fills its bound and no more, and ends with a ban", async () => {
    const node = await nodes.add([], { chainOptions, maxWeakHeaders: 800 });
    await extend(node.chain, 200);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    for (let i = 0; i < 6 && !raw.isClosed; i++) {
      raw.send({ command: "headers", headers: headersOf(node.chain.genesis, 199) });
      await handled(raw);
      expect(headerCount(node)).toBeLessThanOrEqual(201 + chainOptions.maxSideHeaders);
    }
    expect(raw.isClosed).toBe(true);
    expect(bans(node)).toEqual(["10.9.9.9"]);
    await servesOn(node);
  });

  it("with more work than any block here leads as far as its bound, and does not hide the branch that has blocks", async () => {
    const node = await nodes.add([], { chainOptions });
    await extend(node.chain, 5);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    const fake = headersOf(node.chain.genesis, 1000);
    for (let at = 0; at < fake.length; at += 200) raw.send({ command: "headers", headers: fake.slice(at, at + 200) });
    await handled(raw);
    expect(node.chain.bestHeader.height).toBe(600);
    // Branches beside it, each with more work than the blocks have, too many to be kept.
    for (let i = 0; i < 3; i++) {
      raw.send({ command: "headers", headers: headersOf(node.chain.genesis, 380) });
      await handled(raw);
      expect(headerCount(node)).toBeLessThanOrEqual(6 + 600 + chainOptions.maxSideHeaders);
    }
    await servesOn(node);
  });

  it("that connect to nothing, a million of them, leaves nothing behind", async () => {
    const node = await nodes.add();
    await extend(node.chain, 1);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    const stray = headersOf({ hash: Buffer.alloc(32, 7), height: 5, time: 1_700_000_000 }, 2000);
    for (let i = 0; i < 500 && !raw.isClosed; i++) {
      raw.send({ command: "headers", headers: stray });
      await handled(raw);
    }
    expect(raw.isClosed).toBe(true);
    expect(bans(node)).toEqual(["10.9.9.9"]);
    expect(headerCount(node)).toBe(2);
    await servesOn(node);
  });

  it("whose line has a gap is refused as no line", async () => {
    const node = await nodes.add();
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    const genesis = node.chain.genesis;
    raw.send({ command: "headers", headers: [...headersOf(genesis, 2), ...headersOf(genesis, 2)] });
    await until(() => raw.isClosed, "the connection ended");
    expect(bans(node)).toEqual(["10.9.9.9"]);
  });
});

describe("blocks", () => {
  it("without a known parent are not kept, and who goes on sending them is banned", async () => {
    const node = await nodes.add();
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    for (const block of makeLine({ hash: Buffer.alloc(32, 7), height: 5, time: 1_700_000_000 }, 60))
      raw.send({ command: "block", block });
    await until(() => raw.isClosed, "the connection ended");
    expect(headerCount(node)).toBe(1);
    await servesOn(node);
  });

  it("altered on the way cost the sender its place, and not the block its own", async () => {
    const node = await nodes.add();
    await extend(node.chain, 1);
    const block = makeBlock(node.chain.tip);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    raw.send({ command: "headers", headers: [block.header] });
    await raw.expect("getdata");
    raw.send({ command: "block", block: { ...block, transactions: [...block.transactions, ...block.transactions] } });
    await until(() => raw.isClosed, "the connection ended");
    expect(bans(node)).toEqual(["10.9.9.9"]);
    expect(await node.chain.addBlock(block)).toMatchObject({ ok: true });
    expect(node.chain.tip.height).toBe(2);
  });
});

describe("messages", () => {
  const COMMANDS = ["version", "inv", "getdata", "headers", "block", "tx", "addr", "addrv2", "getheaders", "ping"];

  it("of random bytes never take the node down", async () => {
    const node = await nodes.add();
    for (let i = 0; i < 100; i++) {
      const raw = await RawPeer.greet(nodes.net, `10.9.${i}.9`, node.host);
      const payload = randomBytes(1 + ((i * 37) % 400));
      raw.sendBytes(encodeFrame(regtest.magic, COMMANDS[i % COMMANDS.length] as string, payload));
      await handled(raw);
      raw.close();
    }
    expect(bans(node).length).toBeGreaterThan(50);
    await servesOn(node);
  });

  it.each(["inv", "getdata", "notfound"])(
    "%s with more than 50,000 items is refused, and its sender banned",
    async (command) => {
      const node = await nodes.add();
      const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
      const payload = Buffer.alloc(3 + 36 * 50_001, 1);
      payload.writeUInt8(0xfd, 0);
      payload.writeUInt16LE(50_001, 1);
      raw.sendBytes(encodeFrame(regtest.magic, command, payload));
      await until(() => raw.isClosed, "the connection ended");
      expect(bans(node)).toEqual(["10.9.9.9"]);
    },
  );

  it("that ask for much without reading the answers end the connection before they fill memory", async () => {
    const node = await nodes.add([], { maxQueueBytes: 200_000 });
    await extend(node.chain, 50);
    const transport = await nodes.net.wiring("10.9.9.9").dial(node.host, PORT, new AbortController().signal);
    const raw = RawPeer.mute(transport);
    raw.sendVersion();
    raw.send({ command: "verack" });
    await until(() => node.network.peers()[0]?.isReady === true, "the handshake");
    const ask = {
      command: "getheaders",
      version: 70016,
      locator: [node.chain.genesis.hash],
      stop: Buffer.alloc(32),
    } as const;
    for (let i = 0; i < 100; i++) raw.send(ask);
    await until(() => node.network.peers().length === 0, "the connection ended");
    expect(node.network.totals().bytesSent).toBeLessThan(250_000);
    await servesOn(node);
  });
});

describe("transactions", () => {
  const orphan = (n: number): Transaction => ({
    version: 2,
    inputs: [{ prevout: { hash: randomBytes(32), index: n }, script: Buffer.alloc(8), sequence: 0, witness: [] }],
    outputs: [{ value: 1000, script: OPEN_SCRIPT }],
    lockTime: 0,
  });

  it("whose parents nobody has are kept to a bound, and so are the questions for their parents", async () => {
    const dir = await mkdtemp(join(tmpdir(), "blockchain-hostile-"));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    let mempool: Mempool | undefined;
    const policy = { requireStandard: false };
    const node = await nodes.add([], {
      mempoolOf: async (chain) => {
        mempool = await openMempool({ chain, dir, policy, scripts: anyScripts });
        return mempool;
      },
    });
    await extend(node.chain, 1);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    for (let i = 0; i < 500; i++) raw.send({ command: "tx", transaction: orphan(i) });
    await handled(raw);
    expect(mempool?.info().orphanCount).toBe(100);
    const asked = raw.received.flatMap((message) => (message.command === "getdata" ? message.items : []));
    expect(asked.length).toBeLessThanOrEqual(500);
    expect(raw.isClosed).toBe(false);
    await servesOn(node);
  });

  it("that nobody has time to check are let be, and so is who sends them", async () => {
    let asked = 0;
    const submit = async (): Promise<never> => {
      asked++;
      throw new BlockchainError("busy", "too many scripts wait to be checked");
    };
    const node = await nodes.add([], { mempoolOf: async () => ({ ...emptyMempool(), submit }) });
    await extend(node.chain, 1);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    const transaction = orphan(0);
    for (let i = 0; i < 2; i++) raw.send({ command: "tx", transaction });
    await handled(raw);
    expect([asked, raw.isClosed]).toEqual([2, false]);
  });
});

describe("many connections", () => {
  it("from one address do not keep others out", async () => {
    const node = await nodes.add([], { maxInbound: 20 });
    const crowd: RawPeer[] = [];
    for (let i = 0; i < 100; i++) crowd.push(await RawPeer.dial(nodes.net, "10.9.9.9", node.host));
    await until(() => crowd.filter(({ isClosed }) => !isClosed).length <= 10, "most of them refused");
    await servesOn(node);
  });

  it("from many addresses do not either, whether they say something or not", async () => {
    const node = await nodes.add([], { maxInbound: 12 });
    const crowd: RawPeer[] = [];
    for (let i = 0; i < 40; i++) crowd.push(await RawPeer.greet(nodes.net, `10.9.9.${i}`, node.host));
    for (let i = 0; i < 40; i++) crowd.push(await RawPeer.dial(nodes.net, `10.9.8.${i}`, node.host));
    await until(() => crowd.filter(({ isClosed }) => !isClosed).length <= 12, "no more than there are places");
    await servesOn(node);
  });

  it("behind one address: a bad one goes alone, until it has been too often", async () => {
    const node = await nodes.add();
    const good = await RawPeer.greet(nodes.net, "10.9.9.9", node.host);
    const misbehave = async (): Promise<void> => {
      const bad = await RawPeer.greet(nodes.net, "10.9.9.9", node.host, { nonce: 4711n });
      bad.send({ command: "headers", headers: [{ ...headersOf(node.chain.genesis, 1)[0]!, bits: 0x1d00ffff }] });
      await until(() => bad.isClosed, "the bad one gone");
    };
    for (let i = 0; i < 9; i++) await misbehave();
    expect(bans(node)).toEqual([]);
    await handled(good);
    expect(good.isClosed).toBe(false);
    await misbehave();
    expect(bans(node)).toEqual(["10.9.9.9"]);
    const late = await RawPeer.dial(nodes.net, "10.9.9.9", node.host);
    await until(() => late.isClosed, "kept out");
  });

  it("by a peer that discovery names: disconnected, never banned", async () => {
    const node = await nodes.add();
    const named = await nodes.add();
    node.network.setNamed([{ host: named.host, port: PORT }]);
    await until(() => node.network.peers().some(({ isReady }) => isReady), "connected");
    const [block] = makeLine(node.chain.genesis, 1);
    // Both sides take it for valid at first: only the node under test was told otherwise.
    await named.chain.addBlock(block!);
    await until(() => agree([node, named]), "in step");
    await node.chain.invalidate(node.chain.tip.hash);
    await extend(named.chain, 1);
    await until(() => node.network.peers().length === 0, "disconnected");
    expect(bans(node)).toEqual([]);
  });
});
