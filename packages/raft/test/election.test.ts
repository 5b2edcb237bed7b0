/** Sections 5.1, 5.2 and 5.4.1 of the paper; thesis 3.10, 4.2.3, 6.2 and 9.6. */
import { describe, expect, it } from "vitest";
import { Cores, entry, membershipOf } from "./support/cores.ts";

const vote = { type: "vote", isPre: false, isTransfer: false, lastIndex: 1, lastTerm: 1 } as const;

describe("5.1: terms", () => {
  it("a later term in any message makes a follower of everyone", () => {
    const group = new Cores("abc");
    const leader = group.elect("a");
    group.say("b", "a", { type: "append-reply", term: leader.term + 3, match: 0 });
    expect([leader.role, leader.term]).toEqual(["follower", 5]);
  });

  it("a message of an earlier term changes nothing, and a leader of one is told", () => {
    const group = new Cores("abc");
    group.elect("a");
    const answers = group.say("b", "c", { type: "heartbeat", term: 1, commit: 9, round: 1 });
    expect(answers).toEqual([{ type: "stale", term: 2 }]);
    expect(group.get("c").leader).toBe("a");
    expect(group.say("b", "c", { type: "vote-reply", term: 1, isPre: false, isGranted: true })).toEqual([]);
  });
});

describe("5.2: elections", () => {
  it("begin within one to two timeouts, at random", () => {
    for (const [random, ticks] of [
      [0, 10],
      [0.99, 19],
    ] as const) {
      const group = new Cores("abc", { random: () => random });
      group.tick("a", ticks - 1);
      expect(group.mail).toEqual([]);
      group.tick("a");
      expect(group.mail.map(({ message }) => message.type)).toEqual(["vote", "vote"]);
    }
  });

  it("are held by who won the pre-vote, and won with a majority; the winner opens its term with an entry", () => {
    const group = new Cores("abcde");
    group.tick("a", 10);
    group.settle(({ to, from }) => "de".includes(to) || "de".includes(from));
    expect(group.get("a").isLeading).toBe(true);
    expect(group.terms("a")).toEqual([1, 2]);
    expect(group.terms("b")).toEqual([1, 2]);
  });

  it("are lost without one", () => {
    const group = new Cores("abcde");
    group.tick("a", 10);
    group.settle(({ from }) => from !== "a" && from !== "b");
    expect(group.get("a").role).toBe("pre-candidate");
    expect(group.get("a").term).toBe(1);
  });

  it("give one vote per term, the same one again when asked again, and persist it before the answer", () => {
    const group = new Cores("abc");
    const batch = group.deliver({ from: "a", to: "c", message: { ...vote, term: 2 } });
    expect(batch.hardState).toEqual({ term: 2, vote: "a" });
    expect(batch.sends[0]?.message).toMatchObject({ isGranted: true });
    expect(group.say("b", "c", { ...vote, term: 2 })).toMatchObject([{ isGranted: false }]);
    expect(group.say("a", "c", { ...vote, term: 2 })).toMatchObject([{ isGranted: true }]);
  });

  it("count each voter once, and nobody else", () => {
    const group = new Cores("abcde");
    group.tick("a", 10);
    const granted = { type: "vote-reply", term: 2, isPre: true, isGranted: true } as const;
    for (const from of ["b", "b", "x", "b"]) group.say(from, "a", granted);
    expect(group.get("a").role).toBe("pre-candidate");
    group.say("c", "a", granted);
    expect(group.get("a").role).toBe("candidate");
  });

  it("count a voter's first answer, and none to a question of before", () => {
    const group = new Cores("abcde");
    const answer = { type: "vote-reply", term: 2, isPre: true, isGranted: true } as const;
    group.tick("a", 10);
    group.say("b", "a", answer);
    group.say("b", "a", { ...answer, term: 1, isGranted: false });
    group.say("c", "a", answer);
    expect(group.get("a").role).toBe("candidate");
    group.say("d", "a", { type: "heartbeat", term: 2, commit: 0, round: 0 });
    group.tick("a", 10);
    for (const from of "bc") group.say(from, "a", answer);
    expect([group.get("a").role, group.get("a").term]).toEqual(["pre-candidate", 2]);
  });

  it("end at once when a majority has refused", () => {
    const group = new Cores("abc");
    group.tick("a", 10);
    for (const from of "bc") group.say(from, "a", { type: "vote-reply", term: 1, isPre: true, isGranted: false });
    expect(group.get("a").role).toBe("follower");
  });

  it("have no votes to give where the term's leader is known", () => {
    const group = new Cores("abc");
    group.elect("a", ({ to, message }) => to === "c" && message.type === "vote");
    expect([group.get("c").leader, group.get("c").state.vote]).toEqual(["a", undefined]);
    const ask = { ...vote, term: 2, lastIndex: 9, lastTerm: 9 };
    expect(group.say("b", "c", ask)).toMatchObject([{ isGranted: false }]);
  });

  it("a candidate follows a leader of its term", () => {
    const group = new Cores("abc");
    group.step("a", { type: "message", from: "b", message: { type: "timeout-now", term: 1 } });
    expect(group.get("a").role).toBe("candidate");
    group.say("b", "a", { type: "heartbeat", term: 2, commit: 0, round: 0 });
    expect([group.get("a").role, group.get("a").leader]).toEqual(["follower", "b"]);
  });
});

describe("5.4.1: who may win", () => {
  it.each([
    [2, 1, true, "the same log"],
    [3, 1, true, "longer in the same term"],
    [1, 1, false, "shorter in the same term"],
    [1, 2, true, "shorter, of a later term"],
    [9, 0, false, "longer, of an earlier term"],
  ])("a candidate that ends at %i in term %i: %s (%s)", (lastIndex, lastTerm, isGranted) => {
    const group = new Cores("abc");
    group.add("c", [{ index: 1, term: 1, membership: membershipOf("abc") }, entry(2, 1)]);
    expect(group.say("a", "c", { ...vote, term: 4, lastIndex, lastTerm })).toMatchObject([{ isGranted }]);
    expect(group.say("a", "c", { ...vote, isPre: true, term: 9, lastIndex, lastTerm })).toMatchObject([{ isGranted }]);
  });
});

describe("thesis 9.6: pre-vote", () => {
  it("changes no term, neither the asker's nor the asked one's", () => {
    const group = new Cores("abc");
    group.tick("a", 10);
    const answers = group.say("a", "b", { ...vote, isPre: true, term: 2 });
    expect(answers).toEqual([{ type: "vote-reply", term: 2, isPre: true, isGranted: true }]);
    expect([group.get("a").term, group.get("b").term]).toEqual([1, 1]);
  });

  it("who was cut off for long comes back without disturbing", () => {
    const group = new Cores("abc");
    const leader = group.elect("a");
    group.tick("c", 500);
    group.mail = [];
    expect(group.get("c").term).toBe(2);
    group.tick("c", 20);
    group.settle();
    expect([leader.isLeading, leader.term]).toEqual([true, 2]);
  });

  it("carries terms all the same: who is behind learns of a later one from the refusal", () => {
    const group = new Cores("abc");
    group.say("c", "b", { ...vote, term: 7, isTransfer: true, lastIndex: 0, lastTerm: 0 });
    group.tick("a", 10);
    group.settle(({ to, from }) => to === "c" || from === "c");
    expect(group.get("a").term).toBe(7);
  });

  it("a member that is stuck in a later term draws the leader there", () => {
    const group = new Cores("abc");
    const leader = group.elect("a");
    group.step("c", { type: "message", from: "a", message: { type: "timeout-now", term: 2 } });
    group.mail = [];
    group.tick("a", 2);
    group.settle();
    expect([leader.isLeading, leader.term]).toEqual([false, 3]);
    group.elect("b");
    expect(group.get("c").leader).toBe("b");
  });
});

describe("thesis 4.2.3: stickiness", () => {
  it("who hears a leader answers no candidate, until the shortest timeout has passed", () => {
    const group = new Cores("abc");
    group.elect("a");
    const ask = { ...vote, term: 9, lastIndex: 9, lastTerm: 9 };
    expect(group.say("b", "c", ask)).toEqual([]);
    expect(group.say("b", "a", ask)).toEqual([]);
    group.tick("c", 10);
    group.mail = [];
    expect(group.say("b", "c", { ...ask, isPre: true })).toMatchObject([{ isGranted: true }]);
  });

  it("loyalty comes back with the next word of the leader", () => {
    const group = new Cores("abc");
    group.elect("a");
    group.step("c", { type: "peer-down", id: "a" });
    group.say("a", "c", { type: "heartbeat", term: 2, commit: 2, round: 9 });
    expect(group.say("b", "c", { ...vote, term: 3, lastIndex: 9, lastTerm: 9 })).toEqual([]);
  });

  it("a leader is loyal to itself, however long its election took", () => {
    const group = new Cores("abc", { random: () => 0.99 });
    group.tick("a", 19);
    group.settle(({ message }) => message.type === "vote" && !message.isPre);
    group.tick("a", 15);
    group.say("b", "a", { type: "vote-reply", term: 2, isPre: false, isGranted: true });
    expect(group.say("c", "a", { ...vote, term: 9, lastIndex: 9, lastTerm: 9 })).toEqual([]);
    expect(group.get("a").isLeading).toBe(true);
  });

  it("an election that the leader asked for is no disturbance", () => {
    const group = new Cores("abc");
    group.elect("a");
    expect(group.say("b", "c", { ...vote, term: 3, isTransfer: true, lastIndex: 2, lastTerm: 2 })).toMatchObject([
      { isGranted: true },
    ]);
  });

  it("the end of the connection to the leader ends patience, not the majority's loyalty", () => {
    const group = new Cores("abcde");
    const leader = group.elect("a");
    group.step("b", { type: "peer-down", id: "a" });
    group.tick("b", 3);
    group.settle();
    expect(leader.isLeading).toBe(true);
    for (const id of "bcd") group.step(id, { type: "peer-down", id: "a" });
    group.cores.delete("a");
    group.tick("b", 20);
    group.settle();
    expect(group.get("b").isLeading).toBe(true);
  });
});

describe("thesis 6.2: check-quorum", () => {
  it("a leader that hears no majority for a timeout steps down", () => {
    const group = new Cores("abc");
    const leader = group.elect("a");
    for (let i = 0; i < 30; i++) {
      group.tick("a");
      group.settle(({ to }) => to === "c");
    }
    expect(leader.isLeading).toBe(true);
    group.tick("a", 12);
    expect([leader.role, leader.leader, leader.term]).toEqual(["follower", undefined, 2]);
  });
});

describe("thesis 3.10: leadership transfer", () => {
  it("brings the heir up to date first, then tells it, and takes no proposals meanwhile", () => {
    const group = new Cores("abc");
    group.elect("a");
    group.slow.add("b");
    group.propose("a", "x");
    group.settle();
    group.step("a", { type: "transfer", to: "b" });
    expect(group.propose("a", "y").refused?.code).toBe("busy");
    expect(group.step("a", { type: "change", change: { kind: "remove", id: "c" } }).refused?.code).toBe("busy");
    expect(group.mail).toEqual([]);
    group.slow.clear();
    group.step("b", { type: "durable", write: 99 });
    group.settle();
    expect([group.get("b").isLeading, group.get("a").leader, group.get("b").term]).toEqual([true, "b", 3]);
  });

  it("is given up after a timeout, and proposals go on", () => {
    const group = new Cores("abc");
    group.elect("a");
    group.step("a", { type: "transfer", to: "b" });
    group.mail = [];
    let failed: string | undefined;
    for (let i = 0; i < 12; i++) {
      failed ??= group.step("a", { type: "tick" }).transferFailed;
      group.settle(({ to }) => to === "b");
    }
    expect(failed).toMatch(/b did not take over/);
    expect(group.propose("a", "y").accepted).toBeDefined();
  });

  it("tells the heir once: a second election would disturb the first", () => {
    const group = new Cores("abc");
    group.elect("a");
    for (let asked = 0; asked < 2; asked++) group.step("a", { type: "transfer", to: "b" });
    expect(group.mail.map(({ to, message }) => [to, message.type])).toEqual([["b", "timeout-now"]]);
  });

  it("goes only to a voter", () => {
    const group = new Cores("abc");
    group.elect("a");
    expect(group.step("a", { type: "transfer", to: "x" }).refused?.code).toBe("invalid");
    expect(group.step("b", { type: "transfer", to: "b" }).refused?.code).toBe("no-leader");
  });
});
