/** What the leader does about wishes: which are kept, which are tried, and in what order. */
import { createLogger } from "@coracle/pod";
import { type Member, type MemberChange, RaftError, type RaftStatus } from "@coracle/raft";
import { expect, it } from "vitest";
import { Keeper } from "../../src/membership/keeper.ts";

const seat = (n: number, disk = `d${n}`) => ({ id: disk, name: `w-${n}`, address: `w-${n}:8090` });

/** A leader `w-0` whose log refuses ids that were removed, as Raft does. */
function leader() {
  let members: readonly Member[] = [0, 1, 2].map((n) => ({ ...seat(n), isLearner: false }));
  let replicas = 4;
  const removed = new Set<string>();
  const changeMembers = async (change: MemberChange): Promise<void> => {
    if (change.kind === "add-learner" && removed.has(change.member.id))
      throw new RaftError("invalid", `${change.member.id} was removed`);
    if (change.kind === "add-learner") members = [...members, { ...change.member, isLearner: true }];
    if (change.kind === "promote")
      members = members.map((member) => (member.id === change.id ? { ...member, isLearner: false } : member));
    if (change.kind === "remove") {
      removed.add(change.id);
      members = members.filter(({ id }) => id !== change.id);
    }
  };
  const status = (): RaftStatus => ({
    id: "d0",
    clusterId: "c",
    role: "leader",
    term: 1,
    leader: "d0",
    firstIndex: 1,
    lastIndex: 1,
    commitIndex: 1,
    appliedIndex: 1,
    members,
    committed: { members, removed: [...removed] },
    progress: members.map(({ id }) => ({ id, state: "replicate" as const, matchIndex: 1, isActive: true })),
    logBytes: 0,
    snapshotIndex: 0,
  });
  const keeper = new Keeper({
    raft: { status, changeMembers, transferLeadership: async () => undefined },
    discovery: { peers: () => [], staleMs: () => 0, source: "api" },
    wanted: { replicas: () => replicas, refresh: async () => replicas, stop: () => undefined },
    graceMs: 60_000,
    maxVoters: 5,
    ordinalOf: (name) => Number(name.slice(2)),
    logger: createLogger({ write: () => undefined }),
    now: () => 0,
  });
  const names = (): string[] => members.map(({ id, isLearner }) => (isLearner ? `${id}?` : id));
  const scale = (to: number): void => {
    replicas = to;
  };
  return { keeper, names, scale };
}

it("grants a wish within the call that made it", async () => {
  const { keeper, names } = leader();
  await keeper.wish(seat(3));
  expect(names()).toEqual(["d0", "d1", "d2", "d3?"]);
});

it("gives a pod that was scaled away and is wanted again its seat at once, whatever became of its old disk's wish", async () => {
  const { keeper, names, scale } = leader();
  await keeper.wish(seat(3));
  await keeper.step();
  expect(names()).toEqual(["d0", "d1", "d2", "d3"]);
  scale(3);
  await keeper.step();
  expect(names()).toEqual(["d0", "d1", "d2"]);
  scale(4);
  await keeper.wish(seat(3, "other"));
  expect(names()).toEqual(["d0", "d1", "d2", "other?"]);
});

it("tries a wish that was refused after the others", async () => {
  const { keeper, names, scale } = leader();
  await keeper.wish(seat(3));
  scale(3);
  await keeper.step();
  scale(5);
  await keeper.wish(seat(3));
  await keeper.wish(seat(4));
  await keeper.step();
  expect(names()).toEqual(["d0", "d1", "d2", "d4?"]);
});
