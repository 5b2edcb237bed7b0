import { afterEach, describe, expect, it } from "vitest";
import { bytes, Group, until } from "./support/group.ts";
import { ListMachine } from "./support/machine.ts";

let group: Group;
afterEach(() => group.close());

const same = (lists: readonly (readonly string[])[]) => new Set(lists.map((list) => list.join())).size === 1;
const converged = () => same([...group.members.values()].map((member) => member.machine.list));

describe("a group of three in sync mode", () => {
  it("elects one primary, takes the others in, and replicates", async () => {
    group = await Group.open(["a", "b", "c"]);
    const primary = await group.primaryWith(3);
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => primary.log.propose(bytes(`w${i}`))));
    expect(results).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    await until(converged, "equal lists");
    expect(primary.machine.list).toHaveLength(200);
    const replica = [...group.members.values()].find((member) => member !== primary);
    await expect(replica?.log.propose(bytes("x"))).rejects.toMatchObject({ code: "not-primary", primary: primary.id });
    await until(() => (replica?.log.status().staleMs ?? Infinity) < 500, "a fresh replica");
  });

  it("fails over without losing an acknowledged write, and the old primary rejoins from its disk", async () => {
    group = await Group.open(["a", "b", "c"]);
    const first = await group.primaryWith(3);
    const acknowledged: string[] = [];
    for (let i = 0; i < 50; i++) {
      await first.log.propose(bytes(`before${i}`));
      acknowledged.push(`before${i}`);
    }
    await group.crash(first.id);
    const second = await group.primaryWith(1);
    expect(second.id).not.toBe(first.id);
    expect(second.machine.list).toEqual(acknowledged);
    await second.log.propose(bytes("after"));
    expect(second.log.status().epoch).toBeGreaterThan(first.log.status().epoch);
    const back = await group.start(first.id);
    await group.primaryWith(3);
    await until(() => back.machine.list.includes("after") && converged(), "the old primary to catch up");
  });

  it("stands for election no more from the moment it is told to stop, so that it can't take back the Lease it lets go", async () => {
    group = await Group.open(["a", "b", "c"]);
    const { log } = await group.primaryWith(3);
    const record = { holder: undefined, epoch: log.status().epoch, annotations: {} };
    expect(log.candidacy(record)).not.toMatchObject({ abstain: "this node is stopping" });
    const stopped = log.stop();
    expect(log.candidacy(record)).toEqual({ abstain: "this node is stopping" });
    await stopped;
  });

  it("hands over on request, while writes go on", async () => {
    group = await Group.open(["a", "b", "c"]);
    const primary = await group.primaryWith(3);
    const to = primary.id === "a" ? "b" : "a";
    const writes = Array.from({ length: 100 }, (_, i) => primary.log.propose(bytes(`w${i}`)));
    await Promise.all([primary.log.switchover(to), ...writes]);
    await until(() => group.get(to).log.status().role === "primary", "the successor");
    await group.get(to).log.readBarrier();
    expect(group.get(to).machine.list).toHaveLength(100);
    await expect(group.get(to).log.switchover("nobody")).rejects.toMatchObject({ code: "switchover-failed" });
  });

  it("lets a member go without holding up writes, and hands over when the primary leaves", async () => {
    group = await Group.open(["a", "b", "c"]);
    const primary = await group.primaryWith(3);
    const other = primary.id === "a" ? "b" : "a";
    await group.leave(other);
    expect(primary.log.status().inSync).not.toContain(other);
    await primary.log.propose(bytes("one"));
    await group.leave(primary.id);
    const last = await group.primaryWith(1);
    await last.log.propose(bytes("two"));
    expect(last.machine.list).toEqual(["one", "two"]);
  });

  it("goes on while the Kubernetes API is away, and promotes nobody", async () => {
    group = await Group.open(["a", "b", "c"]);
    const primary = await group.primaryWith(3);
    group.lease.isAway = true;
    await until(() => primary.arbiter.term === undefined, "the end of the term");
    for (let i = 0; i < 20; i++) await primary.log.propose(bytes(`w${i}`));
    await primary.log.readBarrier();
    expect(group.primary).toBe(primary);
    const { epoch } = primary.log.status();
    group.lease.isAway = false;
    await until(() => primary.log.status().epoch > epoch, "a new epoch of the same primary");
    await primary.log.propose(bytes("last"));
    expect(primary.machine.list).toHaveLength(21);
  });

  it("stops while the API is away when a member does not confirm", async () => {
    group = await Group.open(["a", "b", "c"]);
    const primary = await group.primaryWith(3);
    const silent = primary.id === "a" ? "b" : "a";
    group.lease.isAway = true;
    await group.crash(silent);
    const write = primary.log.propose(bytes("x")).catch((error: unknown) => error);
    await until(() => group.primary === undefined, "no primary");
    expect(await write).toMatchObject({ code: "indeterminate" });
    await expect(primary.log.readBarrier()).rejects.toMatchObject({ code: "not-primary" });
  });
});

describe("disks", () => {
  it("a replica far behind takes a snapshot, then the log", async () => {
    const taken: string[] = [];
    const options = {
      limits: { retainBytes: 1, cacheBytes: 1 },
      timing: { compactMs: 5 },
      metrics: { snapshotInstalled: (from: string) => void taken.push(from) },
    };
    group = await Group.open(["a"], options);
    const primary = await group.primaryWith(1);
    // Segments of 32 MiB are dropped whole, so the log must be longer than that.
    for (let i = 0; i < 40; i++) await primary.log.propose(Buffer.alloc(1 << 20, 65 + (i % 26)));
    const fresh = await group.start("b");
    await group.primaryWith(2);
    await primary.log.propose(bytes("end"));
    await until(() => fresh.machine.list.at(-1) === "end", "the replica");
    expect(fresh.machine.list).toEqual(primary.machine.list);
    expect(taken).toEqual(["a"]);
  });

  it("a stop flushes the state, after a flush that is under way", async () => {
    const stateMachine = new ListMachine();
    const flush = stateMachine.flush.bind(stateMachine);
    const flushes: string[] = [];
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    stateMachine.flush = async () => {
      flushes.push("begins");
      await gate;
      await flush();
      flushes.push("ends");
    };
    group = await Group.open(["a"], { stateMachine, timing: { compactMs: 5 } });
    await until(() => flushes.length === 1, "a flush");
    const { log } = group.get("a");
    const stopped = log.stop();
    await until(() => log.refusal()?.code === "closed", "the stop to come to its flush");
    goOn();
    await stopped;
    expect(flushes).toEqual(["begins", "ends", "begins", "ends"]);
  });

  it("all crash at once and come back with everything acknowledged", async () => {
    group = await Group.open(["a", "b", "c"]);
    const primary = await group.primaryWith(3);
    await primary.log.proposeAll(Array.from({ length: 30 }, (_, i) => bytes(`w${i}`)));
    for (const id of ["a", "b", "c"]) await group.crash(id);
    for (const id of ["a", "b", "c"]) await group.start(id);
    const next = await group.primaryWith(1);
    expect(next.machine.list).toEqual(Array.from({ length: 30 }, (_, i) => `w${i}`));
  });

  it("a primary whose system has no room hands over to a replica that has, and to none that lacks it too", async () => {
    const full = new Set<string>();
    group = await Group.open(["a", "b", "c"], (id) => ({
      timing: { slowReplicaMs: 100 },
      isFull: () => full.has(id),
    }));
    const primary = await group.primaryWith(3);
    const [next, roomy] = [...group.members.keys()].filter((id) => id !== primary.id) as [string, string];
    full.add(next);
    const isKnown = () => primary.log.status().replicas.some(({ id, isFull }) => id === next && isFull);
    await until(isKnown, "the primary to know it");
    full.add(primary.id);
    await until(() => group.get(roomy).log.status().role === "primary", "the one with room to lead");
    await group.primaryWith(3);
    await group.get(roomy).log.propose(bytes("w"));
    full.add(roomy);
    await until(
      () =>
        group
          .get(roomy)
          .log.status()
          .replicas.every(({ isFull }) => isFull),
      "all to be full",
    );
    expect(group.get(roomy).log.status().role).toBe("primary");
  });

  it("an emptied disk neither leads nor feeds, though the record names it: it copies", async () => {
    group = await Group.open(["a", "b"]);
    const primary = await group.primaryWith(2);
    await primary.log.propose(bytes("precious"));
    const other = primary.id === "a" ? "b" : "a";
    await group.crash(other);
    await group.crash(primary.id);
    await group.wipe(primary.id);
    const wiped = await group.start(primary.id);
    await until(() => /disk is empty/.test(wiped.arbiter.lastAbstention ?? ""), "the empty one to abstain");
    expect(group.primary).toBeUndefined();
    await group.start(other);
    await group.primaryWith(2);
    await until(() => wiped.machine.list.includes("precious"), "the copy");
  });

  it("refuses the disk of another cluster, and takes the member in once that was emptied", async () => {
    group = await Group.open(["a"]);
    await group.primaryWith(1);
    await group.crash("a");
    group.lease.record = undefined;
    await group.start("b");
    await group.primaryWith(1);
    const foreign = await group.start("a");
    await until(() => /another cluster/.test(foreign.log.status().blocked ?? ""), "the refusal");
    expect(group.get("b").log.status().inSync).toEqual(["b"]);
    await group.crash("a");
    await group.wipe("a");
    await group.start("a");
    await group.primaryWith(2);
  });

  it("after the Lease was deleted, leads again only with the last in-sync set at hand", async () => {
    group = await Group.open(["a", "b"]);
    const primary = await group.primaryWith(2);
    await primary.log.propose(bytes("kept"));
    const other = primary.id === "a" ? "b" : "a";
    await until(() => group.get(other).machine.list.length === 1, "replication");
    await group.crash(primary.id);
    await group.crash(other);
    group.lease.record = undefined;
    const alone = await group.start(other);
    await until(() => /no record/.test(alone.arbiter.lastAbstention ?? ""), "the lone one to abstain");
    await group.start(primary.id);
    const next = await group.primaryWith(2);
    expect(next.machine.list).toEqual(["kept"]);
  });
});

describe("async mode", () => {
  it("acknowledges alone, and a former primary that diverged takes a snapshot", async () => {
    group = await Group.open(["a", "b"], { mode: "async" });
    const primary = await group.primaryWith(2);
    const other = primary.id === "a" ? "b" : "a";
    await primary.log.propose(bytes("both"));
    await until(() => group.get(other).machine.list.length === 1, "replication");
    await group.crash(other);
    await primary.log.propose(bytes("lost"));
    await group.crash(primary.id);
    await group.start(other);
    const next = await group.primaryWith(1);
    expect(next.id).toBe(other);
    await next.log.propose(bytes("new"));
    const back = await group.start(primary.id);
    await until(() => back.machine.list.join() === "both,new", "the former primary to be put right");
  });
});

describe("minInSync", () => {
  it("blocks writes, and says so, while too few are in sync", async () => {
    group = await Group.open(["a", "b"], { minInSync: 2 });
    const primary = await group.primaryWith(2);
    await primary.log.propose(bytes("one"));
    const other = primary.id === "a" ? "b" : "a";
    await group.crash(other);
    await until(() => primary.log.status().blocked !== undefined, "the block");
    await expect(primary.log.propose(bytes("two"))).rejects.toMatchObject({ code: "blocked" });
    expect(primary.log.status().inSync).toHaveLength(2);
    await group.start(other);
    await until(() => primary.log.status().blocked === undefined, "the end of the block");
    await primary.log.propose(bytes("three"));
  });
});
