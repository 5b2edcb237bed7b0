import { afterEach, describe, expect, it } from "vitest";
import { createKv } from "../../src/kv/kv.ts";
import { LeaseClock } from "../../src/kv/lease-clock.ts";
import { Renewals } from "../../src/kv/renewals.ts";
import type { Kv } from "../../src/kv/types.ts";
import { Leases } from "../../src/store/leases.ts";
import { localRaft } from "./local-raft.ts";

function clocked() {
  const leases = new Leases();
  const world = { nowMs: 0, isLeader: true, hasLeader: true };
  const expired: { id: bigint; renewals: number }[][] = [];
  const clock = new LeaseClock({
    nowMs: () => world.nowMs,
    isLeader: () => world.isLeader,
    hasLeader: () => world.hasLeader,
    find: (id) => leases.get(id),
    expire: async (over) => expired.push([...over]),
  });
  const grant = (id: bigint, ttl: number): void => clock.restart(leases.grant(id, ttl));
  const advance = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 250) {
      world.nowMs += 250;
      clock.tick();
    }
  };
  return { leases, world, expired, clock, grant, advance };
}

describe("a lease's clock", () => {
  it("proposes to expire what is over, and only then", () => {
    const { expired, clock, grant, advance } = clocked();
    grant(1n, 5);
    advance(4750);
    expect(expired).toEqual([]);
    expect(clock.remaining(1n)).toBe(0);
    advance(250);
    expect(expired).toEqual([[{ id: 1n, renewals: 0 }]]);
  });

  it("goes on at a follower that becomes leader, where it was", () => {
    const { expired, world, grant, advance } = clocked();
    world.isLeader = false;
    grant(1n, 5);
    advance(4000);
    world.isLeader = true;
    advance(750);
    expect(expired).toEqual([]);
    advance(250);
    expect(expired.length).toBe(1);
  });

  it("does not count time without a leader, in which nobody could renew", () => {
    const { expired, world, grant, advance } = clocked();
    grant(1n, 5);
    advance(2000);
    world.hasLeader = false;
    advance(60_000);
    world.hasLeader = true;
    advance(2500);
    expect(expired).toEqual([]);
    advance(1000);
    expect(expired.length).toBe(1);
  });

  it("names the renewals it knows, and forgets what is revoked", () => {
    const { expired, leases, clock, grant, advance } = clocked();
    grant(1n, 5);
    grant(2n, 5);
    leases.get(1n)!.renewals = 3;
    clock.forget(2n);
    advance(5000);
    expect(expired).toEqual([[{ id: 1n, renewals: 3 }]]);
  });
});

const opened: Kv[] = [];
afterEach(() => {
  for (const kv of opened.splice(0)) kv.stop();
});

describe("leases", () => {
  const open = () => {
    const local = localRaft();
    const kv = createKv({ ...local, nowMs: () => 0 });
    opened.push(kv);
    return { ...local, kv };
  };

  it("take their keys along when they are revoked, in one revision", async () => {
    const { kv } = open();
    const { id } = await kv.leaseGrant({ ttl: 10 });
    await kv.put({ key: "b", lease: id });
    await kv.put({ key: "a", lease: id });
    await kv.put({ key: "b" });
    expect((await kv.leaseTimeToLive(id, true)).keys).toEqual(["a"]);
    expect(await kv.leaseRevoke(id)).toEqual({ revision: 5 });
    expect((await kv.range({ key: "a", rangeEnd: "\0" })).kvs.map(({ key }) => key)).toEqual(["b"]);
    expect((await kv.leaseTimeToLive(id, true)).ttl).toBe(-1);
    await expect(kv.leaseRevoke(id)).rejects.toMatchObject({ code: "lease-not-found" });
  });

  it("last no less than the shortest time, and an id is given once", async () => {
    const { kv } = open();
    expect(await kv.leaseGrant({ ttl: 0, id: 5n })).toMatchObject({ id: 5n, ttl: 2 });
    await expect(kv.leaseGrant({ ttl: 9, id: 5n })).rejects.toMatchObject({ code: "lease-exists" });
    await expect(kv.leaseGrant({ ttl: 9_000_000_001 })).rejects.toMatchObject({ code: "lease-ttl-too-large" });
    expect(await kv.leaseKeepAlive(5n)).toMatchObject({ ttl: 2 });
    expect(await kv.leaseKeepAlive(6n)).toMatchObject({ ttl: 0 });
  });

  it("renewed after their end was proposed go on", async () => {
    const { kv, raft, proposed } = open();
    await kv.leaseGrant({ ttl: 2, id: 5n });
    await kv.put({ key: "a", lease: 5n });
    const { encodeCommand } = await import("../../src/store/commands.ts");
    const end = encodeCommand("leaseExpire", { leases: [{ id: 5n, renewals: 0 }] });
    await kv.leaseKeepAlive(5n);
    await raft.propose(end);
    expect((await kv.range({ key: "a" })).count).toBe(1);
    await raft.propose(encodeCommand("leaseExpire", { leases: [{ id: 5n, renewals: 1 }] }));
    expect((await kv.range({ key: "a" })).count).toBe(0);
    expect(proposed.length).toBe(5);
  });
});

describe("renewals", () => {
  it("asked for while one is under way share the next", async () => {
    const batches: bigint[][] = [];
    let release = (): void => {};
    const renewals = new Renewals(async (ids) => {
      batches.push([...ids]);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return new Map(ids.map((id) => [id, 9]));
    });
    const first = renewals.add(1n);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    const others = [renewals.add(2n), renewals.add(3n), renewals.add(2n)];
    release();
    expect(await first).toBe(9);
    while (batches.length < 2) await new Promise((resolve) => setImmediate(resolve));
    release();
    expect(await Promise.all(others)).toEqual([9, 9, 9]);
    expect(batches).toEqual([[1n], [2n, 3n]]);
  });

  it("that fail reject those that asked, and the next go on", async () => {
    let fails = true;
    const renewals = new Renewals(async (ids) => {
      if (fails) throw new TypeError("no leader");
      return new Map(ids.map((id) => [id, 9]));
    });
    await expect(renewals.add(1n)).rejects.toThrow("no leader");
    fails = false;
    expect(await renewals.add(1n)).toBe(9);
  });
});
