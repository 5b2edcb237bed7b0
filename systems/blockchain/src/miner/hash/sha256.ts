/**
 * The compression function of SHA-256 (FIPS 180-4) in plain numbers. Only mining needs its inside: the state after a header's first 64 bytes
 * is the same for all nonces, so it is computed once here and the kernel starts from it. Everything else hashes with node:crypto.
 */

export const INITIAL_STATE: readonly number[] = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
export const ROUND_CONSTANTS: readonly number[] = firstPrimes(64).map((prime) => fractionOfCubeRoot(prime));

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** Exact: floor(cbrt(n) * 2^32) by integer bisection, for a float's 53 bits are too few to trust the last one. */
function fractionOfCubeRoot(n: number): number {
  const scaled = BigInt(n) << 96n;
  let low = 0n;
  let high = 1n << 36n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** 3n <= scaled) low = middle;
    else high = middle;
  }
  return Number(low & 0xffff_ffffn);
}

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));
export const smallSigma0 = (x: number): number => rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
export const smallSigma1 = (x: number): number => rotate(x, 17) ^ rotate(x, 19) ^ (x >>> 10);

/** The eight working variables after `rounds` rounds over the message `words`, from `state`; without the final addition. */
export function runRounds(state: readonly number[], words: readonly number[], rounds: number): number[] {
  const w = [...words];
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let t = 0; t < rounds; t++) {
    if (t >= 16) w[t] = (smallSigma1(w[t - 2]!) + w[t - 7]! + smallSigma0(w[t - 15]!) + w[t - 16]!) | 0;
    const big1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + big1 + (g ^ (e & (f ^ g))) + ROUND_CONSTANTS[t]! + w[t]!) | 0;
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)))) | 0;
    [a, b, c, d, e, f, g, h] = [(t1 + t2) | 0, a, b, c, (d + t1) | 0, e, f, g];
  }
  return [a, b, c, d, e, f, g, h];
}

/** The state after one more 64-byte chunk. */
export const compress = (state: readonly number[], words: readonly number[]): number[] =>
  runRounds(state, words, 64).map((word, i) => (word + state[i]!) | 0);

/** Big-endian words of a chunk. */
export const wordsOf = (bytes: Buffer, offset: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => bytes.readInt32BE(offset + 4 * i));
