import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askOnce, show } from "../src/cli/client.ts";
import { Group, type Member } from "./support/group.ts";

const IDS = ["kvstore-0", "kvstore-1", "kvstore-2"];
/** A failover takes as long as the Lease, and a busy machine longer. */
const SOON = { timeout: 15_000 };
let group: Group;

beforeEach(async () => {
  group = await Group.create();
  await Promise.all(IDS.map((id) => group.start(id)));
});
afterEach(() => group[Symbol.asyncDispose]());

const ask = (member: Member, ...words: string[]) =>
  askOnce({ host: "127.0.0.1", port: member.replica.server.port, timeoutMs: 5000 }, ...words);

/** Writes numbered keys until told to stop; what it returns was acknowledged. */
function keepWriting(): { stop(): Promise<readonly string[]> } {
  let isStopped = false;
  const acknowledged: string[] = [];
  const done = (async () => {
    // A test that failed has no members any more, and nobody who says stop.
    for (let i = 0; !isStopped && group.members.length > 0; i++) {
      const key = `key${i}`;
      const member = group.members[i % group.members.length];
      const reply = member && (await ask(member, "SET", key, key).catch(() => undefined));
      if (reply !== undefined) acknowledged.push(key);
    }
  })();
  return {
    stop: async () => {
      isStopped = true;
      await done;
      return acknowledged;
    },
  };
}

async function expectAll(keys: readonly string[]): Promise<void> {
  const primary = await group.settled();
  const values = (await ask(primary, "MGET", ...keys)) as readonly Uint8Array[];
  expect(values.map((value) => value && show(value))).toEqual(keys);
}

describe("a group of three", () => {
  it("takes writes anywhere by redirection, and gives every member the same data", async () => {
    const primary = await group.settled();
    const replica = group.members.find(({ id }) => id !== primary.id) as Member;
    expect(show(await ask(replica, "SET", "a", "1"))).toBe("OK");
    expect(show(await ask(replica, "GET", "a"))).toBe("1");
    await expect
      .poll(() => group.members.map(({ replica: { store } }) => store.reader().get(Buffer.from("a"))?.toString()))
      .toEqual(["\0" + "1", "\0" + "1", "\0" + "1"]);
  });

  it("loses no acknowledged write when the primary is stopped, and takes it back", async () => {
    const first = await group.settled();
    const writing = keepWriting();
    await expect.poll(() => first.replica.log.status().commitIndex, SOON).toBeGreaterThan(20);
    await first.stop();
    const second = await group.primary();
    expect(second.id).not.toBe(first.id);
    const before = second.replica.log.status().commitIndex;
    await expect.poll(() => second.replica.log.status().commitIndex, SOON).toBeGreaterThan(before + 20);
    await group.start(first.id);
    await expectAll(await writing.stop());
    expect((await group.primary()).id).toBe(second.id);
  });

  it("hands over on request without losing a write", async () => {
    const first = await group.settled();
    const to = IDS.find((id) => id !== first.id) as string;
    const writing = keepWriting();
    await expect.poll(() => first.replica.log.status().commitIndex, SOON).toBeGreaterThan(20);
    expect(show(await ask(first, "FAILOVER", "TO", to))).toBe("OK");
    await expect.poll(async () => (await group.primary()).id, SOON).toBe(to);
    await expectAll(await writing.stop());
  });

  it("copies everything to a member that lost its disk, which never leads before", async () => {
    const primary = await group.settled();
    for (let i = 0; i < 50; i++) await ask(primary, "SET", `k${i}`, "v");
    const victim = group.members.find(({ id }) => id !== primary.id) as Member;
    await victim.stop();
    await rm(group.dirOf(victim.id), { recursive: true });
    const again = await group.start(victim.id);
    await group.settled();
    await expect.poll(() => again.replica.store.reader().size, SOON).toBe(50);
  });
});

describe("an asynchronous group", () => {
  it("replicates too", async () => {
    await using other = await Group.create("--replication-mode", "async");
    await Promise.all(IDS.map((id) => other.start(id)));
    const primary = await other.settled();
    await ask(primary, "SET", "a", "1");
    await expect.poll(() => other.members.map(({ replica }) => replica.store.reader().size), SOON).toEqual([1, 1, 1]);
  });
});
