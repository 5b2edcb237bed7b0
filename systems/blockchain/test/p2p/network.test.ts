import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blockHash } from "../../src/primitives/block.ts";
import { extend, makeBlock, makeLine } from "./support/blocks.ts";
import { agree, TestNodes, until } from "./support/node.ts";
import { RawPeer } from "./support/raw-peer.ts";

let nodes: TestNodes;
beforeEach(() => {
  nodes = new TestNodes();
});
afterEach(() => nodes.stop());

describe("nodes", () => {
  it("fetch a chain that others have, from several of them", async () => {
    const first = await nodes.add();
    await extend(first.chain, 300);
    const second = await nodes.add([first.host]);
    await until(() => agree([first, second]), "the second node in step");
    const third = await nodes.add([first.host, second.host]);
    await until(() => agree([first, third]), "the third node in step");
    expect(third.chain.tip.height).toBe(300);
    expect(third.network.isSyncing).toBe(false);
  });

  it("hear of new blocks, however they are connected", async () => {
    const a = await nodes.add();
    const b = await nodes.add([a.host]);
    const c = await nodes.add([b.host]);
    await until(() => c.network.peers().some(({ isReady }) => isReady) && b.network.peers().length === 2);
    await extend(c.chain, 3);
    await until(() => agree([a, b, c]), "all in step");
    await extend(a.chain, 3);
    await until(() => agree([a, b, c]), "all in step again");
    expect(c.chain.tip.height).toBe(6);
  });

  it("agree on the branch with more work when a partition heals", async () => {
    const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"];
    for (const host of hosts) await nodes.add(hosts.filter((other) => other !== host));
    const all = nodes.nodes;
    await until(() => all.every(({ network }) => network.peers().filter(({ isReady }) => isReady).length >= 4));
    await extend(all[0]!.chain, 5);
    await until(() => agree(all), "all in step");
    nodes.net.partition(hosts.slice(0, 2), hosts.slice(2));
    await extend(all[0]!.chain, 8);
    await extend(all[4]!.chain, 12);
    const winner = all[4]!.chain.tip;
    await until(() => agree(all.slice(0, 2)) && agree(all.slice(2)), "each side in step");
    expect(agree(all)).toBe(false);
    nodes.net.heal();
    await until(() => agree(all), "all in step after the partition");
    expect(all[0]!.chain.tip.hash).toEqual(winner.hash);
  });

  it("do not talk to themselves", async () => {
    const node = await nodes.add(["10.0.0.1", "myself"]);
    nodes.net.name("myself", "10.0.0.1");
    await extend(node.chain, 1);
    await until(() => node.network.peers().length === 0 && nodes.net.connections === 0);
    const other = await nodes.add([node.host]);
    await until(() => agree([node, other]), "the other in step");
    expect(node.network.peers()).toHaveLength(1);
  });

  it("have one connection with a node that has two names", async () => {
    const a = await nodes.add();
    nodes.net.name("alias", a.host);
    const b = await nodes.add(["alias"]);
    await until(() => b.network.peers().some(({ isReady }) => isReady));
    b.network.addNode(a.host, 2001, { once: true });
    await extend(a.chain, 3);
    await until(() => agree([a, b]), "in step");
    expect(b.network.peers()).toHaveLength(1);
  });

  it("hear of others by their peers", async () => {
    const a = await nodes.add();
    const b = await nodes.add([a.host]);
    await until(() => a.network.knownAddresses().some(({ host }) => host === b.host), "b known to a");
    const c = await nodes.add([a.host]);
    await until(() => c.network.peers().length >= 2, "c connected to b as well");
    await a.stop();
    await extend(c.chain, 1);
    await until(() => agree([b, c]), "b and c in step without a");
  });

  it("are told of the tip that they don't have, whoever dialled", async () => {
    const a = await nodes.add();
    await extend(a.chain, 20);
    const b = await nodes.add();
    await extend(b.chain, 10);
    a.network.addNode(b.host, 2001);
    await until(() => agree([a, b]), "both in step");
    expect(b.chain.tip.height).toBe(20);
  });

  it("end a connection when told, keep banned addresses out, and can be switched off", async () => {
    const a = await nodes.add();
    const b = await nodes.add([a.host]);
    await until(() => a.network.peers().length === 1);
    a.network.ban(b.host, 60_000);
    await until(() => a.network.peers().length === 0);
    expect(a.network.bans().map(({ address }) => address)).toEqual([b.host]);
    await extend(a.chain, 1);
    expect(agree([a, b])).toBe(false);
    a.network.clearBans();
    await until(() => agree([a, b]), "both in step");
    b.network.setActive(false);
    await until(() => a.network.peers().length === 0);
    expect(a.network.isActive).toBe(true);
    b.network.setActive(true);
    await until(() => a.network.peers().length === 1);
  });
});

describe("a hostile peer", () => {
  it("that sends nonsense is banned; others go on", async () => {
    const a = await nodes.add();
    const b = await nodes.add([a.host]);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", a.host);
    raw.sendBytes(Buffer.from("this is no message of any network".repeat(4)));
    await until(() => raw.isClosed, "the connection ended");
    const bad = await RawPeer.greet(nodes.net, "10.9.9.8", a.host);
    bad.sendBytes(Buffer.from("fabfb5da76657261636b0000000000000500000000000000aabbccddee", "hex"));
    await until(() => bad.isClosed, "the connection ended");
    expect(a.network.bans().map(({ address }) => address)).toEqual(["10.9.9.8"]);
    await extend(b.chain, 2);
    await until(() => agree([a, b]), "both in step");
  });

  it("that sends an invalid block with valid work is banned, and its block forgotten as a tip", async () => {
    const a = await nodes.add();
    await extend(a.chain, 2);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", a.host);
    const greedy = makeBlock(a.chain.tip, [], 51e8);
    raw.send({ command: "headers", headers: [greedy.header] });
    const asked = await raw.expect("getdata");
    expect(asked.items[0]?.hash).toEqual(blockHash(greedy.header));
    raw.send({ command: "block", block: greedy });
    await until(() => raw.isClosed, "the connection ended");
    expect(a.network.bans()).toHaveLength(1);
    expect(a.chain.tip.height).toBe(2);
    const honest = await nodes.add([a.host]);
    await extend(honest.chain, 1);
    await until(() => agree([a, honest]), "in step with the honest one");
  });

  it("that announces a better chain and holds its blocks back does not keep the node from others", async () => {
    const a = await nodes.add([], { timing: { tickMs: 10, downloads: { perPeer: 16, stallMs: 300, patience: 2 } } });
    await extend(a.chain, 1);
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", a.host);
    raw.send({ command: "headers", headers: makeLine(a.chain.tip, 30).map(({ header }) => header) });
    await raw.expect("getdata");
    expect(a.network.isSyncing).toBe(true);
    const honest = await nodes.add([a.host]);
    await until(() => agree([a, honest]));
    await extend(honest.chain, 3);
    await until(() => agree([a, honest]), "in step with the honest one");
    await until(() => raw.isClosed, "the other let go");
    expect(a.network.isSyncing).toBe(false);
  });

  it("is not read beyond its bounds", async () => {
    const a = await nodes.add();
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", a.host);
    const header = Buffer.alloc(24);
    header.write("fabfb5da", "hex");
    header.write("inv", 4, "latin1");
    header.writeUInt32LE(3_900_000, 16);
    raw.sendBytes(header);
    await until(() => raw.isClosed, "the connection ended");
    expect(a.network.totals().messagesRefused).toBe(1);
  });

  it("that floods with headers which connect to nothing is banned", async () => {
    const a = await nodes.add();
    const raw = await RawPeer.greet(nodes.net, "10.9.9.9", a.host);
    const stray = makeLine({ hash: Buffer.alloc(32, 7), height: 5, time: 1_700_000_000 }, 1);
    for (let i = 0; i < 60; i++) raw.send({ command: "headers", headers: stray.map(({ header }) => header) });
    await until(() => raw.isClosed, "the connection ended");
    expect(a.chain.bestHeader.height).toBe(0);
  });

  it("is not answered before the handshake is over", async () => {
    const a = await nodes.add();
    await extend(a.chain, 1);
    const raw = await RawPeer.dial(nodes.net, "10.9.9.9", a.host);
    raw.send({ command: "getblocks", version: 70016, locator: [], stop: Buffer.alloc(32) });
    raw.send({ command: "ping", nonce: 1n });
    const other = await RawPeer.greet(nodes.net, "10.9.9.8", a.host);
    other.send({ command: "ping", nonce: 5n });
    await other.expect("pong");
    expect(raw.received).toEqual([]);
  });
});
