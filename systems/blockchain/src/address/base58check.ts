/** Base58 with a version byte and a four-byte checksum. */
import { createHash } from "node:crypto";
import { createBase58check } from "@scure/base";
import { AddressError } from "./errors.ts";

const coder = createBase58check((bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest()));
/** Decoding is quadratic, and the longest thing written so (an extended key) has 111 characters. */
const LONGEST = 120;

export const encodeBase58check = (version: number, payload: Uint8Array): string =>
  coder.encode(Buffer.concat([Buffer.of(version), payload]));

/** Throws `AddressError` unless the text has a valid checksum and at least a version byte. */
export function decodeBase58check(text: string): { readonly version: number; readonly payload: Buffer } {
  if (text.length > LONGEST) throw new AddressError("it is too long for a base58 address or key");
  const bytes = decode(text);
  if (bytes.length === 0) throw new AddressError("it holds no data");
  return { version: bytes[0]!, payload: bytes.subarray(1) };
}

function decode(text: string): Buffer {
  try {
    return Buffer.from(coder.decode(text));
  } catch {
    // The library's message quotes the text, which may be a private key.
    throw new AddressError("it is not base58 with a valid checksum: a character is wrong or missing");
  }
}
