/** The meta file is replaced as a whole, and what it says is believed only when it is all there. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { disk, type Image } from "../../wal/test/support/watched-disk.ts";
import type { Meta } from "../src/core/types.ts";
import { emptyMeta, readMeta, writeMeta } from "../src/driver/meta-file.ts";

vi.mock("node:fs/promises", async (original) =>
  (await import("../../wal/test/support/watched-disk.ts")).watchedPromises(await original()),
);

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "lease-log-meta-"));
  await mkdir(join(root, "own"));
  path = join(root, "own", "meta.json");
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** What is read of what the power left. */
async function leftIn(image: Image): Promise<Meta | undefined> {
  const left = await mkdtemp(join(root, "left-"));
  await image.restore(left);
  return readMeta(join(left, "meta.json"));
}

describe("a meta file", () => {
  it("is there as the one before or the new one whenever the power goes, and as the new one once it is written", async () => {
    disk.watch(join(root, "own"));
    const first = emptyMeta("fresh");
    const second: Meta = {
      dataId: "data",
      freshDataId: "fresh",
      epochSeen: 7,
      isComplete: true,
      inSync: { epoch: 7, version: 2, members: ["a", "b"] },
    };
    for (const [before, after] of [
      [undefined, first],
      [first, second],
    ] as const) {
      const images: Image[] = [];
      disk.onChange = () => images.push(disk.image(), disk.image("all"));
      await writeMeta(path, after);
      disk.onChange = () => {};
      expect(await leftIn(disk.image())).toEqual(after);
      expect(images.length).toBeGreaterThan(0);
      for (const image of images) expect([before, after]).toContainEqual(await leftIn(image));
    }
    expect(await readMeta(path)).toStrictEqual(second);
  });

  const whole = { version: 1, freshDataId: "fresh", epochSeen: 3, isComplete: true };
  it.each([
    ["nothing", ""],
    ["half of one", JSON.stringify(whole).slice(0, 40)],
    ["one of a version to come", JSON.stringify({ ...whole, version: 2 })],
    ["one without an epoch", JSON.stringify({ ...whole, epochSeen: undefined })],
    ["one without a name for its data", JSON.stringify({ ...whole, freshDataId: undefined })],
  ])("that holds %s is refused", async (_, text) => {
    await writeFile(path, JSON.stringify(whole));
    expect(await readMeta(path)).toMatchObject({ freshDataId: "fresh", epochSeen: 3, isComplete: true });
    await writeFile(path, text);
    await expect(readMeta(path)).rejects.toMatchObject({ code: "corrupt" });
  });

  it("that can't be read is not one that is missing", async () => {
    expect(await readMeta(path)).toBeUndefined();
    await mkdir(path);
    await expect(readMeta(path)).rejects.toMatchObject({ code: "failed" });
  });
});
