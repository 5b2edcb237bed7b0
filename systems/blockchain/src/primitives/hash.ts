/** Bitcoin's hash functions, and hashes as text and as keys. */
import { createHash, hash } from "node:crypto";

export const sha256 = (bytes: Uint8Array): Buffer => hash("sha256", bytes, "buffer");

export const sha256d = (bytes: Uint8Array): Buffer => sha256(sha256(bytes));

export const sha1 = (bytes: Uint8Array): Buffer => hash("sha1", bytes, "buffer");

export const ripemd160 = (bytes: Uint8Array): Buffer => createHash("ripemd160").update(bytes).digest();

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
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

/** The bytes of a key of `hashKey`. */
export const hashFromKey = (key: string): Buffer => Buffer.from(key, "latin1");
