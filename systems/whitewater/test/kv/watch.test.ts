import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { prefixEnd } from "../../src/kv/keys.ts";
import { createKv } from "../../src/kv/kv.ts";
import type { Kv, WatchEvent, Watcher, WatchOptions } from "../../src/kv/types.ts";
import { firstKeys, turnKeys } from "../../src/store/steps.ts";
import { localRaft } from "./local-raft.ts";

const opened: Kv[] = [];
afterEach(() => {
  for (const kv of opened.splice(0)) kv.stop();
});

function open() {
  const local = localRaft();
  const kv = createKv(local);
  opened.push(kv);
  return { ...local, kv };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for what is said to come, for a bounded number of turns of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < 10_000 && !holds(); turns++) await turn();
  expect(holds()).toBe(true);
}

class Reader {
  readonly seen: WatchEvent[] = [];
  readonly batches: number[][] = [];
  compactedAt: number | undefined;
  accepts = true;
  readonly watcher: Watcher;

  constructor(kv: Kv, options: WatchOptions) {
    this.watcher = kv.watch(options, {
      events: (events) => {
        this.seen.push(...events);
        this.batches.push(events.map((event) => event.kv.modRevision));
        return this.accepts;
      },
      compacted: (revision) => {
        this.compactedAt = revision;
      },
    });
  }

  get story(): string[] {
    return this.seen.map(({ type, kv }) => `${type} ${kv.key}@${kv.modRevision}`);
  }

  resume(): void {
    this.accepts = true;
    this.watcher.resume();
  }
}

describe("very many watches, or very many changes", () => {
  const many = 6000;
  const mostAtOnce = firstKeys + turnKeys;

  it("of one key are told in turns, each of every change in order, and none counts as current before", async () => {
    const { kv } = open();
    const readers = Array.from({ length: many }, () => new Reader(kv, { key: "a" }));
    const toldOf = (): number => readers.reduce((sum, { seen }) => sum + seen.length, 0);
    await kv.put({ key: "a" });
    const last = readers.at(-1)!;
    expect([last.seen.length, last.watcher.isCurrent()]).toEqual([0, false]);
    await kv.put({ key: "a" });
    const late = new Reader(kv, { key: "a" });
    let [before, most] = [toldOf(), 0];
    await until(() => {
      const now = toldOf();
      most = Math.max(most, now - before);
      before = now;
      return last.watcher.isCurrent();
    });
    expect(most).toBeLessThanOrEqual(mostAtOnce);
    expect(new Set(readers.map(({ story }) => story.join()))).toEqual(new Set(["put a@2,put a@3"]));
    expect(late.seen).toEqual([]);
    await kv.put({ key: "a" });
    await until(() => late.seen.length > 0);
    expect([late.story, last.story.at(-1)]).toEqual([["put a@4"], "put a@4"]);
  });

  it("behind by much catch up in turns", async () => {
    const { kv } = open();
    for (let at = 0; at < 500; at++) await kv.put({ key: "a" });
    const readers = Array.from({ length: 100 }, () => new Reader(kv, { key: "a", startRevision: 1 }));
    const toldOf = (): number => readers.reduce((sum, { seen }) => sum + seen.length, 0);
    let [before, most] = [0, 0];
    await until(() => {
      const now = toldOf();
      most = Math.max(most, now - before);
      before = now;
      return now === 500 * readers.length;
    });
    expect(most).toBeLessThanOrEqual(mostAtOnce + 500);
  });

  it("that one revision makes reach a watch as one batch, and before those of the next", async () => {
    const { kv, store } = open();
    const puts = Array.from({ length: many }, (_, at) => ({ key: `k${String(at).padStart(5, "0")}` }));
    for (const put of puts) await kv.put(put);
    const reader = new Reader(kv, { key: "k", rangeEnd: "l" });
    await kv.deleteRange({ key: "k", rangeEnd: "l" });
    await kv.put({ key: "k" });
    await until(() => reader.batches.length === 2);
    expect(reader.batches.map((batch) => [batch.length, new Set(batch).size])).toEqual([
      [many, 1],
      [1, 1],
    ]);
    expect(reader.batches[1]).toEqual([store.revision]);
  });
});

describe("a watch", () => {
  it("starts in the past, goes on with the present, and says what was before", async () => {
    const { kv } = open();
    await kv.put({ key: "a", value: Buffer.from("1") });
    await kv.put({ key: "b" });
    await kv.deleteRange({ key: "a" });
    const reader = new Reader(kv, { key: "a", startRevision: 2, prevKv: true });
    await until(() => reader.seen.length === 2);
    await kv.put({ key: "a", value: Buffer.from("2") });
    expect(reader.story).toEqual(["put a@2", "delete a@4", "put a@5"]);
    expect(reader.seen.map(({ prevKv }) => prevKv && Buffer.from(prevKv.value).toString())).toEqual([
      undefined,
      "1",
      undefined,
    ]);
  });

  it("ahead of the store waits for its revision", async () => {
    const { kv } = open();
    const reader = new Reader(kv, { key: "a", startRevision: 4 });
    for (let count = 0; count < 4; count++) await kv.put({ key: "a" });
    expect(reader.story).toEqual(["put a@4", "put a@5"]);
  });

  it("filters puts or deletions", async () => {
    const { kv } = open();
    const deletions = new Reader(kv, { key: "a", noPut: true });
    const puts = new Reader(kv, { key: "a", noDelete: true });
    await kv.put({ key: "a" });
    await kv.deleteRange({ key: "a" });
    expect(deletions.story).toEqual(["delete a@3"]);
    expect(puts.story).toEqual(["put a@2"]);
  });

  it("that asks for what was compacted is told so", async () => {
    const { kv } = open();
    for (let count = 0; count < 5; count++) await kv.put({ key: "a" });
    await kv.compact(4);
    const reader = new Reader(kv, { key: "a", startRevision: 3 });
    await until(() => reader.compactedAt === 4);
    expect(reader.seen).toEqual([]);
    expect(kv.status().watchers).toBe(0);
  });

  it("gets one revision's changes together even where its reader is slow", async () => {
    const { kv } = open();
    const reader = new Reader(kv, { key: "k", rangeEnd: "l" });
    reader.accepts = false;
    await kv.put({ key: "k" });
    for (let count = 0; count < 3; count++) {
      await kv
        .txn({ success: Array.from({ length: 700 }, (_, at) => ({ requestPut: { key: `k${at % 100}${at}` } })) })
        .catch((error: unknown) => expect(error).toMatchObject({ code: "too-many-ops" }));
      await kv.txn({ success: Array.from({ length: 120 }, (_, at) => ({ requestPut: { key: `k${at}` } })) });
    }
    expect(reader.batches).toEqual([[2]]);
    reader.resume();
    await until(() => reader.seen.length === 361);
    const revisions = reader.batches.slice(1);
    for (const batch of revisions) expect(batch.length % 120).toBe(0);
  });

  it("whose reader is slow for longer than history lasts ends with the compaction", async () => {
    const { kv } = open();
    const reader = new Reader(kv, { key: "a" });
    reader.accepts = false;
    for (let count = 0; count < 9; count++) await kv.put({ key: "a" });
    await kv.compact(8);
    reader.resume();
    await until(() => reader.compactedAt === 8);
    expect(reader.story).toEqual(["put a@2"]);
  });

  it("goes on over a restored state without a gap", async () => {
    const { kv, store } = open();
    const reader = new Reader(kv, { key: "a", rangeEnd: "\0" });
    await kv.put({ key: "a" });
    const ahead = localRaft();
    for (const command of ["a", "b", "c"]) {
      const other = createKv(ahead);
      await other.put({ key: command });
      other.stop();
    }
    const { index, chunks } = ahead.store.snapshot();
    await store.restore(index, chunks);
    await until(() => reader.seen.length === 3);
    expect(reader.story).toEqual(["put a@2", "put b@3", "put c@4"]);
  });

  it("in the past of a state that came as a snapshot is told all since the compaction, with what was before", async () => {
    const { kv, store } = open();
    for (const value of ["1", "2", "3"]) await kv.put({ key: "a", value: Buffer.from(value) });
    await kv.deleteRange({ key: "a" });
    await kv.txn({ success: [{ requestPut: { key: "b" } }, { requestPut: { key: "a" } }] });
    await kv.compact(3);
    const copied = open();
    const { index, chunks } = store.snapshot();
    await copied.store.restore(index, chunks);
    const told = async (from: Kv, startRevision: number) => {
      const reader = new Reader(from, { key: "\0", rangeEnd: "\0", startRevision, prevKv: true });
      await until(() => reader.watcher.isCurrent() || reader.compactedAt !== undefined);
      return { compactedAt: reader.compactedAt, story: reader.story, events: reader.seen };
    };
    for (const revision of [2, 3, 4, 5, 6]) expect(await told(copied.kv, revision)).toEqual(await told(kv, revision));
    expect((await told(copied.kv, 2)).compactedAt).toBe(3);
    expect((await told(copied.kv, 3)).story).toEqual(["put a@3", "put a@4", "delete a@5", "put b@6", "put a@6"]);
  });

  it("that is cancelled hears nothing more", async () => {
    const { kv } = open();
    const reader = new Reader(kv, { key: "a" });
    reader.watcher.cancel();
    await kv.put({ key: "a" });
    expect(reader.seen).toEqual([]);
    expect(kv.status().watchers).toBe(0);
  });
});

const key = fc.constantFrom("a", "aa", "ab", "b", "ba", "c\xff", "c\xff\xff");
const range = fc.oneof(
  key.map((key) => ({ key, rangeEnd: "" })),
  fc.constantFrom("a", "b", "c\xff").map((key) => ({ key, rangeEnd: prefixEnd(key) })),
  fc.constantFrom("\0", "b").map((key) => ({ key, rangeEnd: "\0" })),
  fc.constant({ key: "aa", rangeEnd: "ba" }),
);
const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ put: key }) },
  { weight: 2, arbitrary: fc.record({ remove: range }) },
  { weight: 3, arbitrary: fc.record({ watch: range, back: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ toggle: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.constant({ turn: true }) },
);

describe("watches", () => {
  it("see exactly what happened in their range, in order, however slow their readers are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 80, size: "max" }), async (actions) => {
        const { kv } = open();
        const all = new Reader(kv, { key: "\0", rangeEnd: "\0" });
        const readers: { reader: Reader; covers: (event: WatchEvent) => boolean }[] = [];
        for (const one of actions) {
          if ("put" in one) await kv.put({ key: one.put });
          else if ("remove" in one) await kv.deleteRange(one.remove);
          else if ("watch" in one) {
            const startRevision = Math.max(1, kv.status().revision + 1 - one.back);
            readers.push({
              reader: new Reader(kv, { ...one.watch, startRevision }),
              covers: ({ kv: { key, modRevision } }) => modRevision >= startRevision && isIn(key, one.watch),
            });
          } else if ("toggle" in one) toggle(readers[one.toggle % Math.max(1, readers.length)]?.reader);
          else await turn();
        }
        for (const { reader } of readers) reader.resume();
        await until(() => readers.every(({ reader }) => reader.watcher.isCurrent()));
        for (const { reader, covers } of readers)
          expect(reader.story).toEqual(
            all.seen.filter(covers).map(({ type, kv }) => `${type} ${kv.key}@${kv.modRevision}`),
          );
        kv.stop();
      }),
      { numRuns: 150 },
    );
  });
});

const isIn = (key: string, { key: from, rangeEnd }: { key: string; rangeEnd: string }): boolean =>
  rangeEnd === "" ? key === from : key >= from && (rangeEnd === "\0" || key < rangeEnd);

function toggle(reader: Reader | undefined): void {
  if (reader === undefined) return;
  if (reader.accepts) reader.accepts = false;
  else reader.resume();
}
