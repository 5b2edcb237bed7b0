/** The power goes at any moment: what was acknowledged is there, what was dropped stays away. And writes that fail, wholly or in part. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@coracle/sim";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openWal, type Wal } from "../src/index.ts";
import { disk, type Image } from "./support/watched-disk.ts";

vi.mock("node:fs/promises", async (original) =>
  (await import("./support/watched-disk.ts")).watchedPromises(await original()),
);
vi.mock("node:fs", async (original) => (await import("./support/watched-disk.ts")).watchedFs(await original()));

let root: string;
let dir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "wal-power-"));
  dir = join(root, "log");
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** What a log may hold: all from `first` on, at least up to `least`. */
interface Bounds {
  readonly first: number;
  readonly records: readonly string[];
  readonly least: number;
}

const boundsOf = (wal: Wal, records: readonly string[]): Bounds => ({
  first: wal.firstIndex,
  records: [...records],
  least: wal.lastIndex,
});

async function all(wal: Wal): Promise<string[]> {
  const found: string[] = [];
  while (wal.firstIndex + found.length <= wal.lastIndex)
    found.push(...(await wal.read(wal.firstIndex + found.length, 1000)).map(String));
  return found;
}

/** Opens what the power left, and holds it against what may be there. */
async function expectWithin(image: Image, { first, records, least }: Bounds, name: string): Promise<void> {
  const left = join(root, name);
  await image.restore(left);
  const wal = await openWal({ dir: left });
  expect(wal.firstIndex, name).toBeLessThanOrEqual(first);
  expect(wal.lastIndex, name).toBeGreaterThanOrEqual(least);
  expect(await all(wal), name).toEqual(records.slice(wal.firstIndex - 1, wal.lastIndex));
  expect(wal.lastIndex, name).toBeLessThanOrEqual(records.length);
  await wal.close();
  await rm(left, { recursive: true });
}

describe("the power goes", () => {
  it.each([1, 2, 3])("at any moment of appends, truncations, drops and restarts (seed %i)", async (seed) => {
    const random = new Random(seed);
    disk.watch(dir);
    let wal = await openWal({ dir, segmentBytes: 150 });
    let records: string[] = [];
    for (let step = 0; step < 30; step++) {
      const images: Image[] = [];
      disk.onChange = () => images.push(disk.image());
      const before = boundsOf(wal, records);
      const what = random.pick(["append", "append", "append", "truncate", "drop", "restart"]);
      if (what === "append") {
        const fresh = Array.from({ length: 1 + random.int(3) }, (_, i) => `step ${step}.${i}`);
        records = [...records, ...fresh];
        await wal.append(fresh.map((text) => Buffer.from(text)));
      } else if (what === "truncate") {
        const index = Math.max(wal.firstIndex - 1, wal.lastIndex - random.int(8));
        records = records.slice(0, index);
        await wal.truncateAfter(index);
      } else if (what === "drop") await wal.dropBefore(wal.firstIndex + random.int(8));
      else {
        await wal.close();
        wal = await openWal({ dir, segmentBytes: 150 });
      }
      disk.onChange = () => {};
      const after = boundsOf(wal, records);
      await expectWithin(disk.image(), after, `${what} ${step}`);
      const either = {
        first: Math.max(before.first, after.first),
        records: before.records.length > records.length ? before.records : records,
        least: Math.min(before.least, after.least),
      };
      for (const [i, image] of images.entries()) await expectWithin(image, either, `${what} ${step}, change ${i}`);
    }
    await wal.close();
  });

  it("and what a torn end held does not come back behind what was written over it", async () => {
    const first = await openWal({ dir });
    await first.append([Buffer.from("kept")]);
    await first.append(["lost 1", "lost 2", "lost 3"].map((text) => Buffer.from(text)));
    await first.close();
    const [name] = (await readdir(dir)) as [string];
    const bytes = await readFile(join(dir, name));
    bytes.fill(0, 16 + 24, 16 + 24 + 26);
    await writeFile(join(dir, name), bytes);
    disk.watch(dir);
    const wal = await openWal({ dir });
    // No room for zeros behind the record: only the cut keeps the old ones away.
    disk.faults = ["ENOSPC"];
    await wal.append([Buffer.from("other!")]);
    await expectWithin(disk.image(), { first: 1, records: ["kept", "other!"], least: 2 }, "after the cut");
    await wal.close();
    const again = await openWal({ dir });
    expect(await all(again)).toEqual(["kept", "other!"]);
    await again.close();
  });
});

describe("a write", () => {
  it("that takes a part of the bytes goes on with the rest", async () => {
    disk.watch(dir);
    const wal = await openWal({ dir });
    disk.faults = ["half", "half", "half", "half"];
    await wal.append([Buffer.from("in several parts")]);
    expect(disk.faults).toEqual([]);
    await expectWithin(disk.image(), { first: 1, records: ["in several parts"], least: 1 }, "parts");
    await wal.close();
  });

  it("waits while the disk is full, and says so", async () => {
    const told: boolean[] = [];
    const wal = await openWal({ dir, retryMs: 1, onFull: (isFull) => told.push(isFull) });
    // The first is for the room ahead of the records, which is not needed.
    disk.faults = ["ENOSPC", "ENOSPC", "ENOSPC"];
    await wal.append([Buffer.from("late")]);
    expect(told).toEqual([true, false]);
    expect(await all(wal)).toEqual(["late"]);
    await wal.close();
  });

  it("that fails ends the log: nothing after it is written or acknowledged", async () => {
    const wal = await openWal({ dir });
    await wal.append([Buffer.from("safe")]);
    disk.faults = ["EIO"];
    const failed = wal.append([Buffer.from("failed")]);
    const behind = wal.truncateAfter(0);
    await expect(failed).rejects.toMatchObject({ code: "failed" });
    await expect(behind).rejects.toMatchObject({ code: "failed" });
    await expect(wal.append([Buffer.from("more")])).rejects.toMatchObject({ code: "failed" });
    expect(wal.durableIndex).toBe(1);
    await wal.close();
    const again = await openWal({ dir });
    expect(await all(again)).toEqual(["safe"]);
    await again.close();
  });
});
