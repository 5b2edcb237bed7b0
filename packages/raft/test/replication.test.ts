/** Sections 5.3, 5.4.2, 7 and 8 of the paper; thesis 10.2.1. */
import { describe, expect, it } from "vitest";
import { Progress } from "../src/core/progress.ts";
import { Cores, entry, membershipOf } from "./support/cores.ts";

const FIRST = { index: 1, term: 1, membership: membershipOf("abc") };

/** A log out of terms: entry 1 forms the group, the others are empty. */
const logOf = (...terms: number[]) => [FIRST, ...terms.slice(1).map((term, i) => entry(i + 2, term))];

describe("5.3: log replication", () => {
  it("commits what a majority holds, and applies it in order everywhere", () => {
    const group = new Cores("abc");
    group.elect("a");
    const { accepted } = group.propose("a", "x", "y");
    expect(accepted).toEqual({ index: 3, term: 2 });
    group.settle();
    for (const id of "abc") expect(group.get(id).commit).toBe(4);
    expect(
      group.batches
        .get("c")
        ?.flatMap(({ applyTo }) => applyTo ?? [])
        .at(-1),
    ).toBe(4);
  });

  it.each([
    ["lacks entries", [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ["lacks more", [1, 1, 1, 4]],
    ["has more of the same term", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ["has more of a later term", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ["has and lacks", [1, 1, 1, 4, 4, 4, 4]],
    ["has much of other terms", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])("figure 7: a follower that %s comes to equal the leader", (_, terms) => {
    const group = new Cores("abc");
    group.add("a", logOf(1, 1, 1, 4, 4, 5, 5, 6, 6, 6), 7);
    group.add("b", logOf(1, 1, 1, 4, 4, 5, 5, 6, 6, 6), 7);
    group.add("c", logOf(...terms), 7);
    const leader = group.elect("a");
    group.tick("a", 3);
    group.settle();
    expect(group.terms("c")).toEqual([1, 1, 1, 4, 4, 5, 5, 6, 6, 6, leader.term]);
    expect(group.get("c").commit).toBe(11);
  });

  it("finds where logs part in one round per term, not per entry", () => {
    const group = new Cores("abc");
    const long = Array.from({ length: 500 }, (_, i) => (i < 10 ? 1 : 3));
    const other = Array.from({ length: 400 }, (_, i) => (i < 10 ? 1 : 2));
    for (const id of "ab") group.add(id, logOf(...long), 3);
    group.add("c", logOf(...other), 3);
    group.elect("a");
    const rejections = group.transcript.filter((line) => line.startsWith("c ") && line.includes("a <- not"));
    expect(rejections.length).toBeLessThanOrEqual(3);
    expect(group.get("c").last).toBe(501);
  });

  it("a follower refuses what does not follow its log, and truncates only on conflict", () => {
    const group = new Cores("abc");
    group.add("c", logOf(1, 1, 2, 2), 2);
    const append = { type: "append", term: 3, commit: 0 } as const;
    const answers = group.say("a", "c", { ...append, prevIndex: 7, prevTerm: 3, entries: [] });
    expect(answers).toEqual([{ type: "append-reject", term: 3, prevIndex: 7, hintIndex: 4, hintTerm: 2 }]);
    // An old copy of an append ends before the log does: what follows stays.
    group.say("a", "c", { ...append, prevIndex: 1, prevTerm: 1, entries: [entry(2, 1)] });
    expect(group.terms("c")).toEqual([1, 1, 2, 2]);
    group.say("a", "c", { ...append, prevIndex: 2, prevTerm: 1, entries: [entry(3, 3)] });
    expect(group.terms("c")).toEqual([1, 1, 3]);
  });

  it("a follower acknowledges what is durable, and a write of what was replaced since says nothing", () => {
    const group = new Cores("abc");
    group.slow.add("c");
    const append = { type: "append", prevIndex: 1, prevTerm: 1, commit: 0 } as const;
    expect(group.say("a", "c", { ...append, term: 2, entries: [entry(2, 2), entry(3, 2)] })).toEqual([]);
    expect(group.say("b", "c", { ...append, term: 3, entries: [entry(2, 3), entry(3, 3)] })).toEqual([]);
    const matches = group.step("c", { type: "durable", write: 1 }).sends.map(({ message }) => message);
    expect(matches).toEqual([{ type: "append-reply", term: 3, match: 1 }]);
    const reply = { type: "append-reply", term: 3, match: 3 };
    expect(group.step("c", { type: "durable", write: 2 }).sends).toEqual([{ to: "b", message: reply }]);
  });

  it("a follower takes a late copy for what it has committed, though that is forgotten by now", () => {
    const group = new Cores("abc");
    group.elect("a");
    group.propose("a", "x", "y", "z");
    group.settle();
    group.step("c", { type: "compact", index: 4 });
    const late = { type: "append", term: 2, prevIndex: 1, prevTerm: 1, entries: [entry(2, 2)], commit: 2 } as const;
    expect(group.say("a", "c", late)).toEqual([{ type: "append-reply", term: 2, match: 5 }]);
    expect([group.get("c").last, group.get("c").commit]).toEqual([5, 5]);
  });

  it("a new leader counts what waits for a majority since before", () => {
    const group = new Cores("abc");
    for (const id of "abc") group.add(id, [FIRST, entry(2, 1, "x".repeat(1500))]);
    group.elect("a", ({ message }) => message.type === "append");
    expect(group.propose("a", "x".repeat(1000)).refused?.code).toBe("overloaded");
  });

  it("tries no entry again that a follower is known to hold", () => {
    const progress = new Progress(9);
    progress.acknowledged(5);
    expect(progress.rejected(8, 3)).toBe(true);
    expect(progress.next).toBe(6);
  });

  it("keeps no more appends in flight than it may", () => {
    const group = new Cores("abc");
    group.elect("a");
    group.slow.add("b").add("c");
    for (let i = 0; i < 10; i++) group.propose("a", `${i}`);
    const appends = () => group.mail.filter(({ to, message }) => to === "b" && message.type === "append");
    expect(appends()).toHaveLength(4);
    group.settle();
    group.slow.clear();
    for (const id of "bc") group.step(id, { type: "durable", write: 99 });
    group.settle();
    expect(group.get("b").commit).toBe(12);
  });

  it("refuses proposals when too much waits for a majority", () => {
    const group = new Cores("abc");
    group.elect("a");
    const large = "x".repeat(1500);
    expect(group.propose("a", large).accepted).toBeDefined();
    expect(group.propose("a", large).refused?.code).toBe("overloaded");
    group.settle();
    expect(group.propose("a", large).accepted).toBeDefined();
  });
});

describe("thesis 10.2.1: writing in parallel", () => {
  it("the leader sends before its own disk is done, and counts itself only then", () => {
    const group = new Cores("abc");
    const leader = group.elect("a");
    group.slow.add("a").add("c");
    const { append, sends } = group.propose("a", "x");
    expect(sends.map(({ message }) => message.type)).toEqual(["append", "append"]);
    group.settle();
    expect(leader.commit).toBe(2);
    group.step("a", { type: "durable", write: append?.write ?? 0 });
    expect(leader.commit).toBe(3);
  });

  it("a majority without the leader commits, and the leader applies when it holds it too", () => {
    const group = new Cores("abc");
    const leader = group.elect("a");
    group.slow.add("a");
    const { append } = group.propose("a", "x");
    group.settle();
    expect(leader.commit).toBe(3);
    const applied = () =>
      group.batches
        .get("a")
        ?.flatMap(({ applyTo }) => applyTo ?? [])
        .at(-1);
    expect(applied()).toBe(2);
    group.step("a", { type: "durable", write: append?.write ?? 0 });
    expect(applied()).toBe(3);
  });
});

describe("5.4.2: entries of earlier terms", () => {
  it("figure 8: are not committed by counting, but by an entry of this term behind them", () => {
    const group = new Cores("abcde");
    const five = { index: 1, term: 1, membership: membershipOf("abcde") };
    for (const id of "abc") group.add(id, [five, entry(2, 2)], 3);
    for (const id of "de") group.add(id, [five], 3);
    group.elect("a", ({ message }) => message.type === "append");
    // A majority says that it holds entry 2, of term 2.
    for (const from of "bc") group.say(from, "a", { type: "append-reply", term: group.get("a").term, match: 2 });
    expect(group.get("a").commit).toBe(0);
    for (const from of "bc") group.say(from, "a", { type: "append-reply", term: group.get("a").term, match: 3 });
    expect(group.get("a").commit).toBe(3);
  });
});

describe("7: snapshots", () => {
  function withCompactedLog(): Cores {
    const group = new Cores("abc");
    group.elect("a", ({ to }) => to === "c");
    group.propose("a", "x", "y", "z");
    group.settle(({ to }) => to === "c");
    group.step("a", { type: "compact", index: 4 });
    return group;
  }

  it("go to a follower that lacks what is forgotten, and appends go on behind them", () => {
    const group = withCompactedLog();
    group.tick("a", 4);
    group.settle();
    expect(group.batches.get("a")?.flatMap(({ snapshots }) => snapshots)).toEqual(["c"]);
    // An answer to what was sent before says nothing about the snapshot.
    group.say("c", "a", { type: "append-reply", term: group.get("a").term, match: 1 });
    expect(group.get("a").progress()[1]?.state).toBe("snapshot");
    const meta = group.get("a").base;
    const { install } = group.step("c", { type: "snapshot", from: "a", term: group.get("a").term, meta });
    expect(install).toEqual(meta);
    group.step("a", { type: "snapshot-sent", to: "c", index: meta.index, isTaken: true });
    group.settle();
    expect([group.get("c").base.index, group.get("c").commit]).toEqual([4, 5]);
  });

  it("go there after one rejection, where it is a new leader that lacks the entries", () => {
    const group = withCompactedLog();
    group.say("b", "a", { type: "stale", term: 8 });
    group.elect("a", ({ to }) => to === "c");
    group.tick("a", 2);
    group.settle();
    expect(group.transcript.filter((line) => line.includes("a <- not"))).toHaveLength(1);
    expect(group.get("a").progress()[1]).toMatchObject({ id: "c", state: "snapshot" });
  });

  it("are tried again after a failure", () => {
    const group = withCompactedLog();
    group.tick("a", 4);
    group.settle();
    group.step("a", { type: "snapshot-sent", to: "c", index: 4, isTaken: false });
    expect(group.get("a").state.leading?.peers.get("c")?.next).toBe(1);
    group.tick("a", 4);
    group.settle();
    expect(group.batches.get("a")?.flatMap(({ snapshots }) => snapshots)).toEqual(["c", "c"]);
  });

  it("end what was being written: it says nothing about what comes behind them", () => {
    const group = new Cores("abc");
    group.slow.add("c");
    const entries = [entry(2, 2), entry(3, 2), entry(4, 2), entry(5, 2)];
    group.say("a", "c", { type: "append", term: 2, prevIndex: 1, prevTerm: 1, entries, commit: 0 });
    const meta = { index: 3, term: 3, membership: FIRST.membership };
    expect(group.step("c", { type: "snapshot", from: "b", term: 3, meta }).install).toEqual(meta);
    group.say("b", "c", { type: "append", term: 3, prevIndex: 3, prevTerm: 3, entries: [entry(4, 3)], commit: 3 });
    expect(group.step("c", { type: "durable", write: 1 }).sends).toEqual([]);
    expect(group.get("c").state.durable).toBe(3);
  });

  it("keep what follows on a log that they are on, and are no news where it is committed", () => {
    const group = new Cores("abc");
    group.add("c", logOf(1, 1, 1, 1), 1);
    const meta = { index: 3, term: 1, membership: FIRST.membership };
    const { install } = group.step("c", { type: "snapshot", from: "a", term: 2, meta });
    expect(install).toBeUndefined();
    expect([group.get("c").commit, group.get("c").last]).toEqual([3, 4]);
    expect(group.step("c", { type: "snapshot", from: "a", term: 1, meta }).sends).toEqual([]);
  });
});

describe("8: reads (ReadIndex, thesis 6.4)", () => {
  it("wait until the term's first entry is committed", () => {
    const group = new Cores("abc");
    group.elect("a", ({ message }) => message.type === "append");
    const read = () => group.batches.get("a")?.flatMap(({ reads }) => reads);
    group.step("a", { type: "read", id: 7 });
    group.tick("a", 2);
    group.settle(({ message }) => message.type === "append");
    expect(read()).toEqual([]);
    group.tick("a", 2);
    group.settle();
    group.tick("a", 2);
    group.settle();
    expect(read()).toEqual([{ id: 7, index: 2 }]);
  });

  it("share rounds of heartbeats, each begun after the reads that it confirms", () => {
    const group = new Cores("abc");
    group.elect("a");
    group.step("a", { type: "read", id: 1 });
    group.step("a", { type: "read", id: 2 });
    group.step("a", { type: "read", id: 3 });
    expect(group.mail.filter(({ message }) => message.type === "heartbeat")).toHaveLength(2);
    group.settle();
    expect(group.batches.get("a")?.flatMap(({ reads }) => reads.map(({ id }) => id))).toEqual([1, 2, 3]);
    expect(group.get("a").state.leading?.round).toBe(2);
  });

  it("are not served by who was deposed, and are bounded", () => {
    const group = new Cores("abc");
    group.elect("a");
    for (const id of [1, 2, 3]) group.step("a", { type: "read", id });
    expect(group.step("a", { type: "read", id: 4 }).refused?.code).toBe("overloaded");
    group.mail = [];
    const { lostReads } = group.deliver({ from: "b", to: "a", message: { type: "stale", term: 9 } });
    expect([...lostReads].sort()).toEqual([1, 2, 3]);
    expect(group.step("b", { type: "read", id: 5 }).refused?.code).toBe("no-leader");
  });
});
