/** Keys and values of a drill. The checker's work grows with the operations on one key, so shared keys are used for a while and then left. */
import type { Random } from "@coracle/sim";
import type { Names } from "./plugin.ts";

const SHARED_KEYS = 16;
/** Operations on shared keys after which new ones begin. */
const GENERATION = 2000;

export function createNames(prefix: string, random: Random): Names {
  let shared = 0;
  let fresh = 0;
  let values = 0;
  return {
    shared: () => `${prefix}:g${Math.floor(shared++ / GENERATION)}:k${random.int(SHARED_KEYS)}`,
    fresh: () => `${prefix}:n${fresh++}`,
    value: () => `v${values++}`,
  };
}
