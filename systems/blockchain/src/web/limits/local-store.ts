import { type Draw, drawAll } from "./bucket.ts";
import type { BucketStore, Claim } from "./types.ts";

const maxKeys = 50_000;

/** Buckets of this process. */
export interface LocalStore extends BucketStore {
  drawNow(claims: readonly Claim[]): Draw[];
  /** Takes over what another store said, so that a change of stores doesn't fill every bucket. */
  note(claims: readonly Claim[], draws: readonly Draw[]): void;
  readonly size: number;
}

/**
 * Full buckets are the same as unknown ones and are dropped. At the bound the longest unused go, the less full along with them: an attacker with
 * 50,000 addresses then gets fresh buckets, which is less harm than memory without bound or refusing everyone new.
 */
export function createLocalStore(now: () => number, limit: number = maxKeys): LocalStore {
  /** When each bucket is full; in the order of last use. */
  const fullAt = new Map<string, number>();

  const keep = (key: string, at: number, nowMs: number): void => {
    fullAt.delete(key);
    if (at <= nowMs) return;
    fullAt.set(key, at);
    if (fullAt.size <= limit) return;
    const [oldest] = fullAt.keys();
    if (oldest !== undefined) fullAt.delete(oldest);
  };
  const note: LocalStore["note"] = (claims, draws) => {
    const nowMs = now();
    for (const [index, { key }] of claims.entries()) keep(key, nowMs + (draws[index]?.fullInMs ?? 0), nowMs);
  };
  const drawNow = (claims: readonly Claim[]): Draw[] => {
    const nowMs = now();
    const draws = drawAll(
      claims.map(({ bucket }) => bucket),
      claims.map(({ key }) => (fullAt.get(key) ?? nowMs) - nowMs),
    );
    note(claims, draws);
    return draws;
  };
  return {
    drawNow,
    note,
    draw: async (claims) => drawNow(claims),
    get size() {
      return fullAt.size;
    },
  };
}
