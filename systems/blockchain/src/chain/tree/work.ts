/** How much work a header stands for: the hashes that its target takes on average. */

/** The target of its compact form; undefined when it is negative, zero or beyond 256 bits. */
export function targetOf(bits: number): bigint | undefined {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x7fffff);
  if (bits & 0x800000 || mantissa === 0n) return undefined;
  const target = exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
  return target === 0n || target >> 256n !== 0n ? undefined : target;
}

export function workOf(bits: number): bigint {
  const target = targetOf(bits);
  return target === undefined ? 0n : (1n << 256n) / (target + 1n);
}
