import type { PodClock } from "../src/clock.ts";

export interface ManualClock extends PodClock {
  /** Runs what is due on the way, each at its time. */
  advance(ms: number): void;
  /** Time passes and nothing runs: a stopped process. */
  jump(ms: number): void;
  readonly pending: number;
}

export function manualClock(): ManualClock {
  let now = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  const runNext = (until: number): boolean => {
    const next = timers.reduce((first, timer) => (first && first.at <= timer.at ? first : timer), timers[0]);
    if (!next || next.at > until) return false;
    timers = timers.filter((timer) => timer !== next);
    now = Math.max(now, next.at);
    next.callback();
    return true;
  };
  return {
    now: () => now,
    wallMs: () => 1_700_000_000_000 + now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const until = now + ms;
      while (runNext(until));
      now = until;
    },
    jump(ms) {
      now += ms;
    },
    get pending() {
      return timers.length;
    },
  };
}
