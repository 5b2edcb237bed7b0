import type { Clock } from "../../../src/machinery/types.ts";

/** A clock that stands still until a test moves it. */
export class SteppedClock implements Clock {
  #now: number;
  #timers: { readonly dueMs: number; readonly callback: () => void }[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now = () => this.#now;

  after = (ms: number, callback: () => void) => {
    const timer = { dueMs: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  };

  get pending(): number {
    return this.#timers.length;
  }

  /** Moves to the next timer within `ms` and fires it; returns the milliseconds that are left, or undefined when none was due. */
  step(ms: number): number | undefined {
    const end = this.#now + ms;
    const [next] = this.#timers.filter(({ dueMs }) => dueMs <= end).sort((a, b) => a.dueMs - b.dueMs);
    if (!next) {
      this.#now = end;
      return undefined;
    }
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#now = Math.max(this.#now, next.dueMs);
    next.callback();
    return end - this.#now;
  }
}
