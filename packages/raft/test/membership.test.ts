/** Thesis 4: changes of membership, and the guards around them. */
import { describe, expect, it } from "vitest";
import type { MemberChange } from "../src/index.ts";
import { Cores } from "./support/cores.ts";

const learner = (id: string): MemberChange => ({ kind: "add-learner", member: { id, name: id, address: "h:1" } });

function change(group: Cores, change: MemberChange, at = "a") {
  return group.step(at, { type: "change", change });
}

function withLearner(): Cores {
  const group = new Cores("abc");
  group.add("d", []);
  group.elect("a");
  change(group, learner("d"));
  group.settle();
  return group;
}

const votersOf = (group: Cores, id: string) =>
  group
    .get(id)
    .membership.members.filter((member) => !member.isLearner)
    .map((member) => member.id);

describe("thesis 4.2.1: a new member", () => {
  it("comes as a learner, which receives the log and neither counts nor campaigns", () => {
    const group = withLearner();
    expect([group.get("d").commit, group.get("d").role]).toEqual([3, "learner"]);
    group.propose("a", "x");
    group.settle(({ to }) => "bc".includes(to));
    expect([group.get("d").last, group.get("a").commit]).toEqual([4, 3]);
    group.tick("d", 50);
    expect(group.mail.filter(({ from }) => from === "d")).toEqual([]);
  });

  it("is promoted once it has caught up, and then it counts", () => {
    const group = withLearner();
    for (let i = 0; i < 5; i++) {
      group.propose("a", `${i}`);
      group.settle(({ to }) => to === "d");
    }
    expect(change(group, { kind: "promote", id: "d" }).refused).toMatchObject({
      code: "unsafe",
      message: expect.stringContaining("lacks 5 entries"),
    });
    group.tick("a", 2);
    group.settle();
    expect(change(group, { kind: "promote", id: "d" }).accepted).toBeDefined();
    group.settle();
    expect(votersOf(group, "d")).toEqual(["a", "b", "c", "d"]);
    expect(group.get("d").role).toBe("follower");
  });
});

describe("thesis 4.1: one change at a time", () => {
  it("is told apart from what is committed until it is", () => {
    const group = withLearner();
    const { membership: before } = group.get("a");
    change(group, { kind: "remove", id: "b" });
    expect(group.get("a").membership.removed).toEqual(["b"]);
    expect(group.get("a").committedMembership).toEqual(before);
    group.settle();
    expect(group.get("a").committedMembership).toMatchObject({ removed: ["b"] });
  });

  it("a second is refused until the first is committed", () => {
    const group = withLearner();
    change(group, { kind: "remove", id: "b" });
    expect(change(group, { kind: "remove", id: "c" }).refused?.code).toBe("busy");
  });

  it("none before an entry of the term is committed", () => {
    const group = new Cores("abc");
    group.elect("a", ({ message }) => message.type === "append");
    expect(change(group, { kind: "remove", id: "b" }).refused?.code).toBe("busy");
  });

  it("takes effect when it is appended, and is undone when it is truncated", () => {
    const group = new Cores("abc");
    group.elect("a");
    change(group, { kind: "remove", id: "b" });
    group.mail = [];
    expect(votersOf(group, "a")).toEqual(["a", "c"]);
    for (const id of "bc") group.step(id, { type: "peer-down", id: "a" });
    group.elect("c", ({ to, from }) => to === "a" || from === "a");
    group.step("c", { type: "peer-up", id: "a" });
    group.tick("c", 2);
    group.settle();
    expect(votersOf(group, "a")).toEqual(["a", "b", "c"]);
  });
});

describe("guards against the loss of the quorum", () => {
  it("refuse a removal that would leave too few that can be reached", () => {
    const group = new Cores("abc");
    group.elect("a");
    group.step("a", { type: "peer-down", id: "b" });
    const { refused } = change(group, { kind: "remove", id: "c" });
    expect(refused).toMatchObject({ code: "unsafe", message: expect.stringContaining("b can't be reached") });
    expect(change(group, { kind: "remove", id: "b" }).accepted).toBeDefined();
  });

  it("count who was silent for a timeout as out of reach", () => {
    const group = new Cores("abcd");
    group.elect("a");
    for (let i = 0; i < 14; i++) {
      group.tick("a");
      group.settle(({ to }) => to === "d");
    }
    expect(change(group, { kind: "remove", id: "b" }).accepted).toBeDefined();
    group.settle(({ to }) => to === "d");
    expect(change(group, { kind: "remove", id: "c" }).refused?.code).toBe("unsafe");
  });

  it.each<[string, MemberChange]>([
    ["the last voter", { kind: "remove", id: "a" }],
    ["a stranger's promotion", { kind: "promote", id: "z" }],
    ["another's name", { kind: "add-learner", member: { id: "z", name: "a", address: "h:2" } }],
    ["a member again, elsewhere", { kind: "add-learner", member: { id: "a", name: "a", address: "h:2" } }],
  ])("refuse %s", (_, wish) => {
    const group = new Cores("a");
    group.elect("a");
    expect(change(group, wish).refused?.code).toBe("invalid");
  });

  it("take a wish that is fulfilled already for done", () => {
    const group = withLearner();
    const { last } = group.get("a");
    expect(change(group, learner("d")).accepted).toEqual({ index: 3, term: 2 });
    expect(change(group, { kind: "remove", id: "nobody" }).accepted).toBeDefined();
    expect(group.get("a").last).toBe(last);
  });
});

describe("thesis 4.2.2: removal", () => {
  it("a leader that is removed leads until that is committed, without counting itself, and names its heir", () => {
    const group = new Cores("abc");
    group.elect("a");
    change(group, { kind: "remove", id: "a" });
    expect(group.get("a").isLeading).toBe(true);
    group.settle(({ to }) => to === "c");
    expect([group.get("a").isLeading, group.get("a").commit]).toEqual([true, 2]);
    group.tick("a", 2);
    group.settle();
    expect(group.get("a").role).toBe("removed");
    expect([...group.cores.values()].filter((core) => core.isLeading)).toHaveLength(1);
  });

  it("a removed member hears of it, is told again when it comes back, and may not return", () => {
    const group = new Cores("abc");
    group.elect("a");
    change(group, { kind: "remove", id: "c" });
    group.settle(({ to }) => to === "c");
    expect(group.get("c").role).toBe("follower");
    for (const id of "ab") group.tick(id, 11);
    group.mail = [];
    group.tick("c", 20);
    group.settle();
    expect(group.get("c").role).toBe("removed");
    group.tick("c", 50);
    expect(group.mail).toEqual([]);
    group.elect("b");
    expect(change(group, learner("c"), "b").refused).toMatchObject({
      code: "invalid",
      message: expect.stringContaining("new id"),
    });
  });

  it("who alone holds its own removal may campaign for it", () => {
    const group = new Cores("ab");
    group.elect("a");
    change(group, { kind: "remove", id: "a" });
    group.mail = [];
    group.tick("a", 12);
    expect(group.get("a").isLeading).toBe(false);
    group.mail = [];
    for (let i = 0; i < 40; i++) {
      for (const id of "ab") group.tick(id);
      group.settle();
    }
    expect(group.get("a").role).toBe("removed");
    expect(votersOf(group, "b")).toEqual(["b"]);
  });
});
