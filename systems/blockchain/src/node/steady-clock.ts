/**
 * A wall clock that isn't believed when it leaps ahead. A miner whose clock is an hour ahead makes blocks that nobody takes for an hour, and works
 * on top of them even when its clock is right again. So time goes on by the monotonic clock from where it was, and the leap
 * is believed when a block that peers worked for is from then (the machine was suspended), or when it has lasted. Steps back are
 * believed at once: all they cost is that new blocks are taken later.
 *
 * A clock that is wrong when the node starts is not noticed.
 */
import type { PodClock } from "@coracle/pod";

/** What clocks are corrected by in passing. */
const LEAP_MS = 60_000;
const BELIEVED_AFTER_MS = 15 * 60_000;

export interface SteadyClock extends PodClock {
  /** Whether the leap that is held back, if any, makes this time one of at most `aheadMs` from now; if so it is believed from now on. */
  confirm(timeMs: number, aheadMs: number): boolean;
}

export function steadyClock(clock: PodClock): SteadyClock {
  let anchor = { wallMs: clock.wallMs(), atMs: clock.now() };
  /** By the monotonic clock, when the wall clock leapt. */
  let leaptAtMs: number | undefined;
  const believe = (wallMs: number): number => {
    anchor = { wallMs, atMs: clock.now() };
    leaptAtMs = undefined;
    return wallMs;
  };
  const wallMs = (): number => {
    const [shown, now] = [clock.wallMs(), clock.now()];
    const steady = anchor.wallMs + (now - anchor.atMs);
    if (shown - steady <= LEAP_MS) return believe(shown);
    leaptAtMs ??= now;
    return now - leaptAtMs < BELIEVED_AFTER_MS ? steady : believe(shown);
  };
  return {
    ...clock,
    wallMs,
    confirm(timeMs, aheadMs) {
      const isHeldBack = wallMs() < clock.wallMs() - LEAP_MS;
      if (!isHeldBack || timeMs > clock.wallMs() + aheadMs) return false;
      believe(clock.wallMs());
      return true;
    },
  };
}
