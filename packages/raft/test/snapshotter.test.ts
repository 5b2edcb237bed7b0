/** When a snapshot is written, and what it does to the disk meanwhile. */
import { expect, it } from "vitest";
import type { Core } from "../src/core/core.ts";
import { NOBODY } from "../src/core/membership.ts";
import { writeSnapshot } from "../src/driver/snapshot-file.ts";
import type { SnapshotStore } from "../src/driver/snapshot-store.ts";
import { Snapshotter } from "../src/driver/snapshotter.ts";
import { resolveSettings } from "../src/options.ts";
import { entry } from "./support/cores.ts";
import { idOf } from "./support/group.ts";
import { ListMachine } from "./support/machine.ts";

const LIMIT = 100;

/** Where a member whose random source says so writes its snapshots, of `count` entries. */
async function placesOf(random: () => number, count: number): Promise<number[]> {
  const stateMachine = new ListMachine();
  const places: number[] = [];
  const core = { termAt: () => 1, membershipAt: () => NOBODY, base: { index: count } } as unknown as Core;
  const store = {
    newest: undefined,
    write: async ({ index }: { index: number }) => places.push(index),
  } as unknown as SnapshotStore;
  const settings = resolveSettings({
    id: idOf(1),
    clusterId: "blue",
    dir: "/nowhere",
    stateMachine,
    limits: { snapshotEntries: LIMIT },
    random,
  });
  const snapshotter = new Snapshotter(core, store, settings, async () => {});
  for (let index = 1; index <= count; index++) {
    const applied = [entry(index, 1)];
    stateMachine.apply(applied.map(({ index, term }) => ({ index, term, command: new Uint8Array() })));
    snapshotter.applied(applied);
    await new Promise(setImmediate);
  }
  await snapshotter.stop();
  return places;
}

it("members that apply the same entries write their snapshots at different times, none later than the limit", async () => {
  expect(await placesOf(() => 0, 250)).toEqual([100, 200]);
  expect(await placesOf(() => 0.5, 250)).toEqual([80, 160, 240]);
  const draws = [0.5, 0, 0.25];
  expect(await placesOf(() => draws.shift() ?? 0, 300)).toEqual([80, 180, 270]);
});

it("a large snapshot goes to the disk piece by piece", async () => {
  const chunk = Buffer.alloc(1 << 20);
  async function* chunks() {
    for (let i = 0; i < 20; i++) yield chunk;
  }
  let [unsynced, most] = [0, 0];
  const wrote = (bytes: number) => {
    unsynced += bytes;
    most = Math.max(most, unsynced);
  };
  const file = {
    write: async (bytes: Buffer) => wrote(bytes.length),
    writev: async (parts: readonly Buffer[]) => wrote(Buffer.concat(parts).length),
    datasync: async () => {
      unsynced = 0;
    },
  };
  await writeSnapshot(file as never, { clusterId: "blue", index: 1, term: 1, membership: NOBODY }, chunks());
  expect(most).toBeLessThan(5 << 20);
});
