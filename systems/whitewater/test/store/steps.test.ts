/** Commands and reads of very many keys: a bounded number of them in each turn of the event loop, and nobody sees a half of it. */
import { describe, expect, it } from "vitest";
import { rangeRequest } from "../../src/proto/kv.ts";
import { type CommandName, encodeCommand } from "../../src/store/commands.ts";
import { firstKeys, inTurns, turnKeys } from "../../src/store/steps.ts";
import { createStore } from "../../src/store/store.ts";
import type { Store } from "../../src/store/types.ts";
import { atOnce } from "./at-once.ts";

const count = 8000;
const everything = { ...rangeRequest.decode(Buffer.alloc(0)), key: "\0", rangeEnd: "\0" };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const keyAt = (at: number): string => `k${String(at).padStart(6, "0")}`;

/** Keys in no order, each with a value, on lease 7. */
function filled() {
  const store = createStore();
  let index = 0;
  const apply = <N extends CommandName>(name: N, request: Parameters<typeof encodeCommand<N>>[1]) =>
    store.apply([{ index: ++index, term: 1, command: encodeCommand(name, request) }]);
  apply("leaseGrant", { id: 7n, ttl: 100 });
  const puts = Array.from({ length: count }, (_, at) => ({ key: keyAt((at * 7919) % count), lease: 7n }));
  store.apply(puts.map((put) => ({ index: ++index, term: 1, command: encodeCommand("put", put) })));
  return { store, apply };
}

/** Runs `each` after every turn until `work` is done; returns the turns. */
async function turnsOf(work: unknown, each: () => void = () => undefined): Promise<number> {
  expect(work).toBeInstanceOf(Promise);
  let isDone = false;
  void (work as Promise<unknown>).finally(() => {
    isDone = true;
  });
  let turns = 0;
  for (; !isDone; turns++) {
    await turn();
    if (!isDone) each();
  }
  return turns;
}

const countOf = (store: Store): Promise<number> =>
  Promise.resolve(store.range({ ...everything, countOnly: true })).then((answer) => answer.count);

const removals: readonly (readonly [string, (apply: ReturnType<typeof filled>["apply"]) => unknown])[] = [
  ["a deletion", (apply) => apply("deleteRange", { key: "\0", rangeEnd: "\0" })],
  ["a lease's end", (apply) => apply("leaseRevoke", { id: 7n })],
  ["a lease's expiry", (apply) => apply("leaseExpire", { leases: [{ id: 7n, renewals: 0 }] })],
  [
    "a transaction",
    (apply) =>
      apply("txn", {
        success: [
          { requestDeleteRange: { key: "\0", rangeEnd: keyAt(count / 2) } },
          { requestDeleteRange: { key: keyAt(count / 2), rangeEnd: "\0" } },
        ],
      }),
  ],
];

describe.each(removals)("%s of very many keys", (_, remove) => {
  it("touches a bounded number in each turn, and is seen as one", async () => {
    const { store, apply } = filled();
    const { revision } = store;
    const tombstoneBytes = keyAt(0).length + 64;
    let [before, most] = [store.sizeBytes, 0];
    const turns = await turnsOf(remove(apply), () => {
      most = Math.max(most, (store.sizeBytes - before) / tombstoneBytes);
      before = store.sizeBytes;
      expect(store.revision).toBe(revision);
      expect(atOnce(store.range({ ...everything, key: keyAt(0), rangeEnd: "" })).kvs.length).toBe(1);
      expect(
        atOnce(
          store.readTxn({
            compare: [],
            success: [{ requestRange: { ...everything, key: keyAt(9), rangeEnd: keyAt(10) } }],
            failure: [],
          } as never),
        ).responses[0]?.responseRange?.count,
      ).toBe(1);
      expect(store.history(revision + 1, 10)).toEqual({ found: [], isWhole: true });
      expect(store.lease(7n)).toBeDefined();
    });
    expect(turns).toBeGreaterThanOrEqual(Math.floor((count - firstKeys) / turnKeys));
    expect(most).toBeLessThanOrEqual(firstKeys + turnKeys);
    expect(store.revision).toBe(revision + 1);
    expect(await countOf(store)).toBe(0);
    const { found } = store.history(revision + 1, 10);
    expect(found.map(({ key }) => key)).toEqual(Array.from({ length: count }, (_, at) => keyAt(at)));
  });
});

it("of a command half performed a snapshot has nothing", async () => {
  const { store, apply } = filled();
  const work = apply("deleteRange", { key: "\0", rangeEnd: "\0" });
  const { index, chunks } = store.snapshot();
  const restored = createStore();
  await Promise.all([work, restored.restore(index, chunks)]);
  expect(restored.applied()).toBe(store.applied() - 1);
  expect(await countOf(restored)).toBe(count);
  expect([await countOf(store), restored.revision]).toEqual([0, store.revision - 1]);
});

it("listeners hear of what readers can see before a longer command goes on", async () => {
  const { store } = filled();
  const told: number[] = [];
  store.subscribe({
    changed: (versions) => void told.push(versions[0]?.modRevision ?? 0),
    granted: () => undefined,
    renewed: () => undefined,
    removed: () => undefined,
    restored: () => undefined,
  });
  const command = (name: CommandName, request: object): Buffer => encodeCommand(name, request as never);
  const commands = [command("put", { key: "first" }), command("deleteRange", { key: "\0", rangeEnd: "\0" })];
  const work = store.apply(commands.map((each, at) => ({ index: store.applied() + at + 1, term: 1, command: each })));
  expect(told).toEqual([store.revision]);
  await work;
  expect(told).toEqual([store.revision - 1, store.revision]);
});

describe("a read of very many keys", () => {
  it("is of one revision, whatever is written meanwhile", async () => {
    const { store, apply } = filled();
    const { revision } = store;
    const reading = store.range(everything);
    let at = 0;
    await turnsOf(reading, () => {
      for (let n = 0; n < 500 && at < count; n++) apply("deleteRange", { key: keyAt(count - ++at) });
      apply("put", { key: `z${at}` });
    });
    const { header, kvs, count: found } = await reading;
    expect(at).toBeGreaterThan(0);
    expect([header.revision, kvs.length, found]).toEqual([revision, count, count]);
  });

  it("is made again where a compaction takes its revision away, and refused where it asked for that one", async () => {
    const { store, apply } = filled();
    const now = store.range(everything);
    const then = Promise.resolve(store.range({ ...everything, revision: store.revision }));
    const refused = expect(then).rejects.toMatchObject({ refusal: "compacted" });
    for (let at = 0; at < count / 4; at++) apply("deleteRange", { key: keyAt(at) });
    apply("compact", { revision: store.revision });
    await store.settled();
    expect((await now).kvs.length).toBe((count * 3) / 4);
    await refused;
  });
});

it("many at once share the turns", async () => {
  let [keys, most, done] = [0, 0, 0];
  function* work() {
    for (let at = 0; at < 100; at++) {
      keys += 256;
      yield 256;
    }
    done++;
  }
  const all = Array.from({ length: 20 }, () => inTurns(work()));
  keys = 0;
  await turnsOf(Promise.all(all), () => {
    most = Math.max(most, keys);
    keys = 0;
  });
  expect([most, done]).toEqual([turnKeys, 20]);
});
