/** The decisions of the peer network, with time handed in. */
import { describe, expect, it } from "vitest";
import { BanList } from "../../src/p2p/bans.ts";
import { AddressBook } from "../../src/p2p/net/address-book.ts";
import { TransactionRequests } from "../../src/p2p/relay/requests.ts";
import { BlockDownloads } from "../../src/p2p/sync/downloads.ts";
import { HeaderSync } from "../../src/p2p/sync/header-sync.ts";

describe("header sync", () => {
  const timing = { answerMs: 100, refreshMs: 1000 };

  const asked = (sync: HeaderSync, nowMs: number): number[] => {
    const peers: number[] = [];
    for (let step = sync.step(nowMs); step; step = sync.step(nowMs)) if (step.kind === "ask") peers.push(step.peer);
    return peers;
  };

  it("asks each peer once, follows one to its end, then the others", () => {
    const sync = new HeaderSync(timing);
    for (const peer of [1, 2, 3]) sync.add(peer);
    expect(asked(sync, 0)).toEqual([1, 2, 3]);
    expect(sync.answered(2, true, 10)).toBe(true);
    expect(sync.answered(1, true, 20)).toBe(false);
    expect(sync.answered(3, false, 20)).toBe(false);
    expect(sync.answered(2, true, 50)).toBe(true);
    expect(asked(sync, 120)).toEqual([]);
    expect(sync.answered(2, false, 130)).toBe(false);
    expect(asked(sync, 130)).toEqual([1]);
    expect(sync.answered(1, false, 140)).toBe(false);
    expect(sync.isComplete).toBe(true);
    expect(asked(sync, 200)).toEqual([]);
    expect(asked(sync, 1020)).toEqual([3]);
  });

  it("does not wait for silent peers, and blames nobody after a standstill", () => {
    const sync = new HeaderSync(timing);
    sync.add(1);
    sync.add(2);
    expect(asked(sync, 0)).toEqual([1, 2]);
    expect(sync.answered(2, true, 90)).toBe(true);
    sync.forgive(5000);
    expect(sync.step(5050)).toBeUndefined();
    expect(sync.answered(2, true, 5060)).toBe(true);
    expect(sync.step(5100)).toEqual({ kind: "too-slow", peer: 1 });
    expect(sync.step(5100)).toEqual({ kind: "ask", peer: 1 });
    sync.remove(2);
    expect(sync.answered(1, true, 5110)).toBe(true);
  });

  it("goes on with another when the one that is followed stops", () => {
    const sync = new HeaderSync(timing);
    sync.add(1);
    sync.add(2);
    asked(sync, 0);
    sync.answered(1, true, 10);
    sync.answered(2, true, 10);
    expect(sync.step(110)).toEqual({ kind: "too-slow", peer: 1 });
    sync.remove(1);
    expect(sync.step(110)).toEqual({ kind: "ask", peer: 2 });
  });
});

describe("block downloads", () => {
  const wanted = Array.from({ length: 10 }, (_, n) => ({ key: `b${n}`, height: n }));
  const timing = { perPeer: 4, stallMs: 100, patience: 2 };
  const all = (peer: number) => ({ peer, has: () => true });

  it("are spread, bounded per peer, and never asked twice", () => {
    const downloads = new BlockDownloads(timing);
    const plan = downloads.plan(wanted, [all(1), all(2)], 0);
    expect([plan.get(1)?.length, plan.get(2)?.length]).toEqual([4, 4]);
    expect(downloads.plan(wanted, [all(1), all(2)], 0).size).toBe(0);
    downloads.received("b0", 1, 10);
    expect(downloads.inFlight).toBe(7);
    const next = downloads.plan(wanted.slice(1), [all(1), all(2)], 10);
    expect([...next]).toEqual([[1, [wanted[8]]]]);
  });

  it("go only to peers that have the block", () => {
    const downloads = new BlockDownloads(timing);
    const low = { peer: 1, has: ({ height }: { height: number }) => height < 2 };
    const plan = downloads.plan(wanted.slice(0, 4), [low, all(2)], 0);
    expect(plan.get(1)?.every(({ height }) => height < 2)).toBe(true);
  });

  it("move on from a peer that is late, and give it up the second time", () => {
    const downloads = new BlockDownloads(timing);
    downloads.plan(wanted.slice(0, 2), [all(1)], 0);
    downloads.received("b0", 1, 90);
    expect(downloads.late(150)).toEqual([]);
    expect(downloads.late(190)).toEqual([{ peer: 1, keys: ["b1"], isGivenUp: false }]);
    expect([...downloads.plan(wanted.slice(1, 2), [all(1), all(2)], 200).keys()]).toEqual([2]);
    downloads.remove(2);
    downloads.plan(wanted.slice(1, 2), [all(1)], 300);
    expect(downloads.late(400)).toEqual([{ peer: 1, keys: ["b1"], isGivenUp: true }]);
  });

  it("never find anybody late who owes nothing", () => {
    const downloads = new BlockDownloads(timing);
    downloads.plan(wanted.slice(0, 1), [all(1)], 0);
    downloads.received("b0", 1, 10);
    expect(downloads.late(1_000_000)).toEqual([]);
  });
});

describe("transaction requests", () => {
  const item = (key: string) => ({ key, type: 1, hash: Buffer.from(key) });

  it("ask one peer at a time, and the next when it does not deliver", () => {
    const requests = new TransactionRequests({ answerMs: 100, perPeer: 2, perTransaction: 2 });
    expect([1, 2, 3].map((peer) => requests.announced(item("a"), peer))).toEqual([true, true, false]);
    expect([...requests.plan(0).keys()]).toEqual([1]);
    expect(requests.plan(50).size).toBe(0);
    expect([...requests.plan(100).keys()]).toEqual([2]);
    expect(requests.plan(200).size).toBe(0);
    expect(requests.size).toBe(0);
  });

  it("are bounded per peer, and the bound is free again when they are settled", () => {
    const requests = new TransactionRequests({ answerMs: 100, perPeer: 2, perTransaction: 2 });
    expect(["a", "b", "c"].map((key) => requests.announced(item(key), 1))).toEqual([true, true, false]);
    requests.plan(0);
    requests.settled("a");
    expect(requests.announced(item("c"), 1)).toBe(true);
  });

  it("go on without a peer that left", () => {
    const requests = new TransactionRequests();
    requests.announced(item("a"), 1);
    requests.announced(item("a"), 2);
    requests.plan(0);
    requests.remove(1);
    expect([...requests.plan(1).keys()]).toEqual([2]);
  });
});

describe("the address book", () => {
  it("dials named addresses first, with a delay that grows, and forgets bad gossip", () => {
    const book = new AddressBook();
    book.add("gossip", 1, "gossip");
    book.setNamed([{ host: "a", port: 1 }]);
    expect(book.due(0, 5, () => false).map(({ host }) => host)).toEqual(["a", "gossip"]);
    for (let i = 0; i < 10; i++) {
      book.failed("a", 1, 0);
      book.failed("gossip", 1, 0);
    }
    expect(book.has("gossip", 1)).toBe(false);
    expect(book.due(29_999, 5, () => false)).toEqual([]);
    expect(book.due(30_000, 5, () => false)).toHaveLength(1);
    book.succeeded("a", 1, 0);
    expect(book.due(0, 5, () => false)).toHaveLength(1);
    book.setNamed([]);
    expect(book.size).toBe(0);
  });

  it("does not grow by gossip beyond its bound", () => {
    const book = new AddressBook();
    for (let i = 0; i < 5000; i++) book.add(`10.0.${i >> 8}.${i & 255}`, 1, "gossip");
    expect(book.size).toBe(1000);
  });
});

describe("bans", () => {
  it("end by themselves, and a longer one stands", () => {
    let now = 0;
    const bans = new BanList(() => now);
    bans.add("a", 100, "");
    bans.add("a", 50, "");
    now = 99;
    expect(bans.isBanned("a")).toBe(true);
    now = 100;
    expect(bans.isBanned("a")).toBe(false);
    expect(bans.list()).toEqual([]);
  });
});
