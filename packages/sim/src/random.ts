/** Seeded randomness: xoshiro128** seeded by splitmix32 (Blackman and Vigna, 2018). The same seed gives the same run on every machine. */
export class Random {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    let mixed = seed >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    });
  }

  /** A whole number of 32 bits. */
  bits(): number {
    const s = this.#state as Uint32Array & { 0: number; 1: number; 2: number; 3: number };
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 11);
    return result;
  }

  /** 0 <= x < 1. */
  next(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** A whole number, 0 <= x < below. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** low <= x < high. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T;
  }

  /** Its own stream of numbers, so that one part's use does not shift another's. */
  fork(): Random {
    return new Random(this.bits());
  }
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
