/** The node's clock, which `setmocktime` can stop at a time of the tester's choosing. */
import { type PodClock, systemClock } from "@coracle/pod";

export interface NodeClock extends PodClock {
  /** Seconds since 1970; undefined: the real time again. */
  setMockTime(seconds: number | undefined): void;
}

export function nodeClock(): NodeClock {
  let mockMs: number | undefined;
  return {
    ...systemClock,
    wallMs: () => mockMs ?? systemClock.wallMs(),
    setMockTime(seconds) {
      mockMs = seconds === undefined ? undefined : seconds * 1000;
    },
  };
}
