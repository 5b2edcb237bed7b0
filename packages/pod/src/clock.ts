/** Time as a pod sees it. Durations come from `now`, which never jumps; `wallMs` is only ever written into records for people to read. */
export interface PodClock {
  /** Monotonic milliseconds from an arbitrary origin. */
  now(): number;
  /** Milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Calls back once after `ms` (at the earliest); returns the cancel function. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: PodClock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
