import type { Operation } from "@coracle/sim";
import { type RegisterInput, registerModel } from "@coracle/sim";
import { describe, expect, it } from "vitest";
import { READER } from "../src/load.ts";
import { judge, longestGap, percentile } from "../src/verdict.ts";

type Op = Operation<RegisterInput, string | undefined>;

const write = (key: string, value: string, calledAt: number, returnedAt: number): Op => ({
  client: "c0",
  key,
  input: { type: "write", value },
  calledAt,
  returnedAt,
  output: Number.isFinite(returnedAt) ? "ok" : undefined,
});
const read = (key: string, output: string | undefined, calledAt: number, client = "c1"): Op => ({
  client,
  key,
  input: { type: "read" },
  calledAt,
  returnedAt: calledAt + 1,
  output,
});
const last = (key: string, output: string | undefined): Op => read(key, output, 1000, READER);

describe("the verdict", () => {
  it("is good for what a register may do, whatever became of a write without an answer", () => {
    const history = [
      write("a", "1", 0, 1),
      last("a", "1"),
      write("b", "1", 0, Number.POSITIVE_INFINITY),
      last("b", undefined),
    ];
    expect(judge(history, registerModel)).toEqual({ lost: [], isLinearizable: true, badHistory: [] });
  });

  it("counts a key whose acknowledged write is not there in the end as lost", () => {
    const history = [
      write("a", "1", 0, 1),
      last("a", undefined),
      write("b", "1", 0, 1),
      write("b", "2", 2, 3),
      last("b", "1"),
    ];
    const verdict = judge(history, registerModel);
    expect(verdict.lost).toEqual(["a", "b"]);
    expect(verdict.isLinearizable).toBe(false);
  });

  it("tells a stale read from a loss, and shows the shortest history", () => {
    const history = [
      write("a", "1", 0, 1),
      write("a", "2", 2, 3),
      read("a", "1", 4),
      last("a", "2"),
      write("b", "1", 0, 1),
      read("b", undefined, 2),
      last("b", "1"),
    ];
    const verdict = judge(history, registerModel);
    expect(verdict.lost).toEqual([]);
    expect(verdict.badHistory.map(({ key }) => key)).toEqual(["b", "b"]);
  });
});

it.each([
  [[10, 20, 500, 510], 100, 550, 480],
  [[10, 20, 500, 510], 505, 2000, 1490],
  [[10, 20, 500, 510], 0, 15, 10],
  [[], 100, 400, 400],
])("the longest time without a write in %j from %i to %i is %i", (times, from, to, gap) => {
  expect(longestGap(times, from, to)).toBe(gap);
});

it("takes percentiles by the nearest rank", () => {
  const values = Array.from({ length: 20 }, (_, n) => n + 1);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile([], 0.5)]).toEqual([10, 20, 0]);
});
