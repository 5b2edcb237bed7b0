/** Bitcoin's hash functions, and hashes as text and as keys. */
import { hash } from "node:crypto";

/**
 * OpenSSL by way of a string of one character per byte takes half as long as straight into a buffer, which Node allocates anew each time;
 * JavaScript's own fastest takes three times as long, and WebAssembly twice, for want of the processor's instructions. What is returned lies in memory that small buffers share: who keeps one of a
 * thousand for long copies it.
 */
const digest = (algorithm: string, bytes: Uint8Array): Buffer =>
  Buffer.from(hash(algorithm, bytes, "binary"), "latin1");

export const sha256 = (bytes: Uint8Array): Buffer => digest("sha256", bytes);

const inner = Buffer.alloc(32);

export function sha256d(bytes: Uint8Array): Buffer {
  inner.write(hash("sha256", bytes, "binary"), "latin1");
  return digest("sha256", inner);
}

export const sha1 = (bytes: Uint8Array): Buffer => digest("sha1", bytes);

export const ripemd160 = (bytes: Uint8Array): Buffer => digest("ripemd160", bytes);

/** RIPEMD-160 of SHA-256, as in addresses. */
export const hash160 = (bytes: Uint8Array): Buffer => ripemd160(sha256(bytes));

const tagPrefixes = new Map<string, Buffer>();

function tagPrefix(tag: string): Buffer {
  let prefix = tagPrefixes.get(tag);
  if (prefix === undefined) {
    const hashed = sha256(Buffer.from(tag, "utf8"));
    prefix = Buffer.concat([hashed, hashed]);
    tagPrefixes.set(tag, prefix);
  }
  return prefix;
}

/** BIP 340's tagged hash; `tag` is one of a few constants, never input from outside. */
export const taggedHash = (tag: string, ...parts: readonly Uint8Array[]): Buffer =>
  sha256(Buffer.concat([tagPrefix(tag), ...parts]));

/** 32 zero bytes: the parent of genesis, the transaction that a coinbase spends. */
export const zeroHash: Buffer = Buffer.alloc(32);

/** A hash as people and JSON-RPC see it: hexadecimal with the bytes reversed. */
export const hashText = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString("hex");

/** The bytes of a hash as people write it; undefined when it isn't 64 hexadecimal digits. */
export const hashFromText = (text: string): Buffer | undefined =>
  /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, "hex").reverse() : undefined;

/** A hash as a key of maps: one character per byte, in internal order, not for people. */
export const hashKey = (bytes: Uint8Array): string =>
  (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString("latin1");

/** The bytes of a key of `hashKey`. */
export const hashFromKey = (key: string): Buffer => Buffer.from(key, "latin1");
