/** The leader's next step, case by case. */
import { describe, expect, it } from "vitest";
import { type FollowView, nextAction, trackAbsence } from "../../src/membership/follow.ts";
import { ordinalIn } from "../../src/node/identity.ts";

const seat = (n: number, disk = `d${n}`) => ({ id: disk, name: `w-${n}`, address: `w-${n}:8090` });
const member = (n: number, isLearner = false, disk?: string) => ({ ...seat(n, disk), isLearner });
const voters = (...ordinals: readonly number[]) => ordinals.map((n) => member(n));

/** `w-0` leads, all are there and caught up, nobody wishes anything. */
function view(change: Partial<FollowView> & { readonly away?: readonly string[] } = {}): FollowView {
  const { away = [], ...rest } = change;
  return {
    now: 100_000,
    self: "d0",
    members: voters(0, 1, 2),
    isActive: (id) => !away.includes(id),
    isCaughtUp: () => true,
    wishes: [],
    wanted: undefined,
    absentSince: new Map(),
    ordinalOf: (name) => Number(name.slice(2)),
    graceMs: 60_000,
    maxVoters: 5,
    ...rest,
  };
}

const change = (of: FollowView) => {
  const action = nextAction(of);
  return action?.kind === "change" ? action.change : action;
};

it("does nothing while all is well", () => {
  expect(nextAction(view())).toBeUndefined();
});

describe("growing", () => {
  it("admits who asks as learner, and promotes it once it has caught up", () => {
    expect(change(view({ wishes: [seat(3)] }))).toEqual({ kind: "add-learner", member: seat(3) });
    const members = [...voters(0, 1, 2), member(3, true)];
    expect(change(view({ members, isCaughtUp: () => false }))).toBeUndefined();
    expect(change(view({ members, away: ["d3"] }))).toBeUndefined();
    expect(change(view({ members }))).toEqual({ kind: "promote", id: "d3" });
  });

  it("leaves ordinals from maxVoters on as learners", () => {
    expect(nextAction(view({ members: [...voters(0, 1, 2), member(5, true)] }))).toBeUndefined();
  });

  it("promotes nobody into a majority that would not be there", () => {
    const members = [...voters(0, 1, 2, 3), member(4, true)];
    expect(nextAction(view({ members, away: ["d1", "d2", "d3"] }))).toBeUndefined();
  });

  it("turns away a pod that is scaled away", () => {
    expect(nextAction(view({ wishes: [seat(3)], wanted: 3 }))).toBeUndefined();
  });

  it("turns away a pod of another StatefulSet with the same labels, and nobody where there are no sets", () => {
    const wishes = [{ id: "x", name: "blue-0", address: "blue-0:8090" }];
    expect(nextAction(view({ wishes, ordinalOf: ordinalIn("w") }))).toBeUndefined();
    expect(change(view({ wishes, ordinalOf: ordinalIn(undefined) }))).toMatchObject({ kind: "add-learner" });
  });

  it("writes down where a member has moved to", () => {
    const moved = { ...seat(1), address: "elsewhere:8090" };
    expect(change(view({ wishes: [moved] }))).toEqual({ kind: "update", ...moved });
  });
});

describe("a lost disk", () => {
  it("is removed before its pod comes in anew", () => {
    expect(change(view({ wishes: [seat(2, "new")], away: ["d2"] }))).toEqual({ kind: "remove", id: "d2" });
    expect(change(view({ members: voters(0, 1), wishes: [seat(2, "new")] }))).toMatchObject({ kind: "add-learner" });
  });

  it("is not believed while the old member is heard", () => {
    expect(nextAction(view({ wishes: [seat(2, "new")] }))).toBeUndefined();
  });

  it("stays while without it there would be no majority", () => {
    expect(nextAction(view({ wishes: [seat(2, "new")], away: ["d1", "d2"] }))).toBeUndefined();
  });
});

describe("shrinking", () => {
  it("removes at once what the API says is not wanted, the highest first, and the leader never itself", () => {
    expect(change(view({ members: voters(0, 1, 2, 3, 4), wanted: 3 }))).toEqual({ kind: "remove", id: "d4" });
    expect(change(view({ members: voters(0, 1, 2, 3), wanted: 3, self: "d3" }))).toMatchObject({
      kind: "hand-over",
      to: "d0",
    });
  });

  it("removes nobody when none is wanted: the set is stopped, not dissolved", () => {
    expect(nextAction(view({ wanted: 0 }))).toBeUndefined();
  });

  it("waits while a removal would cost the majority", () => {
    // Of four, two are away; without w-3 it would be one of three.
    expect(nextAction(view({ members: voters(0, 1, 2, 3), wanted: 3, away: ["d1", "d2"] }))).toBeUndefined();
  });

  const absent = (...names: readonly string[]) => new Map(names.map((name) => [name, 0]));

  it("takes absence for scaling only from the top, after the grace period, and of those that are silent", () => {
    const members = voters(0, 1, 2, 3, 4);
    const gone = view({ members, absentSince: absent("w-3", "w-4"), away: ["d3", "d4"] });
    expect(change(gone)).toEqual({ kind: "remove", id: "d4" });
    expect(nextAction({ ...gone, now: 59_999 })).toBeUndefined();
    expect(nextAction({ ...gone, isActive: () => true })).toBeUndefined();
    expect(nextAction(view({ members, absentSince: absent("w-3"), away: ["d3"] }))).toBeUndefined();
  });

  it("never takes the first pod for scaled away", () => {
    const all = view({ self: "d1", absentSince: absent("w-0", "w-1", "w-2"), away: ["d0", "d2"] });
    expect(nextAction(all)).toBeUndefined();
  });
});

it("remembers since when a pod is not shown, and forgets it when it is", () => {
  const members = voters(0, 1, 2);
  const first = trackAbsence(new Map(), members, new Set(["w-0"]), 10);
  expect(first).toEqual(
    new Map([
      ["w-1", 10],
      ["w-2", 10],
    ]),
  );
  expect(trackAbsence(first, members, new Set(["w-0", "w-1"]), 20)).toEqual(new Map([["w-2", 10]]));
});
