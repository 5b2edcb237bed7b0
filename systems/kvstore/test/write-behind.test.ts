/** A store that keeps changes in memory must be indistinguishable from one that writes each at once, and find the rest in the log. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entry } from "@coracle/lease-log";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeEntry, type Operation } from "../src/store/entry.ts";
import { operation } from "../src/store/operations.ts";
import { openStore, type Store } from "../src/store/store.ts";
import { storedValue, valueIn } from "../src/store/value.ts";

const START = 1_700_000_000_000;
/** Longer than any test: what is written is written because a test said so, or because a bound was reached. */
const NEVER_MS = 1e9;
const SOON = { timeout: 30_000, interval: 10 };
let dir: string;
let clock = START;
const opened = new Set<Store>();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kvstore-behind-"));
  clock = START;
});
afterEach(async () => {
  for (const store of opened) await store.close();
  opened.clear();
  await rm(dir, { recursive: true });
});

async function open(name: string): Promise<Store> {
  const store = await openStore({ dir: join(dir, name), now: () => clock, writeDelayMs: NEVER_MS });
  opened.add(store);
  return store;
}

const close = async (store: Store) => {
  opened.delete(store);
  await store.close();
};

const entry = (index: number, ...operations: Operation[]): Entry => ({
  epoch: 1,
  index,
  command: encodeEntry(clock, operations),
});

/** Numbers that are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function anyOperation(pick: (below: number) => number): Operation {
  const key = () => `k${pick(12)}`;
  const choices: (() => Operation)[] = [
    () => operation("put", key(), storedValue(Buffer.from(`v${pick(100)}`))),
    () => operation("put", key(), storedValue(Buffer.from("brief"), clock + pick(40))),
    () => operation("remove", key(), key()),
    () => operation("increment", key(), "1"),
    () => operation("append", key(), "x"),
    () => operation("expireAt", key(), String(clock + pick(40)), ""),
    () => operation("persist", key()),
    () => operation("rename", key(), key(), ""),
    () => operation("reap", String(1 + pick(3))),
    () => (pick(8) === 0 ? operation("clear") : operation("take", key())),
  ];
  return (choices[pick(choices.length)] as () => Operation)();
}

function view(store: Store, pick: (below: number) => number) {
  const space = store.reader();
  const [a, b] = [`k${pick(12)}`, `k${pick(12)}`].sort().map((key) => Buffer.from(key));
  const rows = (query: object) => [...space.range(query)].map(({ key, stored }) => `${key}=${stored.toString("hex")}`);
  return {
    all: rows({}),
    part: rows({ start: a, end: b, limit: 4 }),
    open: rows({ start: a, afterStart: true, end: b, includeEnd: false }),
    one: space.get(a as Buffer)?.toString("hex"),
    size: space.size,
    expiring: store.expiring,
    next: store.nextExpiry(),
    applied: store.applied(),
  };
}

describe("changes in memory", () => {
  it.each([1, 2, 3, 4])("read as if they were in the tree (seed %i)", async (seed) => {
    const [lazy, eager] = [await open("lazy"), await open("eager")];
    const pick = numbers(seed);
    for (let index = 1; index <= 200; index++) {
      clock += pick(5);
      const next = entry(index, anyOperation(pick), anyOperation(pick));
      expect(lazy.apply([next])).toEqual(eager.apply([next]));
      await eager.flush();
      if (pick(25) === 0) await lazy.flush();
      const where = pick(1000);
      expect(view(lazy, numbers(where))).toEqual(view(eager, numbers(where)));
    }
  });

  it("are written together with their position when a bound is reached", async () => {
    const store = await open("bounded");
    const puts = (index: number) =>
      Array.from({ length: 1000 }, (_, i) => operation("put", `key${index}.${i}`, storedValue(Buffer.from("v"))));
    for (let index = 1; index <= 70; index++) store.apply([entry(index, ...puts(index))]);
    await expect.poll(() => store.fill, SOON).toBe(0);
    const { at, keys } = await whatTheTreeHolds("bounded");
    expect(at).toBeGreaterThanOrEqual(65);
    expect(at).toBeLessThan(70);
    expect(keys).toBe(1000 * at);
  });

  it("are read while they are being written, and what comes meanwhile is over them", async () => {
    const store = await open("meanwhile");
    const put = (index: number, key: string, value: string, expiresAt?: number) =>
      store.apply([entry(index, operation("put", key, storedValue(Buffer.from(value), expiresAt)))]);
    const rows = () => [...store.reader().range({})].map(({ key, stored }) => `${key}=${valueIn(stored)}`).join(" ");
    put(1, "a", "1");
    put(2, "b", "1", clock + 10);
    put(3, "c", "1");
    await store.flush();
    expect(store.reader().get(Buffer.from("c"))).toEqual(storedValue(Buffer.from("1")));
    put(4, "a", "2", clock + 30);
    store.apply([entry(5, operation("remove", "c"))]);
    const written = store.flush();
    // The event loop has not turned: these are on their way, and stay in memory until the thread's answer is taken.
    put(6, "b", "3", clock + 20);
    put(7, "d", "3");
    for (const isWritten of [false, true]) {
      if (isWritten) await written;
      expect(rows()).toBe("a=2 b=3 d=3");
      expect(store.reader().get(Buffer.from("c"))).toBeUndefined();
      expect(store.reader().size).toBe(3);
      expect(store.expiring).toBe(2);
      expect(store.nextExpiry()).toBe(clock + 20);
    }
    store.apply([entry(8, operation("clear"))]);
    put(9, "e", "4");
    expect(rows()).toBe("e=4");
    await store.flush();
    expect(rows()).toBe("e=4");
    expect(store.reader().size).toBe(1);
  });

  it("never outgrow their bound: who applies faster than the tree takes it waits for the tree", async () => {
    const store = await open("fast");
    const big = storedValue(Buffer.alloc(1024 * 1024, "x"));
    // In one turn of the event loop, so nothing that the writing thread says can be heard but by waiting for it.
    for (let index = 1; index <= 200; index++) store.apply([entry(index, operation("put", `key${index}`, big))]);
    expect((await whatTheTreeHolds("fast")).at).toBeGreaterThan(60);
    expect(store.reader().size).toBe(200);
  });

  it("are whole in the tree at every moment of being written", async () => {
    const store = await open("torn");
    for (let round = 0; round < 8; round++) {
      const first = store.applied().index + 1;
      const value = storedValue(Buffer.from(String(round)));
      const operations = Array.from({ length: 3000 }, (_, i) => operation("put", `key${i}`, value));
      store.apply([entry(first, ...operations, operation("increment", "rounds", "1"))]);
      const written = store.flush();
      // Copied by another thread while this one writes: the file as a crash at that moment would leave it.
      const found = await valuesInCopy("torn", `crashed-${round}`);
      expect(found.values.size).toBeLessThanOrEqual(1);
      expect(found.rounds).toBe(found.at === 0 ? undefined : String(found.at));
      await written;
    }
  });

  it("are in snapshots", async () => {
    const store = await open("source");
    store.apply([entry(1, operation("put", "a", storedValue(Buffer.from("1"))))]);
    const { at, chunks } = await store.snapshot();
    const copy = await open("copy");
    await copy.restore(at, chunks);
    expect(copy.reader().get(Buffer.from("a"))).toEqual(storedValue(Buffer.from("1")));
  });

  it("give way to a snapshot", async () => {
    const [source, target] = [await open("source"), await open("target")];
    source.apply([entry(1, operation("put", "new", storedValue(Buffer.from("1"))))]);
    target.apply([entry(1, operation("put", "old", storedValue(Buffer.from("1"))))]);
    const { at, chunks } = await source.snapshot();
    await target.restore(at, chunks);
    expect([...target.reader().range({})].map(({ key }) => key.toString())).toEqual(["new"]);
  });

  it("are there after a stop", async () => {
    const store = await open("stopped");
    store.apply([entry(1, operation("put", "a", storedValue(Buffer.from("1"))))]);
    await close(store);
    expect((await open("stopped")).applied()).toEqual({ epoch: 1, index: 1 });
  });
});

/** Position and number of keys in the file as another process would find them after a crash now. */
async function whatTheTreeHolds(name: string): Promise<{ at: number; keys: number }> {
  await cp(join(dir, name), join(dir, "crashed"), { recursive: true });
  const found = await open("crashed");
  return { at: found.applied().index, keys: found.reader().size };
}

/** What a store that is opened on a copy of the folder reads: the position, each value that the numbered keys have, and how many rounds were counted. */
async function valuesInCopy(name: string, copy: string) {
  await cp(join(dir, name), join(dir, copy), { recursive: true });
  const found = await open(copy);
  const rows = [...found.reader().range({})].map(({ key, stored }) => [String(key), String(valueIn(stored))] as const);
  const values = new Set(rows.filter(([key]) => key !== "rounds").map(([, value]) => value));
  return { at: found.applied().index, values, rounds: rows.find(([key]) => key === "rounds")?.[1] };
}
