/** How signatures and public keys must be written, and how they are read when they needn't. */
import { scriptFlag } from "./flags.ts";
import type { ScriptResult } from "./script-error.ts";

export const sigHash = { default: 0, all: 1, none: 2, single: 3, anyoneCanPay: 0x80 } as const;

/** BIP 66: strict DER and one byte of hash type. */
export function isStrictDer(sig: Buffer): boolean {
  const size = sig.length;
  if (size < 9 || size > 73) return false;
  if (sig[0] !== 0x30 || sig[1] !== size - 3) return false;
  const sizeR = sig[3] as number;
  if (5 + sizeR >= size) return false;
  const sizeS = sig[5 + sizeR] as number;
  if (sizeR + sizeS + 7 !== size) return false;
  return isDerInteger(sig, 2, sizeR) && isDerInteger(sig, 4 + sizeR, sizeS);
}

/** A positive integer without a needless zero in front. */
function isDerInteger(sig: Buffer, at: number, size: number): boolean {
  const first = sig[at + 2] as number;
  if (sig[at] !== 0x02 || size === 0 || first & 0x80) return false;
  return !(size > 1 && first === 0 && !((sig[at + 3] as number) & 0x80));
}

const halfOrder = Buffer.from("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", "hex");
const order = Buffer.from("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "hex");
const orderNumber = BigInt(`0x${order.toString("hex")}`);

/** Whether the second half of a compact signature is above half the order of the curve. */
export const isHighS = (compact: Buffer): boolean => compact.compare(halfOrder, 0, 32, 32, 64) > 0;

/** The same signature with its lower S, as the library wants it; in place. */
export function lowerS(compact: Buffer): void {
  const s = BigInt(`0x${compact.toString("hex", 32, 64)}`);
  compact.write((orderNumber - s).toString(16).padStart(64, "0"), 32, "hex");
}

/**
 * Reads a signature, without its hash type, into 64 bytes. As lax as the first releases of Bitcoin were, since rules for encodings are
 * checked before and old ones are still part of the published tests: lengths may have any number of bytes, integers any number of zeros,
 * and what follows is ignored. Numbers of the curve's order and above become zero, which no key verifies.
 */
export function parseDerLax(sig: Buffer): Buffer | undefined {
  let at = 0;
  if (sig[at++] !== 0x30) return undefined;
  const outer = readLength(sig, at);
  if (outer === undefined) return undefined;
  at = outer.at;
  const compact = Buffer.alloc(64);
  for (const place of [0, 32]) {
    if (sig[at++] !== 0x02) return undefined;
    const length = readLength(sig, at);
    if (length === undefined || length.size > sig.length - length.at) return undefined;
    at = length.at + length.size;
    if (!putInteger(compact, place, sig.subarray(length.at, at))) return zeroSignature;
  }
  return compact;
}

/** What a signature with an overflow is read as; verification refuses it. */
const zeroSignature = Buffer.alloc(64);

interface Length {
  readonly size: number;
  readonly at: number;
}

/** A DER length; the outermost may be wrong, so it's not compared with what is left. */
function readLength(sig: Buffer, from: number): Length | undefined {
  const first = sig[from];
  if (first === undefined) return undefined;
  let at = from + 1;
  if (!(first & 0x80)) return { size: first, at };
  let width = first & 0x7f;
  if (width > sig.length - at) return undefined;
  while (width > 0 && sig[at] === 0) {
    at += 1;
    width -= 1;
  }
  if (width >= 4) return undefined;
  return { size: width === 0 ? 0 : sig.readUIntBE(at, width), at: at + width };
}

function putInteger(compact: Buffer, place: number, bytes: Buffer): boolean {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  if (digits.length > 32) return false;
  digits.copy(compact, place + 32 - digits.length);
  return compact.compare(order, 0, 32, place, place + 32) < 0;
}

const isDefinedHashType = (type: number): boolean => {
  const base = type & ~sigHash.anyoneCanPay;
  return base >= sigHash.all && base <= sigHash.single;
};

function hasLowS(sig: Buffer): boolean {
  const compact = parseDerLax(sig.subarray(0, -1));
  return compact === undefined || !isHighS(compact);
}

/** Checks a signature's encoding before segwit v1; an empty one is a valid way to fail. */
export function checkSignatureEncoding(sig: Buffer, flags: number): ScriptResult {
  if (sig.length === 0) return undefined;
  const strict = flags & (scriptFlag.DERSIG | scriptFlag.LOW_S | scriptFlag.STRICTENC);
  if (strict && !isStrictDer(sig)) return "SIG_DER";
  if (flags & scriptFlag.LOW_S && !hasLowS(sig)) return "SIG_HIGH_S";
  if (flags & scriptFlag.STRICTENC && !isDefinedHashType(sig.at(-1) as number)) return "SIG_HASHTYPE";
  return undefined;
}

const isCompressed = (key: Buffer): boolean => key.length === 33 && (key[0] === 2 || key[0] === 3);

const isUncompressed = (key: Buffer): boolean => key.length === 65 && key[0] === 4;

/** Checks a public key's encoding before segwit v1. */
export function checkKeyEncoding(key: Buffer, flags: number, isWitness: boolean): ScriptResult {
  if (flags & scriptFlag.STRICTENC && !isCompressed(key) && !isUncompressed(key)) return "PUBKEYTYPE";
  if (flags & scriptFlag.WITNESS_PUBKEYTYPE && isWitness && !isCompressed(key)) return "WITNESS_PUBKEYTYPE";
  return undefined;
}
