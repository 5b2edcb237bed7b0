/** What a node finds on its disk at a start: whether log, state and meta file meet, and what it holds in memory then. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWal } from "@coracle/wal";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Meta } from "../src/core/types.ts";
import { encodeBase, encodeBlock, recordsOf } from "../src/driver/entries.ts";
import { readMeta, writeMeta } from "../src/driver/meta-file.ts";
import { Storage } from "../src/driver/storage.ts";
import type { Position } from "../src/index.ts";

const NOWHERE: Position = { epoch: 0, index: 0 };
const META: Meta = {
  dataId: "data",
  freshDataId: "fresh",
  epochSeen: 9,
  isComplete: true,
  inSync: { epoch: 9, version: 0, members: ["a"] },
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lease-log-disk-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const metaPath = () => join(dir, "meta.json");
const entry = (epoch: number, sizeBytes = 10) => recordsOf(encodeBlock(1, epoch, [Buffer.alloc(sizeBytes)]));

/** A log whose first record has the index `first`. */
async function writeLog(first: number, records: readonly Uint8Array[]): Promise<void> {
  const wal = await openWal({ dir: join(dir, "log") });
  if (first > 1) await wal.reset(first);
  await wal.append(records);
  await wal.close();
}

/** A start with the state at `applied`: what was found, and the indexes of the entries that are in memory. */
async function start(applied: Position, freshDataId = "unused") {
  const storage = await Storage.open(dir, { maxCommandBytes: 8 << 20, cacheBytes: 64 << 20 }, () => {});
  try {
    const { restored, warning } = await storage.recover(applied, freshDataId);
    const cached = storage.cache.entries(0, Number.MAX_SAFE_INTEGER).map(({ index }) => index);
    return { ...restored, warning, cached };
  } finally {
    await storage.close();
  }
}

describe("a first boot", () => {
  it("notes the name that it would give its data, and keeps to it", async () => {
    const { meta } = await start(NOWHERE, "first");
    expect(meta).toMatchObject({ dataId: undefined, freshDataId: "first", isComplete: false });
    expect((await start(NOWHERE, "second")).meta.freshDataId).toBe("first");
  });

  it.each([
    ["a log", 2, NOWHERE],
    ["a state", 0, { epoch: 1, index: 2 }],
  ])("is none where %s stands without a meta file: refused, and nothing written", async (_, entries, applied) => {
    await writeLog(1, Array.from({ length: entries }, () => entry(1)).flat());
    await expect(start(applied)).rejects.toMatchObject({ code: "corrupt" });
    expect(await readdir(dir)).toEqual(["log"]);
  });
});

describe("a log that meets the state", () => {
  const THREE = [...entry(4), ...entry(4), ...entry(6)];
  it.each([
    { name: "whole", first: 1, records: THREE, applied: NOWHERE, base: NOWHERE, last: 3, cached: [1, 2, 3] },
    {
      name: "applied in part",
      first: 1,
      records: THREE,
      applied: { epoch: 4, index: 1 },
      base: NOWHERE,
      last: 3,
      cached: [2, 3],
    },
    {
      name: "applied as a whole",
      first: 1,
      records: THREE,
      applied: { epoch: 6, index: 3 },
      base: NOWHERE,
      last: 3,
      cached: [],
    },
    {
      name: "behind a snapshot of one entry",
      first: 1,
      records: [encodeBase({ epoch: 3, index: 1 }), ...THREE],
      applied: { epoch: 3, index: 1 },
      base: { epoch: 3, index: 1 },
      last: 4,
      cached: [2, 3, 4],
    },
    {
      name: "behind a snapshot",
      first: 10,
      records: [encodeBase({ epoch: 4, index: 10 }), ...THREE],
      applied: { epoch: 4, index: 10 },
      base: { epoch: 4, index: 10 },
      last: 13,
      cached: [11, 12, 13],
    },
    {
      name: "shortened: its first entry is the base",
      first: 10,
      records: THREE,
      applied: { epoch: 4, index: 11 },
      base: { epoch: 4, index: 10 },
      last: 12,
      cached: [12],
    },
    {
      name: "read in several parts",
      first: 10,
      records: [encodeBase({ epoch: 4, index: 10 }), ...[4, 4, 4, 6].flatMap((epoch) => entry(epoch, 3 << 20))],
      applied: { epoch: 4, index: 12 },
      base: { epoch: 4, index: 10 },
      last: 14,
      cached: [13, 14],
    },
  ])("that is $name", async ({ first, records, applied, base, last, cached }) => {
    await writeMeta(metaPath(), META);
    await writeLog(first, records);
    const found = await start(applied);
    const opened = base.epoch === 4 ? [] : [{ epoch: 4, first: base.index + 1 }];
    expect(found).toMatchObject({ base, last, cached, applied: applied.index, meta: META, warning: undefined });
    expect(found.runs).toEqual([...opened, { epoch: 6, first: last }]);
  });
});

describe("a log that does not meet the state", () => {
  it.each([
    { name: "lost, with the state", first: 1, records: [], applied: NOWHERE },
    { name: "lost, but for the state", first: 1, records: [], applied: { epoch: 4, index: 3 } },
    { name: "shorter than the state", first: 1, records: entry(4), applied: { epoch: 4, index: 2 } },
    { name: "of another epoch than the state", first: 1, records: entry(4), applied: { epoch: 3, index: 1 } },
    { name: "beginning behind the state", first: 10, records: entry(4), applied: { epoch: 4, index: 9 } },
  ])("that is $name: it starts anew at the state, and counts for nothing, after another start as well", async (row) => {
    const { first, records, applied } = row;
    await writeMeta(metaPath(), META);
    await writeLog(first, records);
    const anew = { meta: { ...META, isComplete: false }, base: applied, runs: [], last: applied.index, cached: [] };
    expect(await start(applied)).toMatchObject({ ...anew, warning: expect.stringContaining("do not meet") });
    expect(await readMeta(metaPath())).toEqual(anew.meta);
    expect(await start(applied)).toMatchObject({ ...anew, warning: undefined });
  });
});

describe("what follows an index", () => {
  it("is counted from the start of the log", async () => {
    const storage = await Storage.open(dir, { maxCommandBytes: 1000, cacheBytes: 1000 }, () => {});
    await storage.append(encodeBlock(1, 1, [Buffer.alloc(500)]));
    await storage.reset({ epoch: 2, index: 50 });
    expect(storage.bytesAfter(50)).toBe(0);
    await storage.close();
  });
});
