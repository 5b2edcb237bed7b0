/** Targets, their compact form, and the work that they stand for. */

const bits256 = 1n << 256n;

/** The target of its compact form; undefined when it is negative, zero or beyond 256 bits: no proof of work can meet such a one. */
export function targetOf(bits: number): bigint | undefined {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x7fffff);
  if (bits & 0x800000) return undefined;
  const target = exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
  return target === 0n || target >= bits256 ? undefined : target;
}

/** The compact form of a target: its highest 23 bits and its length in bytes; what is below is lost. */
export function bitsOf(target: bigint): number {
  let size = Math.ceil(target.toString(16).length / 2);
  let mantissa = Number(size <= 3 ? target << BigInt(8 * (3 - size)) : target >> BigInt(8 * (size - 3)));
  if (mantissa & 0x800000) {
    // The highest bit is the sign.
    mantissa >>>= 8;
    size += 1;
  }
  return ((size << 24) | mantissa) >>> 0;
}

/** How many hashes a target takes on average; 0 for one that cannot be met. */
export function workOf(bits: number): bigint {
  const target = targetOf(bits);
  return target === undefined ? 0n : bits256 / (target + 1n);
}

/** How many times harder than the easiest target of Bitcoin's main network: `difficulty` in JSON-RPC, to the same digits. */
export const difficultyOf = (bits: number): number => (0xffff / (bits & 0xffffff)) * 2 ** (8 * (29 - (bits >>> 24)));

/** The number that a hash in internal byte order stands for. */
export const hashNumber = (hash: Buffer): bigint => BigInt(`0x${Buffer.from(hash).reverse().toString("hex")}`);

/** Whether a block's hash proves the work that its header claims, which must be that of `limitBits` at least. */
export function meetsTarget(hash: Buffer, bits: number, limitBits: number): boolean {
  const target = targetOf(bits);
  return target !== undefined && target <= (targetOf(limitBits) as bigint) && hashNumber(hash) <= target;
}
