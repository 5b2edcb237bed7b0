import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Peer } from "../../src/discovery/types.ts";
import { until } from "../capture.ts";
import { type Rig, rigs } from "./rigs.ts";

describe.each(Object.entries(rigs))("discovery by %s", (_, open) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await open(["pod-1", "pod-0"]);
  });
  afterEach(() => rig.stop());

  const ids = (peers: readonly Peer[]): string => peers.map((peer) => peer.id).join();
  const current = (): string => ids(rig.discovery.peers());

  /** Lets time go by until `condition`. */
  const pass = (what: string, condition: () => unknown) =>
    until(what, () => {
      rig.clock.advance(1_000);
      return condition();
    });

  test("yields complete sets, ordered by id, the current one first", async () => {
    const sets = rig.discovery[Symbol.asyncIterator]();
    await pass("the first set", () => current() !== "");
    const first = (await sets.next()).value as readonly Peer[];
    expect(first).toEqual(rig.discovery.peers());
    expect(first.map(({ id, port }) => `${id}:${port}`)).toEqual(["pod-0:8090", "pod-1:8090"]);
    expect(first.every(({ host }) => host.length > 0)).toBe(true);
    const late = rig.discovery[Symbol.asyncIterator]();
    expect((await late.next()).value).toBe(rig.discovery.peers());
  });

  test("never yields the same set twice", async () => {
    const seen: string[] = [];
    const reader = (async () => {
      for await (const peers of rig.discovery) seen.push(ids(peers));
    })();
    await pass("the first set", () => seen.length > 0);
    await rig.set(["pod-1", "pod-0"]);
    await rig.set(["pod-0", "pod-1", "pod-2"]);
    await pass("the second set", () => seen.at(-1) === "pod-0,pod-1,pod-2");
    await rig.set(["pod-2"]);
    await pass("the third set", () => seen.at(-1) === "pod-2");
    await rig.discovery.stop();
    await reader;
    expect(seen.filter((set, index) => set === seen[index - 1])).toEqual([]);
  });

  test("keeps the last set while the source is away, and goes on when it is back", async () => {
    await pass("the first set", () => current() === "pod-0,pod-1");
    await rig.away();
    const before = rig.discovery.staleMs();
    expect(before).toBeLessThan(60_000);
    await pass("some attempts", () => rig.clock.now() > 120_000);
    expect(rig.discovery.staleMs()).toBeGreaterThan(before);
    expect(current()).toBe("pod-0,pod-1");
    await rig.back();
    await rig.set(["pod-0", "pod-3"]);
    await pass("the new set", () => current() === "pod-0,pod-3");
  });

  test("tells subscribers until they cancel", async () => {
    await pass("the first set", () => current() !== "");
    let told = 0;
    const cancel = rig.discovery.subscribe(() => {
      told++;
    });
    await rig.set(["pod-0", "pod-2"]);
    await pass("the second set", () => current() === "pod-0,pod-2");
    expect(told).toBeGreaterThan(0);
    cancel();
    const before = told;
    await rig.set(["pod-9"]);
    await pass("the next set", () => current() === "pod-9");
    expect(told).toBe(before);
  });

  test("ends every iteration when it stops", async () => {
    const readers = [1, 2].map(async () => {
      let count = 0;
      for await (const _ of rig.discovery) count++;
      return count;
    });
    await pass("the first set", () => current() !== "");
    await rig.discovery.stop();
    await rig.discovery.stop();
    for (const reader of readers) expect(await reader).toBeLessThanOrEqual(1);
    expect(rig.clock.pending).toBe(0);
  });
});
