/** The node's clock, which `setmocktime` can stop at a time of the tester's choosing. */
import { systemClock } from "@coracle/pod";
import { type SteadyClock, steadyClock } from "./steady-clock.ts";

export interface NodeClock extends SteadyClock {
  /** Seconds since 1970; undefined: the real time again. */
  setMockTime(seconds: number | undefined): void;
}

export function nodeClock(): NodeClock {
  const steady = steadyClock(systemClock);
  let mockMs: number | undefined;
  return {
    ...steady,
    wallMs: () => mockMs ?? steady.wallMs(),
    setMockTime(seconds) {
      mockMs = seconds === undefined ? undefined : seconds * 1000;
    },
  };
}
