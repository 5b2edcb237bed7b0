/** Signatures as they stand in transactions. */
import { randomBytes } from "node:crypto";
import { pointFromScalar, sign, signSchnorr } from "tiny-secp256k1";
import { sigHash } from "../../script/signature-encoding.ts";

/**
 * ECDSA over a 32-byte hash, DER-encoded with the sighash byte: deterministic (RFC 6979) with low S, and R below 2^255 so that it has
 * always at most 71 bytes and fees can be foretold. The counter enters the nonce as in Bitcoin Core, so equal keys and hashes give equal
 * signatures there and here.
 */
export function signEcdsa(hash: Uint8Array, privateKey: Uint8Array, sighashType: number): Buffer {
  let signature = sign(hash, privateKey);
  // Every try succeeds with one half.
  for (let counter = 1; signature[0]! >= 0x80; counter++) {
    const extra = Buffer.alloc(32);
    extra.writeUInt32LE(counter);
    signature = sign(hash, privateKey, extra);
  }
  return encodedWith(signature, sighashType);
}

/** As `signEcdsa`, by RFC 6979 alone: R may need a byte more. */
export const signEcdsaPlainly: typeof signEcdsa = (hash, privateKey, sighashType) =>
  encodedWith(sign(hash, privateKey), sighashType);

const encodedWith = (signature: Uint8Array, sighashType: number): Buffer =>
  Buffer.concat([derOf(signature), Buffer.of(sighashType)]);

/** BIP 340 with fresh auxiliary randomness; the sighash byte is left out when it is the default. */
export function signTaproot(hash: Uint8Array, privateKey: Uint8Array, sighashType: number): Buffer {
  const signature = Buffer.from(signSchnorr(hash, privateKey, randomBytes(32)));
  return sighashType === sigHash.default ? signature : Buffer.concat([signature, Buffer.of(sighashType)]);
}

/** The compressed public key of a private one in range. */
export const publicKeyOf = (privateKey: Uint8Array, compressed = true): Buffer =>
  Buffer.from(pointFromScalar(privateKey, compressed)!);

function derOf(compact: Uint8Array): Buffer {
  const [r, s] = [integerOf(compact.subarray(0, 32)), integerOf(compact.subarray(32, 64))];
  return Buffer.concat([Buffer.of(0x30, r.length + s.length), r, s]);
}

/** A DER integer: no leading zeros but the one that keeps it positive. */
function integerOf(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const value = bytes.subarray(first < 0 ? bytes.length - 1 : first);
  const padding = value[0]! >= 0x80 ? [0] : [];
  return Buffer.concat([Buffer.of(2, value.length + padding.length, ...padding), value]);
}
