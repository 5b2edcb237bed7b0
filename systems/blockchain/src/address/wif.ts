/** Private keys as text (wallet import format). */
import { decodeBase58check, encodeBase58check } from "./base58check.ts";
import { AddressError } from "./errors.ts";
import type { AddressPrefixes } from "./prefixes.ts";

const KEY_BYTES = 32;
/** Follows a key whose public key is used in its compressed form. */
const COMPRESSED = 1;

export interface WifKey {
  readonly privateKey: Buffer;
  readonly compressed: boolean;
}

export function encodeWif({ privateKey, compressed }: WifKey, prefixes: AddressPrefixes): string {
  const payload = compressed ? Buffer.concat([privateKey, Buffer.of(COMPRESSED)]) : privateKey;
  return encodeBase58check(prefixes.base58.secretKey, payload);
}

/** Throws `AddressError`, which never quotes the key. Whether the number is a valid key is for its user to check. */
export function decodeWif(text: string, prefixes: AddressPrefixes): WifKey {
  const { version, payload } = decodeBase58check(text);
  if (version !== prefixes.base58.secretKey) throw new AddressError("it is no private key of this network");
  const compressed = payload.length === KEY_BYTES + 1 && payload[KEY_BYTES] === COMPRESSED;
  if (payload.length !== KEY_BYTES && !compressed)
    throw new AddressError(`a private key has ${KEY_BYTES} bytes and at most a mark of compression`);
  return { privateKey: payload.subarray(0, KEY_BYTES), compressed };
}
