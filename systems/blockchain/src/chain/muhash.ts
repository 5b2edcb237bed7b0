/**
 * MuHash3072: the hash of a set whatever its order, as Bitcoin Core computes it over its coins. Each element is hashed to a number, and the
 * numbers are multiplied modulo a prime just below 2^3072.
 */
import { createCipheriv } from "node:crypto";
import { sha256 } from "../primitives/hash.ts";

const BYTES = 384;
const BITS = 3072n;
const BELOW = 1_103_717n;
export const muHashPrime: bigint = (1n << BITS) - BELOW;
const LOW = (1n << BITS) - 1n;

const zeros = Buffer.alloc(BYTES);
/** Counter and nonce; every element has a key of its own. */
const start = Buffer.alloc(16);

/** The number of an element: the key stream of ChaCha20 under its SHA-256. */
export const muHashElement = (bytes: Buffer): bigint =>
  numberOf(createCipheriv("chacha20", sha256(bytes), start).update(zeros));

/** 2^3072 is `BELOW` modulo the prime, so that what overflows is folded back instead of divided. */
export function muHashProduct(a: bigint, b: bigint): bigint {
  let product = a * b;
  while (product > LOW) product = (product & LOW) + (product >> BITS) * BELOW;
  return product;
}

/** Internal byte order. */
export function muHashDigest(product: bigint): Buffer {
  const hex = (product % muHashPrime).toString(16).padStart(2 * BYTES, "0");
  return sha256(Buffer.from(hex, "hex").reverse());
}

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
