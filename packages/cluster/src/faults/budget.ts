/** How often a fault strikes. */
import { integer, number } from "./parameter.ts";

export const budgetParameters = {
  count: integer("strike this often at most (default: always)", { min: 1, max: 1_000_000 }),
  probability: number("strike with this probability (default 1)", { min: 0, max: 1 }),
  seed: integer("makes `probability` strike the same calls again (default 1)", { min: 0, max: 0xffff_ffff }),
};

export interface Budget {
  readonly count?: number | undefined;
  readonly probability?: number | undefined;
  readonly seed?: number | undefined;
}

/** A function that says, for one occasion after the other, whether the fault strikes. */
export function striker({ count = Number.POSITIVE_INFINITY, probability = 1, seed = 1 }: Budget): () => boolean {
  const random = generator(seed);
  let left = count;
  return () => {
    if (left <= 0 || random() >= probability) return false;
    left--;
    return true;
  };
}

/** Mulberry32: uniform in [0, 1), the same sequence for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
