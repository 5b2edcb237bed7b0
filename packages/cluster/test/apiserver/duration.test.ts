import { expect, it } from "vitest";
import { humanDuration, since } from "../../src/apiserver/table/duration.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

it.each([
  [-2 * second, "<invalid>"],
  [-second, "0s"],
  [0, "0s"],
  [119 * second, "119s"],
  [2 * minute, "2m"],
  [3 * minute + 7 * second, "3m7s"],
  [10 * minute + 7 * second, "10m"],
  [179 * minute, "179m"],
  [3 * hour, "3h"],
  [7 * hour + 59 * minute, "7h59m"],
  [8 * hour + 30 * minute, "8h"],
  [47 * hour, "47h"],
  [48 * hour, "2d"],
  [50 * hour, "2d2h"],
  [8 * day + hour, "8d"],
  [729 * day, "729d"],
  [730 * day, "2y"],
  [740 * day, "2y10d"],
  [10 * 365 * day, "10y"],
])("says %i ms as %s", (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

it("does not know the age of what has no time", () => {
  expect(since(undefined, 0)).toBe("<unknown>");
});
