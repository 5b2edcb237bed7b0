/** What the disk holds after a crash, and what is refused. */
import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NOBODY } from "../src/core/membership.ts";
import { SnapshotStore } from "../src/driver/snapshot-store.ts";
import { Storage } from "../src/driver/storage.ts";
import { type OpenRaft, openRaft, type RaftOptions } from "../src/index.ts";
import { entry } from "./support/cores.ts";
import { bytes, idOf } from "./support/group.ts";
import { ListMachine } from "./support/machine.ts";

let dir: string;
const opened: OpenRaft[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "raft-storage-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((raft) => raft.abandon()));
  await rm(dir, { recursive: true, force: true });
});

const openStorage = () => Storage.open(dir, 1 << 20, () => {});
const snapshotAt = (index: number, term: number) => ({ index, term, membership: NOBODY });

async function reopened(write: (storage: Storage) => Promise<void>, snapshot?: ReturnType<typeof snapshotAt>) {
  const storage = await openStorage();
  await write(storage);
  await storage.close();
  const again = await openStorage();
  try {
    return await again.recover(snapshot);
  } finally {
    await again.close();
  }
}

async function* chunksOf(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe("the log", () => {
  it("keeps the newest hard state, and of each index the entry that was written last", async () => {
    const { hardState, entries } = await reopened(async (storage) => {
      await storage.append({ term: 1, vote: "a" }, undefined, [entry(1, 1), entry(2, 1), entry(3, 1)]);
      await storage.append({ term: 2, vote: undefined }, undefined, [entry(2, 2)]);
    });
    expect(hardState).toEqual({ term: 2, vote: undefined });
    expect(entries.map(({ index, term }) => `${index}/${term}`)).toEqual(["1/1", "2/2"]);
  });

  it("begins anew behind a snapshot that was taken in", async () => {
    const write = async (storage: Storage) => {
      await storage.append({ term: 1, vote: undefined }, undefined, [entry(1, 1), entry(2, 1)]);
      await storage.append({ term: 4, vote: undefined }, snapshotAt(9, 4), [entry(10, 4)]);
    };
    const { base, entries, isCut } = await reopened(write, snapshotAt(9, 4));
    expect([base.index, entries.map(({ index }) => index), isCut]).toEqual([9, [10], false]);
  });

  it("drops what is not on the way to a snapshot whose note was lost in a crash", async () => {
    const write = (storage: Storage) =>
      storage.append({ term: 3, vote: "a" }, undefined, [entry(1, 1), entry(2, 3), entry(3, 3)]);
    const { hardState, entries, isCut } = await reopened(write, snapshotAt(2, 5));
    expect([hardState, entries, isCut]).toEqual([{ term: 5, vote: undefined }, [], true]);
  });

  it("says what is missing when it begins after the snapshot's end", async () => {
    const write = async (storage: Storage) => {
      await storage.append({ term: 4, vote: undefined }, snapshotAt(9, 4), []);
      await storage.append(undefined, undefined, [entry(10, 4)]);
    };
    await expect(reopened(write, snapshotAt(5, 1))).rejects.toMatchObject({ code: "corrupt", message: /begins at 10/ });
  });
});

describe("a snapshot", () => {
  it("comes back whole, and damage anywhere is found with its position", async () => {
    const store = await SnapshotStore.open(dir, "blue");
    const stored = await store.write(snapshotAt(7, 2), chunksOf("hello ", "world"));
    const read = async () => {
      const parts: Uint8Array[] = [];
      for await (const part of store.chunks(stored)) parts.push(part);
      return Buffer.concat(parts).toString();
    };
    expect(await read()).toBe("hello world");
    const whole = await readFile(stored.path);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      await writeFile(stored.path, damaged);
      await expect(read(), `byte ${at}`).rejects.toMatchObject({ code: "corrupt" });
    }
    for (const wrong of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.of(0)])]) {
      await writeFile(stored.path, wrong);
      await expect(read()).rejects.toMatchObject({ code: "corrupt" });
    }
  });

  it("of another cluster is refused", async () => {
    const store = await SnapshotStore.open(dir, "blue");
    await store.write(snapshotAt(7, 2), chunksOf("x"));
    await expect(SnapshotStore.open(dir, "red")).rejects.toMatchObject({ code: "wrong-cluster" });
  });

  it("that came in damaged is removed, so that the next attempt begins anew", async () => {
    const store = await SnapshotStore.open(dir, "blue");
    const { path } = await store.incoming("1-1-5-aa", 100);
    await store.receive(path, chunksOf("wrong"));
    expect((await store.incoming("1-1-5-aa", 100)).sizeBytes).toBe(5);
    await expect(store.check(path)).rejects.toMatchObject({ code: "corrupt" });
    expect((await store.incoming("1-1-5-aa", 100)).sizeBytes).toBe(0);
  });
});

describe("a member's folder", () => {
  async function open(options: Partial<RaftOptions> = {}): Promise<OpenRaft> {
    const raft = await openRaft({
      id: idOf(1),
      clusterId: "blue",
      dir,
      stateMachine: new ListMachine(),
      bootstrap: [{ id: idOf(1), name: "pod-1", address: "127.0.0.1:1" }],
      timing: { tickMs: 5, heartbeatMs: 10, electionMs: 20 },
      ...options,
    });
    opened.push(raft);
    return raft;
  }

  async function written(count: number): Promise<void> {
    const raft = await open();
    await raft.start();
    for (let i = 0; i < count; i++) await raft.propose(bytes(`command ${i}`));
    await raft.abandon();
  }

  it("of another cluster or another member is refused", async () => {
    await written(1);
    await expect(open({ clusterId: "red" })).rejects.toMatchObject({ code: "wrong-cluster" });
    const bootstrap = [{ id: idOf(2), name: "pod-2", address: "127.0.0.1:1" }];
    await expect(open({ id: idOf(2), bootstrap })).rejects.toMatchObject({ code: "wrong-cluster" });
  });

  it("that lost its log is refused: it may have voted", async () => {
    await written(1);
    await rm(join(dir, "log"), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: "corrupt", message: expect.stringContaining("new id") });
  });

  it("with a flipped bit in the middle of its log is refused, one with a torn tail is not", async () => {
    await written(20);
    const [name = ""] = await readdir(join(dir, "log"));
    const path = join(dir, "log", name);
    const whole = await readFile(path);
    const flipped = Buffer.from(whole);
    flipped[200] = (flipped[200] as number) ^ 1;
    await writeFile(path, flipped);
    await expect(open()).rejects.toMatchObject({ code: "corrupt", message: expect.stringMatching(/byte \d+/) });
    await writeFile(path, whole);
    await appendFile(path, "half a rec");
    expect((await open()).status().lastIndex).toBeGreaterThan(20);
  });

  it("in use is refused", async () => {
    await open();
    await expect(open()).rejects.toMatchObject({ code: "locked" });
  });

  it("cut at any byte opens again, with a beginning of what was written", async () => {
    await written(6);
    const [name = ""] = await readdir(join(dir, "log"));
    const whole = await readFile(join(dir, "log", name));
    const copy = join(dir, "copy");
    let last = 0;
    for (let end = 150; end <= whole.length; end += 41) {
      await rm(copy, { recursive: true, force: true });
      await cp(join(dir, "member.json"), join(copy, "member.json"));
      await cp(join(dir, "log"), join(copy, "log"), { recursive: true });
      await writeFile(join(copy, "log", name), whole.subarray(0, end));
      const storage = await Storage.open(copy, 1 << 20, () => {});
      const { entries } = await storage.recover(undefined);
      await storage.close();
      expect(entries.length).toBeGreaterThanOrEqual(last);
      last = entries.length;
    }
    expect(last).toBeGreaterThanOrEqual(6);
  });

  it("makes no sense with options that make none", async () => {
    await expect(open({ id: "pod-1" })).rejects.toMatchObject({ code: "invalid" });
    await expect(open({ bootstrap: [] })).rejects.toMatchObject({ code: "invalid" });
    await expect(open({ limits: { maxReads: -1 } })).rejects.toMatchObject({ code: "invalid" });
    const wrong = { timing: { tick: 1 } } as Partial<RaftOptions>;
    await expect(open(wrong)).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining('"tick"') });
  });
});
