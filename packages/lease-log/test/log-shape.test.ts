import fc from "fast-check";
import { expect, it } from "vitest";
import { LogIndex } from "../src/core/log-shape.ts";

const ZERO = { epoch: 0, index: 0 };
const empty = () => new LogIndex({ base: ZERO, runs: [], last: 0 });

/** Epochs of entries 1.. as a log would have them: never falling. */
const epochs = fc.array(fc.nat(2), { maxLength: 30 }).map((steps) => {
  let epoch = 1;
  return steps.map((step) => {
    epoch += step;
    return epoch;
  });
});

function logOf(list: readonly number[]): LogIndex {
  const log = empty();
  for (const epoch of list) log.append(epoch, 1);
  return log;
}

it("knows the epoch of each entry through appends, truncations and compactions", () => {
  fc.assert(
    fc.property(epochs, fc.nat(30), fc.nat(30), (list, cut, drop) => {
      const last = Math.min(cut, list.length);
      const base = Math.min(drop, last);
      const log = logOf(list);
      log.truncateAfter(last);
      log.compactTo({ epoch: list[base - 1] ?? 0, index: base });
      for (let index = base; index <= last; index++) expect(log.epochAt(index)).toBe(list[index - 1] ?? 0);
      expect(log.epochAt(last + 1)).toBeUndefined();
      if (base > 0) expect(log.epochAt(base - 1)).toBeUndefined();
      const counts = log.counts(base, last).flatMap(({ epoch, count }) => new Array<number>(count).fill(epoch));
      expect(counts).toEqual(list.slice(base, last));
    }),
  );
});

it("finds the common prefix of two logs that share a history", () => {
  fc.assert(
    fc.property(epochs, epochs, epochs, fc.nat(30), (shared, mine, theirs, drop) => {
      const end = shared.at(-1) ?? 0;
      // Each epoch has one writer, so beyond the shared part the two have no epoch in common.
      const a = [...shared, ...mine.map((epoch) => end + epoch * 2)];
      const b = [...shared, ...theirs.map((epoch) => end + epoch * 2 + 1)];
      const other = logOf(b);
      const base = Math.min(drop, b.length);
      other.compactTo({ epoch: b[base - 1] ?? 0, index: base });
      const expected = base <= shared.length ? shared.length : undefined;
      expect(logOf(a).commonPrefix(other.shape())).toBe(expected);
    }),
  );
});
