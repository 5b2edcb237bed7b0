import { afterEach, describe, expect, it } from "vitest";
import { bytes, Group, until } from "./support/group.ts";

let group: Group | undefined;

async function open(...args: Parameters<typeof Group.open>): Promise<Group> {
  group = await Group.open(...args);
  return group;
}

afterEach(async () => {
  await group?.close();
  group = undefined;
});

describe("a group of one", () => {
  it("leads, applies, and finds everything after a crash", async () => {
    const one = await open(1);
    const { raft } = one.get(1);
    expect(await raft.propose(bytes("a"))).toBe(1);
    expect(await raft.propose(bytes("b"))).toBe(2);
    await raft.readBarrier();
    await one.crash(1);
    const again = await one.start(1);
    expect(await again.raft.propose(bytes("c"))).toBe(3);
    expect(again.machine.list).toEqual(["a", "b", "c"]);
  });
});

describe("a group of three", () => {
  it("takes proposals at every member, in one order", async () => {
    const three = await open(3);
    await Promise.all(
      three.all.flatMap(({ raft, id }) => [raft.propose(bytes(`${id}-1`)), raft.propose(bytes(`${id}-2`))]),
    );
    await Promise.all(three.all.map(({ raft }) => raft.readBarrier()));
    const [first, ...others] = three.all.map(({ machine }) => machine.list);
    expect(first).toHaveLength(6);
    for (const other of others) expect(other).toEqual(first);
  });

  it("goes on without its leader, hides that from who proposes, and takes the old one back", async () => {
    const three = await open(3);
    const leader = await three.leader();
    const [one, two] = await three.followers();
    const writes = [one, two].map(async (number) => {
      for (let i = 0; i < 20; i++) await three.get(number as number).raft.propose(bytes(`${number}-${i}`));
    });
    await three.crash(leader);
    await Promise.all(writes);
    const back = await three.start(leader);
    await back.raft.readBarrier();
    expect(back.machine.list).toEqual(three.get(one as number).machine.list);
    expect(new Set(back.machine.list).size).toBe(40);
    expect(back.machine.list).toHaveLength(40);
  });

  it("hands leadership over when its leader stops", async () => {
    const three = await open(3);
    const leader = await three.leader();
    const term = three.get(leader).raft.status().term;
    await three.leave(leader);
    const next = await three.leader();
    expect(three.get(next).raft.status().term).toBe(term + 1);
    await until(() => three.all.every(({ raft }) => raft.status().leader !== undefined), "a leader known to all");
  });
});
