/** Leaps of the wall clock: what a node takes for the time. */
import { beforeEach, describe, expect, it } from "vitest";
import { steadyClock } from "../../src/node/steady-clock.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const START = 1_700_000_000_000;

let wall: number;
let monotonic: number;
const pass = (ms: number): void => {
  wall += ms;
  monotonic += ms;
};
const clock = { now: () => monotonic, wallMs: () => wall, after: () => () => undefined };
beforeEach(() => {
  [wall, monotonic] = [START, 5];
});

describe("a steady clock", () => {
  it("goes on from where it was while the wall clock is an hour ahead, and agrees with it again afterwards", () => {
    const steady = steadyClock(clock);
    wall += HOUR;
    pass(10_000);
    expect(steady.wallMs()).toBe(START + 10_000);
    wall -= HOUR;
    pass(10_000);
    expect(steady.wallMs()).toBe(START + 20_000);
  });

  it("follows small corrections and steps back", () => {
    const steady = steadyClock(clock);
    wall += MINUTE;
    expect(steady.wallMs()).toBe(START + MINUTE);
    wall -= HOUR;
    expect(steady.wallMs()).toBe(START + MINUTE - HOUR);
    // Back from there is a leap like any other.
    wall += HOUR;
    expect(steady.wallMs()).toBe(START + MINUTE - HOUR);
  });

  it("believes a leap that a block confirms, and none that is too far even then", () => {
    const steady = steadyClock(clock);
    wall += HOUR;
    expect(steady.confirm(START + HOUR + 3 * MINUTE, 2 * MINUTE)).toBe(false);
    expect(steady.wallMs()).toBe(START);
    expect(steady.confirm(START + HOUR, 2 * MINUTE)).toBe(true);
    expect(steady.wallMs()).toBe(START + HOUR);
    expect(steady.confirm(START + 2 * HOUR, 2 * MINUTE)).toBe(false);
  });

  it("believes a leap that has lasted for a quarter of an hour", () => {
    const steady = steadyClock(clock);
    wall += HOUR;
    steady.wallMs();
    pass(15 * MINUTE - 1);
    expect(steady.wallMs()).toBe(START + 15 * MINUTE - 1);
    pass(1);
    expect(steady.wallMs()).toBe(START + HOUR + 15 * MINUTE);
  });
});
