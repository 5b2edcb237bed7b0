/**
 * The token bucket, as one number.
 *
 * A bucket of N tokens that gains one every R ms is full again at some moment, and that moment says everything: each request moves it R
 * later, and one that would move it more than N * R ahead of now is refused (the "generic cell rate algorithm" of ATM networks). One
 * number needs no read-modify-write of several fields, and its time to live is part of it: past that moment the bucket is full, the same
 * as one never seen, so that no key can be left without an expiry.
 */
export interface Bucket {
  /** Tokens when full: the burst. */
  readonly capacity: number;
  /** A token comes back after so long. */
  readonly refillMs: number;
}

/** What a request found in one bucket. */
export interface Draw {
  readonly allowed: boolean;
  /** Whole tokens left, after this request's if it was allowed. */
  readonly remaining: number;
  /** Until there is one token more than `remaining`; 0 when the bucket is full. */
  readonly nextTokenMs: number;
  /** Until the bucket is full: its state, relative to now. */
  readonly fullInMs: number;
}

/** Whether a bucket that is full in `fullInMs` has a token to give. */
export const hasToken = ({ capacity, refillMs }: Bucket, fullInMs: number): boolean =>
  Math.max(0, fullInMs) + refillMs <= capacity * refillMs;

/** The state after a decision: `taken` says whether a token left. */
export function drawOf({ capacity, refillMs }: Bucket, fullInMs: number, taken: boolean, allowed: boolean): Draw {
  const full = Math.max(0, fullInMs) + (taken ? refillMs : 0);
  const missing = Math.ceil(full / refillMs);
  return {
    allowed,
    remaining: Math.max(0, capacity - missing),
    nextTokenMs: missing === 0 ? 0 : full - (missing - 1) * refillMs,
    fullInMs: full,
  };
}

/** One token from each bucket, or, when any has none, from none: a request refused by one limit is no use of another. */
export function drawAll(buckets: readonly Bucket[], fullInMs: readonly number[]): Draw[] {
  const has = buckets.map((bucket, index) => hasToken(bucket, fullInMs[index] ?? 0));
  const taken = has.every(Boolean);
  return buckets.map((bucket, index) => drawOf(bucket, fullInMs[index] ?? 0, taken, has[index] === true));
}
