import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { watchLag } from "../../src/election/lag.ts";
import { microTime, parseMicroTime } from "../../src/election/micro-time.ts";
import { LiveTerm } from "../../src/election/term.ts";
import { electionTimingFromEnv, resolveTiming } from "../../src/election/timing.ts";
import type { ElectionTiming } from "../../src/election/types.ts";
import { manualClock } from "../manual-clock.ts";

describe("MicroTime", () => {
  test("has exactly six digits and reads back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e15 }), (micros) => {
        expect(microTime(micros)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(parseMicroTime(microTime(micros))).toBe(micros);
      }),
    );
  });

  test.each([
    ["2023-11-14T22:13:20Z", 1_700_000_000_000_000],
    ["2023-11-14T23:13:20.5+01:00", 1_700_000_000_500_000],
    ["yesterday", undefined],
    [undefined, undefined],
  ])("reads %s", (text, micros) => expect(parseMicroTime(text)).toBe(micros));
});

describe("timing", () => {
  test("comes from LEASE_TTL_SECONDS in client-go's proportions", () => {
    expect(electionTimingFromEnv({})).toEqual({
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
    });
    expect(electionTimingFromEnv({ LEASE_TTL_SECONDS: "3" }).leaseDurationMs).toBe(3_000);
    const partly: Partial<ElectionTiming> = Object.assign({}, { leaseDurationMs: 3_000, retryPeriodMs: undefined });
    expect(resolveTiming(partly)).toEqual({ leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 });
    expect(() => electionTimingFromEnv({ LEASE_TTL_SECONDS: "soon" })).toThrow(/LEASE_TTL_SECONDS/);
  });

  test.each([
    [{ leaseDurationMs: 10_000, renewDeadlineMs: 9_000 }, /fifth/],
    [{ leaseDurationMs: 10_000, retryPeriodMs: 5_000 }, /two retries/],
    [{ leaseDurationMs: 500 }, /one second/],
  ])("refuses %j", (timing, message) => expect(() => resolveTiming(timing)).toThrow(message));
});

describe("a term", () => {
  test("ends by its timer at the deadline, once", () => {
    const clock = manualClock();
    const reasons: string[] = [];
    const term = new LiveTerm(4, 100, clock, (reason) => reasons.push(reason));
    clock.advance(60);
    term.extend(150);
    clock.advance(60);
    expect([term.isValid(), term.remainingMs()]).toEqual([true, 30]);
    clock.advance(30);
    expect(term.signal.aborted).toBe(true);
    expect(term.signal.reason).toMatchObject({ code: "not-leader" });
    expect(reasons).toHaveLength(1);
  });

  test("is over at the first look after its process was stopped, before any timer runs", () => {
    const clock = manualClock();
    const term = new LiveTerm(4, 100, clock, () => undefined);
    clock.jump(5000);
    expect(term.isValid()).toBe(false);
    expect(term.signal.aborted).toBe(true);
    term.extend(10_000);
    expect([term.isValid(), term.remainingMs()]).toEqual([false, 0]);
  });
});

test("lag is reported when timers run late, not when they run in time", () => {
  const clock = manualClock();
  const lags: number[] = [];
  const stop = watchLag(clock, { everyMs: 100, warnMs: 50 }, (lagMs) => lags.push(lagMs));
  clock.advance(1000);
  expect(lags).toEqual([]);
  clock.jump(300);
  clock.advance(0);
  expect(lags).toEqual([200]);
  stop();
  expect(clock.pending).toBe(0);
});
