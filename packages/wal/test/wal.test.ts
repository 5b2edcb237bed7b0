import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openWal, type Wal, type WalOptions } from "../src/index.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "wal-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const text = (value: string): Uint8Array => Buffer.from(value);
const open = (options: Partial<WalOptions> = {}): Promise<Wal> => openWal({ dir, ...options });
const segments = async (): Promise<string[]> => (await readdir(dir)).filter((name) => name.endsWith(".wal")).sort();

async function all(wal: Wal): Promise<string[]> {
  const found: string[] = [];
  for (let from = wal.firstIndex; from <= wal.lastIndex; ) {
    const records = await wal.read(from, 50);
    expect(records.length).toBeGreaterThan(0);
    found.push(...records.map((record) => Buffer.from(record).toString()));
    from += records.length;
  }
  return found;
}

async function withRecords(...records: string[]): Promise<void> {
  const wal = await open();
  for (const record of records) await wal.append([text(record)]);
  await wal.close();
}

describe("append and read", () => {
  it("gives dense indexes in call order and survives a reopen", async () => {
    const wal = await open();
    expect([wal.firstIndex, wal.lastIndex]).toEqual([1, 0]);
    const results = await Promise.all([wal.append([text("a"), text("b")]), wal.append([text("c")])]);
    expect(results).toEqual([2, 3]);
    expect(wal.durableIndex).toBe(3);
    await wal.close();
    const again = await open();
    expect(await all(again)).toEqual(["a", "b", "c"]);
    expect(again.durableIndex).toBe(3);
    await again.close();
  });

  it("reads what is not durable yet, the first record whatever its size, and no more than asked for", async () => {
    const wal = await open();
    const appended = wal.append([text("x".repeat(200_000)), text("small"), text("y".repeat(100))]);
    expect((await wal.read(1, 10)).map((record) => record.length)).toEqual([200_000]);
    expect((await wal.read(2, 60)).map((record) => record.length)).toEqual([5]);
    expect(await wal.read(4, 10)).toEqual([]);
    await appended;
    await wal.close();
  });

  it("refuses a record over the limit and writes nothing of that call", async () => {
    const wal = await open({ maxRecordBytes: 10 });
    await expect(wal.append([text("ok"), text("x".repeat(11))])).rejects.toMatchObject({ code: "too-large" });
    expect(wal.lastIndex).toBe(0);
    await wal.close();
  });

  it("refuses a second opener of the same folder, and every call after close", async () => {
    const wal = await open();
    await expect(open()).rejects.toMatchObject({ code: "locked" });
    await wal.close();
    await wal.close();
    await expect(wal.append([text("a")])).rejects.toMatchObject({ code: "closed" });
    await (await open()).close();
  });
});

describe("truncation and compaction", () => {
  it("truncates within and across segments, and goes on from there", async () => {
    const wal = await open({ segmentBytes: 100 });
    for (let i = 1; i <= 20; i++) await wal.append([text(`record ${i}`)]);
    expect((await segments()).length).toBeGreaterThan(3);
    await wal.truncateAfter(5);
    expect([wal.lastIndex, wal.durableIndex]).toEqual([5, 5]);
    expect(await wal.append([text("other 6")])).toBe(6);
    await wal.close();
    const again = await open({ segmentBytes: 100 });
    expect(await all(again)).toEqual(["record 1", "record 2", "record 3", "record 4", "record 5", "other 6"]);
    await again.close();
  });

  it("takes appends and truncations in call order without waiting in between", async () => {
    const wal = await open();
    const done = [wal.append([text("a"), text("b"), text("c")]), wal.truncateAfter(1), wal.append([text("d")])];
    expect(wal.lastIndex).toBe(2);
    await Promise.all(done);
    expect(await all(wal)).toEqual(["a", "d"]);
    await wal.close();
  });

  it("drops whole segments before an index and says so to late readers", async () => {
    const wal = await open({ segmentBytes: 100 });
    for (let i = 1; i <= 20; i++) await wal.append([text(`record ${i}`)]);
    await wal.dropBefore(12);
    expect(wal.firstIndex).toBeGreaterThan(1);
    expect(wal.firstIndex).toBeLessThanOrEqual(12);
    await expect(wal.read(1, 10)).rejects.toMatchObject({ code: "compacted" });
    const first = wal.firstIndex;
    await wal.close();
    const again = await open({ segmentBytes: 100 });
    expect([again.firstIndex, again.lastIndex]).toEqual([first, 20]);
    await again.close();
  });

  it("finds records of other sizes behind a truncation", async () => {
    const wal = await open();
    await wal.append(Array.from({ length: 80 }, () => text("x".repeat(1000))));
    await wal.truncateAfter(20);
    await wal.append(Array.from({ length: 80 }, (_, i) => text(`short ${i}`)));
    expect(String((await wal.read(90, 1))[0])).toBe("short 69");
    await wal.close();
  });

  it("resets to any next index", async () => {
    const wal = await open();
    await wal.append([text("a")]);
    const next = 2 ** 40 + 7;
    await wal.reset(next);
    expect([wal.firstIndex, wal.lastIndex, wal.durableIndex]).toEqual([next, next - 1, next - 1]);
    expect(await wal.append([text("b")])).toBe(next);
    await wal.close();
    const again = await open();
    expect([again.firstIndex, await all(again)]).toEqual([next, ["b"]]);
    await again.close();
  });
});

describe("recovery", () => {
  it("keeps exactly the whole records at every possible torn length", async () => {
    await withRecords("first", "second", "third");
    const [name] = (await segments()) as [string];
    const file = await readFile(join(dir, name));
    const ends = [16, 16 + 25, 16 + 25 + 26, 16 + 25 + 26 + 25] as const;
    const whole = file.subarray(0, ends[3]);
    expect(whole.length).toBe(ends[3]);
    expect(file.subarray(ends[3]).every((byte) => byte === 0)).toBe(true);
    const cut = (length: number) => whole.subarray(0, length);
    // With room made behind the records, what was not written is zeros. The header was durable before there was any.
    const zeroed = (length: number) => Buffer.concat([cut(length), Buffer.alloc(file.length - length)]);
    const lengths = Array.from({ length: whole.length + 1 }, (_, length) => length);
    const cases = [
      ...lengths.map((length) => ({ length, torn: cut(length) })),
      ...lengths.slice(16).map((length) => ({ length, torn: zeroed(length) })),
    ];
    for (const { length, torn } of cases) {
      await writeFile(join(dir, name), torn);
      const wal = await open();
      expect(wal.lastIndex).toBe(Math.max(0, ends.filter((end) => end <= length).length - 1));
      expect(await wal.append([text("next")])).toBe(wal.lastIndex);
      await wal.close();
      for (const left of await segments()) if (left !== name) await rm(join(dir, left));
    }
  });

  it("refuses a flipped bit anywhere in an acknowledged record that others follow, and changes nothing", async () => {
    await withRecords("first", "second", "third");
    const [name] = (await segments()) as [string];
    const whole = await readFile(join(dir, name));
    for (let at = 0; at < 16 + 25 + 26; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      await writeFile(join(dir, name), damaged);
      await expect(open(), `byte ${at}`).rejects.toMatchObject({ code: "corrupt" });
      expect((await readFile(join(dir, name))).equals(damaged)).toBe(true);
    }
  });

  it("refuses an acknowledged record that stands in another's place", async () => {
    await withRecords("same 1", "same 2", "same 3");
    const [name] = (await segments()) as [string];
    const bytes = await readFile(join(dir, name));
    const third = bytes.subarray(16 + 2 * 26, 16 + 3 * 26);
    third.copy(bytes, 16 + 26);
    await writeFile(join(dir, name), bytes);
    await expect(open()).rejects.toMatchObject({ code: "corrupt" });
  });

  it("cuts a hole in a batch that was never acknowledged", async () => {
    const wal = await open();
    await wal.append([text("kept")]);
    await wal.append([text("lost 1"), text("lost 2"), text("lost 3")]);
    await wal.close();
    const [name] = (await segments()) as [string];
    const bytes = await readFile(join(dir, name));
    bytes.fill(0, 16 + 24, 16 + 24 + 26);
    await writeFile(join(dir, name), bytes);
    const again = await open();
    expect(await all(again)).toEqual(["kept"]);
    await again.close();
  });

  it("refuses a missing segment and a damaged earlier one, naming file and place", async () => {
    const wal = await open({ segmentBytes: 60 });
    for (let i = 1; i <= 9; i++) await wal.append([text(`record ${i}`)]);
    await wal.close();
    const [, second] = (await segments()) as [string, string];
    // Without its zeros: the last record is one byte short.
    const bytes = await readFile(join(dir, second));
    await truncate(
      join(dir, second),
      bytes.findLastIndex((byte) => byte !== 0),
    );
    await expect(open()).rejects.toThrow(new RegExp(`${second} is damaged at byte \\d+`));
    await rm(join(dir, second));
    await expect(open()).rejects.toThrow(/a segment file is missing/);
  });

  it("equals a plain array under any sequence of operations and reopens", async () => {
    const operation = fc.oneof(
      { weight: 6, arbitrary: fc.record({ op: fc.constant("append" as const), n: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant("truncate" as const), n: fc.nat(12) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant("drop" as const), n: fc.nat(12) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant("reopen" as const), n: fc.constant(0) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
        const own = await mkdtemp(join(tmpdir(), "wal-model-"));
        const options = { dir: own, segmentBytes: 120 };
        let wal = await openWal(options);
        let model: string[] = [];
        let counter = 0;
        for (const { op, n } of operations) {
          if (op === "append") {
            const fresh = Array.from({ length: n }, () => `value ${counter++}`);
            model.push(...fresh);
            await wal.append(fresh.map(text));
          } else if (op === "truncate") {
            const index = Math.max(wal.firstIndex - 1, wal.lastIndex - n);
            model = model.slice(0, index);
            await wal.truncateAfter(index);
          } else if (op === "drop") {
            await wal.dropBefore(wal.firstIndex + n);
          } else {
            await wal.close();
            wal = await openWal(options);
          }
          expect(wal.lastIndex).toBe(model.length);
        }
        expect(await all(wal)).toEqual(model.slice(wal.firstIndex - 1));
        await wal.close();
        await rm(own, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });
});
