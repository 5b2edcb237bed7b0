import { describe, expect, it } from "vitest";
import { checkLinearizable, type Operation, Random, type RegisterInput, registerModel } from "../src/index.ts";

type Op = Operation<RegisterInput, string | undefined>;

const write = (value: string, calledAt: number, returnedAt: number, key = "x"): Op => ({
  client: "c",
  key,
  input: { type: "write", value },
  calledAt,
  returnedAt,
  output: Number.isFinite(returnedAt) ? "ok" : undefined,
});
const read = (output: string | undefined, calledAt: number, returnedAt: number, key = "x"): Op => ({
  client: "c",
  key,
  input: { type: "read" },
  calledAt,
  returnedAt,
  output,
});
const check = (history: readonly Op[]) => checkLinearizable(history, registerModel);

describe("histories known to be good", () => {
  it.each<[string, Op[]]>([
    ["empty", []],
    ["in sequence", [write("1", 0, 1), read("1", 2, 3)]],
    ["a read that overlaps a write sees either", [write("1", 0, 10), read(undefined, 1, 2), read("1", 3, 4)]],
    ["a write that never returned took effect", [write("1", 0, Infinity), read("1", 5, 6)]],
    [
      "a write that never returned took no effect",
      [write("1", 0, Infinity), read(undefined, 5, 6), read(undefined, 7, 8)],
    ],
    [
      "a write that never returned took effect late",
      [write("1", 0, Infinity), write("2", 1, 2), read("2", 3, 4), read("1", 5, 6)],
    ],
    ["keys are apart", [write("1", 0, 1, "x"), read(undefined, 2, 3, "y")]],
    [
      "two writes at once, in the order that reads show",
      [write("1", 0, 10), write("2", 0, 10), read("2", 11, 12), read("2", 13, 14)],
    ],
  ])("%s", (_, history) => {
    expect(check(history).isLinearizable).toBe(true);
  });
});

describe("histories known to be bad", () => {
  it.each<[string, Op[]]>([
    ["a lost write", [write("1", 0, 1), read(undefined, 2, 3)]],
    ["a stale read", [write("1", 0, 1), write("2", 2, 3), read("1", 4, 5)]],
    ["a value from nowhere", [read("9", 0, 1)]],
    ["back in time", [write("1", 0, 10), read("1", 1, 2), read(undefined, 3, 4)]],
    ["two orders of the same two writes", [write("1", 0, 5), write("2", 0, 5), read("1", 6, 7), read("2", 8, 9)]],
    ["a lost write comes back", [write("1", 0, Infinity), write("2", 1, 2), read("1", 3, 4), read("2", 5, 6)]],
  ])("%s", (_, history) => {
    expect(check(history).isLinearizable).toBe(false);
  });

  it("are told by their shortest beginning", () => {
    const history = [
      write("1", 0, 1),
      read(undefined, 2, 3),
      ...Array.from({ length: 20 }, (_, i) => write(`w${i}`, 10 + i, 10.5 + i)),
    ];
    const verdict = check(history);
    expect(verdict).toMatchObject({ isLinearizable: false, key: "x", operations: [{ calledAt: 0 }, { calledAt: 2 }] });
  });
});

/** Runs operations against a real register at random points within their intervals: linearizable by construction. */
function randomHistory(random: Random, count: number): Op[] {
  let value: string | undefined;
  const operations = Array.from({ length: count }, (_, i) => {
    const effectAt = i * 10;
    const calledAt = effectAt - random.between(0, 60);
    const returnedAt = effectAt + random.between(0, 60);
    if (random.chance(0.5)) return read(value, calledAt, returnedAt);
    value = `v${i}`;
    return write(value, calledAt, random.chance(0.1) ? Infinity : returnedAt);
  });
  return operations;
}

it("accepts what a real register did, and rejects it once a read is altered", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const history = randomHistory(new Random(seed), 60);
    expect(check(history).isLinearizable, `seed ${seed}`).toBe(true);
    const altered = history.map((op, i) =>
      i === history.findLastIndex((o) => o.input.type === "read") ? { ...op, output: "never" } : op,
    );
    expect(check(altered).isLinearizable, `seed ${seed}`).toBe(false);
  }
});
