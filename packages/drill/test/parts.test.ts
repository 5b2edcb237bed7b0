import { Random } from "@coracle/sim";
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { isRolledOut } from "../src/faults/objects.ts";
import { selects } from "../src/faults/partition.ts";
import { picker, readBack, startLoad } from "../src/load.ts";
import { createNames } from "../src/names.ts";
import { pageOf } from "../src/page.ts";
import type { Access, DrillPlugin, Outcome } from "../src/plugin.ts";
import { Recorder } from "../src/recorder.ts";
import { brokenPromises, type DrillReport } from "../src/report.ts";
import { summaryOf } from "../src/summary.ts";
import { unready } from "../src/unready.ts";
import { judge } from "../src/verdict.ts";

type Input = { readonly op: "get" } | { readonly op: "set"; readonly value: string };

/** A register that forgets every `forgets`-th write after acknowledging it. */
function registers(forgets: number): DrillPlugin<string | null, Input, string | null> {
  const values = new Map<string, string>();
  let writes = 0;
  const perform = async (key: string, input: Input): Promise<Outcome<string | null>> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (input.op === "get") return { kind: "done", output: values.get(key) ?? null };
    if (++writes % forgets !== 0) values.set(key, input.value);
    return { kind: "done", output: "OK" };
  };
  return {
    port: 1,
    container: "c",
    leader: "l",
    readBack: { op: "get" },
    operations: {
      get: { isWrite: false, weight: 1, plan: (names) => ({ key: names.shared(), input: { op: "get" } }) },
      set: {
        isWrite: true,
        weight: 1,
        plan: (names) => ({ key: names.fresh(), input: { op: "set", value: names.value() } }),
      },
    },
    model: {
      initial: null,
      step: (state, input, output) =>
        input.op === "set" ? { state: input.value } : output === state ? { state } : undefined,
      print: (state) => String(state),
    },
    connect: () => ({ perform, close: () => undefined }),
    processId: async () => undefined,
    unsettled: async () => undefined,
  };
}

const access: Access = { members: () => [], secret: async () => undefined };

async function drilled(forgets: number) {
  const plugin = registers(forgets);
  const recorder = new Recorder<Input, string | null>();
  const load = { plugin, access, recorder, random: new Random(7), clients: 4, mix: { get: 1, set: 1 }, prefix: "p" };
  const running = startLoad(load);
  await expect.poll(() => recorder.counts.writes, { timeout: 10_000 }).toBeGreaterThan(50);
  await running.stop();
  expect(await readBack(load)).toEqual([]);
  return judge(recorder.history, plugin.model);
}

describe("a load", () => {
  it("finds nothing wrong with registers that keep what they acknowledged", async () => {
    expect(await drilled(Number.POSITIVE_INFINITY)).toMatchObject({ lost: [], isLinearizable: true });
  });

  it("finds registers out that forget", async () => {
    const verdict = await drilled(10);
    expect(verdict.lost.length).toBeGreaterThan(3);
    expect(verdict.isLinearizable).toBe(false);
  });

  it("draws operations by their shares, and refuses names it does not know", () => {
    const { operations } = registers(1);
    const pick = picker(operations, { get: 3, set: 1 });
    const random = new Random(1);
    const drawn = Array.from({ length: 400 }, () => pick(random).isWrite).filter(Boolean).length;
    expect(drawn).toBeGreaterThan(60);
    expect(drawn).toBeLessThan(140);
    expect(() => picker(operations, { push: 1 })).toThrow(/no operation push.*get, set/);
    expect(() => picker(operations, {})).toThrow(/empty/);
  });

  it("names the same keys for the same seed, and leaves shared ones after a while", () => {
    const keys = (seed: number) => {
      const names = createNames("p", new Random(seed));
      return Array.from({ length: 2100 }, () => names.shared());
    };
    expect(keys(3)).toEqual(keys(3));
    expect(keys(3)[0]).toMatch(/^p:g0:/);
    expect(keys(3).at(-1)).toMatch(/^p:g1:/);
  });
});

it("counts in slices without holes", () => {
  let now = 0;
  const recorder = new Recorder<string, string>(() => now);
  const call = { client: "c", key: "k", input: "i", calledAt: 0 };
  now = 50;
  recorder.note(call, true, { kind: "done", output: "o" });
  now = 250;
  recorder.note(call, false, { kind: "unknown", reason: "" });
  recorder.note(call, true, { kind: "unknown", reason: "" });
  recorder.note(call, true, { kind: "refused", reason: "" });
  now = 390;
  expect(recorder.slices().map(({ writes, failures }) => [writes, failures])).toEqual([
    [1, 0],
    [0, 0],
    [0, 3],
    [0, 0],
  ]);
  expect(recorder.history.map(({ returnedAt }) => returnedAt)).toEqual([50, Number.POSITIVE_INFINITY]);
});

it.each([
  [{ matchLabels: { app: "kv" } }, true],
  [{ matchLabels: { app: "web" } }, false],
  [{}, true],
  [{ matchExpressions: [{ key: "app", operator: "In", values: ["kv", "web"] }] }, true],
  [{ matchExpressions: [{ key: "app", operator: "NotIn", values: ["kv"] }] }, false],
  [{ matchExpressions: [{ key: "zone", operator: "Exists" }] }, false],
  [{ matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] }, true],
])("selects by %j: %s", (selector, isSelected) => {
  expect(selects(selector, { metadata: { labels: { app: "kv" } } })).toBe(isSelected);
});

it("sees a roll-out as done only when every replica is of the newest revision and ready", () => {
  const status = { observedGeneration: 2, replicas: 3, readyReplicas: 3, updatedReplicas: 3 };
  const set = (change: object): StatefulSet =>
    ({ metadata: { generation: 2 }, spec: { replicas: 3 }, status: { ...status, ...change } }) as StatefulSet;
  expect(isRolledOut(set({}))).toBe(true);
  for (const change of [{ observedGeneration: 1 }, { replicas: 4 }, { readyReplicas: 2 }, { updatedReplicas: 1 }])
    expect(isRolledOut(set(change))).toBe(false);
});

const report: DrillReport = {
  system: "kv<b>",
  cluster: "here",
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 2000,
  seed: 1,
  clients: 2,
  mix: { get: 1 },
  faults: [
    {
      fault: "kill",
      target: "kv-0",
      how: "SIGKILL",
      atMs: 500,
      detectedMs: 10,
      electedMs: 300,
      firstWriteMs: 320,
      newLeader: "kv-1",
      downtimeMs: 330,
      recoveredMs: 900,
    },
  ],
  skipped: [],
  downtime: [{ fault: "kill", count: 1, p50Ms: 330, p99Ms: 330, maxMs: 330 }],
  operations: { reads: 3, writes: 4, refused: 1, unknown: 0 },
  lost: [],
  unread: [],
  isLinearizable: true,
  badHistory: [],
  slices: [
    { atMs: 0, reads: 1, writes: 2, failures: 0 },
    { atMs: 100, reads: 2, writes: 2, failures: 1 },
  ],
  broken: [],
};

describe("a report", () => {
  it("names each promise that broke, and none when all held", () => {
    const badHistory = [{ client: "c", key: "k9", input: "i", output: "o", calledAt: 0, returnedAt: 1 }];
    expect(brokenPromises(report)).toEqual([]);
    expect(brokenPromises({ ...report, lost: ["k1"] })).toEqual([expect.stringContaining("k1")]);
    expect(brokenPromises({ ...report, unread: ["k2"] })).toEqual([expect.stringContaining("k2")]);
    expect(brokenPromises({ ...report, isLinearizable: false, badHistory })).toEqual([expect.stringContaining("k9")]);
    expect(brokenPromises({ ...report, faults: [], skipped: [{ fault: "pause", reason: "" }] })).toHaveLength(1);
  });

  it("is a page of its own that loads nothing and escapes what it shows", () => {
    const page = pageOf(report);
    expect(page).toContain("<svg");
    expect(page).toContain("prefers-color-scheme: dark");
    expect(page).toContain("kv&lt;b&gt;");
    expect(page).not.toMatch(/https?:\/\/|<script|<link|@import/);
  });

  it("names the faults in the plot where names have room, and all of them when pointed at", () => {
    const faults = [0, 10, 20, 5000, 9000].map((atMs) => ({ ...report.faults[0], atMs, fault: "partition" }));
    const slices = Array.from({ length: 100 }, (_, n) => ({ atMs: n * 100, reads: 1, writes: 1, failures: 0 }));
    const page = pageOf({ ...report, faults: faults as DrillReport["faults"], slices });
    expect(page.match(/middle">partition</g)).toHaveLength(3);
    expect(page.match(/<title>partition at /g)).toHaveLength(5);
  });

  it("is a table in the terminal", () => {
    expect(summaryOf(report)).toMatch(/kill +kv-0 +10 ms +300 ms +320 ms +330 ms/);
    expect(summaryOf({ ...report, broken: ["It broke."] })).toContain("BROKEN: It broke.");
  });
});

describe("what is missing after a fault", () => {
  const pod = (name: string, ready: "True" | "False", deletionTimestamp?: string): Pod => ({
    metadata: { name, deletionTimestamp },
    status: { conditions: [{ type: "Ready", status: ready }] },
  });

  it("counts a pod that is gone and not replaced yet", () => {
    expect(unready([pod("a", "True"), pod("b", "True")], 3)).toBe("1 of 3 pods to come back");
    expect(unready([pod("a", "True"), pod("b", "True")], 2)).toBeUndefined();
  });

  it("names one that is not ready, or on its way out", () => {
    expect(unready([pod("a", "True"), pod("b", "False")], 2)).toBe("b to be ready");
    expect(unready([pod("a", "True", "2026-01-01T00:00:00Z")], 1)).toBe("a to be ready");
  });
});
