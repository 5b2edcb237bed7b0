/**
 * The core under seeded faults. `SIM_SEEDS=2000 npx vitest run packages/lease-log/test/simulation.test.ts` runs more; `SIM_SEED=17` replays one.
 */
import { describe, expect, it } from "vitest";
import type { CoreDefect } from "../src/core/types.ts";
import { type RunResult, run } from "./sim/world.ts";

const COUNT = Number(process.env.SIM_SEEDS ?? 100);
const ONLY = process.env.SIM_SEED;
const seeds = ONLY === undefined ? Array.from({ length: COUNT }, (_, i) => i + 1) : [Number(ONLY)];

function expectKept(seed: number, { problems, faults }: RunResult, mode: string): void {
  const replay = `SIM_SEED=${seed} npx vitest run packages/lease-log/test/simulation.test.ts -t ${mode}`;
  expect(problems, `replay: ${replay}\n${faults.join("\n")}`).toEqual([]);
}

describe("the promises hold under faults", () => {
  it("sync", { timeout: 600_000 }, () => {
    let acknowledged = 0;
    let epochs = 0;
    for (const seed of seeds) {
      const result = run({ seed });
      expectKept(seed, result, "sync");
      acknowledged += result.acknowledged;
      epochs += result.epochs;
    }
    // The runs must have done something, or the checks say nothing.
    expect(acknowledged).toBeGreaterThan(seeds.length * 50);
    expect(epochs).toBeGreaterThan(seeds.length * 2);
  });

  it("async", { timeout: 600_000 }, () => {
    for (const seed of seeds.slice(0, Math.ceil(seeds.length / 4)))
      expectKept(seed, run({ seed, mode: "async" }), "async");
  });

  it("away", { timeout: 600_000 }, () => {
    for (const seed of seeds.slice(0, Math.ceil(seeds.length / 3))) {
      const result = run({ seed, isApiAway: true, faultyMs: 18_000 });
      expectKept(seed, result, "away");
      expect(result.unledMs, `seed ${seed}\n${result.faults.join("\n")}`).toBe(0);
    }
  });

  it("a run is the same each time", () => {
    expect(run({ seed: 5 })).toEqual(run({ seed: 5 }));
  });
});

describe("the simulation finds a core that is broken on purpose", () => {
  // With the seed to begin at: some defects need a rare course of events, and a search through what does not show them takes long.
  it.each<[CoreDefect, number]>([
    ["commit-without-waiting", 1],
    ["promote-anyone", 1],
    ["add-without-waiting", 1],
    ["lead-incomplete", 50],
    ["read-without-authority", 1],
    ["accept-older-epoch", 1],
  ])("%s", { timeout: 120_000 }, (defect, first) => {
    const found = Array.from({ length: 400 }, (_, i) => first + i).find(
      (seed) => run({ seed, defects: [defect] }).problems.length > 0,
    );
    expect(found, "a seed that breaks a promise").toBeDefined();
  });
});
