/** Two clocks: one that never jumps, for waiting, and the one on the wall, for what people and other nodes see. */
export interface NetClock {
  /** Milliseconds from an arbitrary start. */
  now(): number;
  /** Milliseconds since 1970. */
  wall(): number;
}

export const systemNetClock: NetClock = { now: () => performance.now(), wall: () => Date.now() };
