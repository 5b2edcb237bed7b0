import { describe, expect, it } from "vitest";
import { CellDisk, LogDisk, Network, Random, Scheduler, VersionedObject } from "../src/index.ts";

describe("Random", () => {
  it("gives the same numbers for the same seed, others for another, and spreads them evenly", () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.bits()
        )(new Random(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    const random = new Random(1);
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) buckets[random.int(10)]!++;
    for (const bucket of buckets) expect(Math.abs(bucket - 1000)).toBeLessThan(150);
  });
});

describe("Scheduler", () => {
  it("runs tasks by time, then by arrival, and moves its clock with them", () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    for (const [ms, name] of [
      [30, "c"],
      [10, "a"],
      [20, "b"],
      [10, "a2"],
    ] as const) {
      scheduler.after(ms, () => seen.push(`${name}@${scheduler.now}`));
    }
    scheduler.after(15, () => seen.push("never"))();
    scheduler.runUntil(25);
    expect(seen).toEqual(["a@10", "a2@10", "b@20"]);
    expect(scheduler.now).toBe(25);
  });
});

describe("Network", () => {
  it("loses, repeats and cuts one way", () => {
    const scheduler = new Scheduler();
    const network = new Network(scheduler, new Random(3), { loss: 0.2, duplicate: 0.2, minDelayMs: 1, maxDelayMs: 50 });
    let toB = 0;
    let toA = 0;
    network.cut("b", "a");
    for (let i = 0; i < 1000; i++) {
      network.send("a", "b", () => toB++);
      network.send("b", "a", () => toA++);
    }
    scheduler.runUntil(100);
    expect(toA).toBe(0);
    expect(Math.abs(toB - 960)).toBeLessThan(60);
  });

  it("replays a session from its opening on, in its order, whatever is cut", () => {
    const scheduler = new Scheduler();
    const network = new Network(scheduler, new Random(3), { loss: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 });
    const seen: string[] = [];
    for (const name of ["stray", "open", "one", "two", "three"])
      network.send("a", "b", () => seen.push(name), name === "open");
    scheduler.runUntil(100);
    network.cut("a", "b");
    network.replay("a", "b", 3);
    network.replay("b", "a", 3);
    scheduler.runUntil(200);
    expect(seen.slice(5)).toEqual(["open", "one", "two"]);
  });
});

describe("disks", () => {
  it("a crash keeps what was synced and a beginning of the rest", () => {
    const kept = new Set<number>();
    for (let seed = 1; seed < 60; seed++) {
      const disk = new LogDisk<string>();
      disk.append(["a", "b"]);
      disk.synced(2);
      disk.append(["c", "d"]);
      disk.crash(new Random(seed));
      kept.add(disk.lastIndex);
      expect(disk.slice(1, 2)).toEqual(["a", "b"]);
    }
    expect([...kept].sort()).toEqual([2, 3, 4]);
  });

  it("a cell holds the old or the new value after a crash", () => {
    const values = new Set<string>();
    for (let seed = 1; seed < 30; seed++) {
      const cell = new CellDisk("old");
      cell.write("new");
      cell.crash(new Random(seed));
      values.add(cell.value);
    }
    expect([...values].sort()).toEqual(["new", "old"]);
  });
});

describe("VersionedObject", () => {
  it("takes one of two writes on the same version, also when its answer is lost", () => {
    const scheduler = new Scheduler();
    const object = new VersionedObject<string>(scheduler, new Random(1), {
      lostRequest: 0,
      lostAnswer: 0,
      minDelayMs: 1,
      maxDelayMs: 9,
    });
    const written: string[] = [];
    for (const name of ["a", "b"]) object.put(name, 0, name, ({ isWritten }) => isWritten && written.push(name));
    scheduler.runUntil(50);
    expect(written).toHaveLength(1);
    expect(object.current).toEqual({ version: 1, value: written[0] });
    object.faults = { ...object.faults, lostAnswer: 1 };
    object.put("a", 1, "c", () => written.push("answer"));
    scheduler.runUntil(100);
    expect(written).toHaveLength(1);
    expect(object.current.value).toBe("c");
  });
});
