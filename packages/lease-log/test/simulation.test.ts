/**
 * The core under seeded faults. `SIM_SEEDS=50000 npx vitest run packages/lease-log/test/simulation.test.ts` runs more, from `SIM_FROM` on;
 * `SIM_SEED=17` replays one.
 */
import { describe, expect, it } from "vitest";
import type { CoreDefect } from "../src/core/types.ts";
import { LONG, type RunOptions, run, SHORT } from "./sim/world.ts";

const COUNT = Number(process.env.SIM_SEEDS ?? 2000);
const FROM = Number(process.env.SIM_FROM ?? 1);
const ONLY = process.env.SIM_SEED;

interface Kind {
  readonly name: string;
  /** Of so many seeds, one: a long run costs as much as twenty short ones. */
  readonly oneIn: number;
  readonly options: Omit<RunOptions, "seed">;
  /** What a run does, on average, at least: or the checks say nothing. */
  readonly does: {
    readonly acknowledged: number;
    readonly reads: number;
    readonly epochs: number;
    readonly crashes: number;
  };
}

const KINDS: readonly Kind[] = [
  { name: "short", oneIn: 1, options: { pace: SHORT }, does: { acknowledged: 5, reads: 4, epochs: 2, crashes: 2 } },
  { name: "long", oneIn: 40, options: {}, does: { acknowledged: 200, reads: 100, epochs: 3, crashes: 2 } },
  {
    name: "async",
    oneIn: 100,
    options: { mode: "async" },
    does: { acknowledged: 200, reads: 100, epochs: 3, crashes: 2 },
  },
  {
    name: "away",
    oneIn: 80,
    options: { isApiAway: true, pace: { ...LONG, faultyMs: 18_000 } },
    does: { acknowledged: 200, reads: 100, epochs: 1, crashes: 0 },
  },
];

describe("the promises hold under faults", () => {
  it.each(KINDS)("$name", { timeout: 3_600_000 }, ({ name, oneIn, options, does }) => {
    const sum = { acknowledged: 0, reads: 0, epochs: 0, crashes: 0 };
    const count = ONLY === undefined ? Math.ceil(COUNT / oneIn) : 1;
    for (let seed = Number(ONLY ?? FROM), end = seed + count; seed < end; seed++) {
      const result = run({ seed, ...options });
      const replay = `SIM_SEED=${seed} npx vitest run packages/lease-log/test/simulation.test.ts -t ${name}`;
      const shown = `replay: ${replay}\n${result.faults.join("\n")}`;
      expect(result.problems, shown).toEqual([]);
      if (options.isApiAway) expect(result.unledMs, shown).toBe(0);
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result[key];
    }
    if (ONLY !== undefined) return;
    for (const key of Object.keys(sum) as (keyof typeof sum)[])
      expect(sum[key] / count, key).toBeGreaterThanOrEqual(does[key]);
  });

  it("a run is the same each time", () => {
    expect(run({ seed: 5 })).toEqual(run({ seed: 5 }));
  });
});

describe("the simulation finds a core that is broken on purpose", () => {
  it.each<CoreDefect>([
    "commit-without-waiting",
    "promote-anyone",
    "add-without-waiting",
    "lead-incomplete",
    "read-without-authority",
    "accept-older-epoch",
  ])("%s", { timeout: 120_000 }, (defect) => {
    const found = Array.from({ length: 2000 }, (_, i) => 1 + i).find(
      (seed) => run({ seed, pace: SHORT, defects: [defect] }).problems.length > 0,
    );
    expect(found, "a seed that breaks a promise").toBeDefined();
  });
});
