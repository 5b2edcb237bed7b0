/**
 * Verifying signatures, by libsecp256k1. Its native binding (`secp256k1`, with binaries inside its npm package) verifies four times as
 * many signatures a second as the WebAssembly build of the same library (`tiny-secp256k1`), which serves where there is no binary:
 * linux on other processors than x64, for one. Figures are in bench/results/blockchain-verify.md.
 *
 * The binding has no BIP 340. But its recovery of a public key computes q = r⁻¹·(s·R − z·G) for the point R whose x is r, by any values
 * we like. With R the even point of the public key's x, s = −e·x and z = −s'·x (s' and e the signature's scalar and challenge), that is
 * s'·G − e·P: just the point that a BIP 340 signature commits to, at the price of one ECDSA verification.
 */
import { createRequire } from "node:module";
import * as wasm from "tiny-secp256k1";
import { sha256 } from "../primitives/hash.ts";
import { isHighS, lowerS } from "./signature-encoding.ts";

interface NativeBinding {
  ecdsaVerify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean;
  ecdsaRecover(
    signature: Uint8Array,
    recovery: number,
    message: Uint8Array,
    compressed: boolean,
    output: Uint8Array,
  ): Uint8Array;
  publicKeyTweakAdd(key: Uint8Array, tweak: Uint8Array, compressed: boolean, output: Uint8Array): Uint8Array;
}

function loadNative(): NativeBinding | undefined {
  try {
    return createRequire(import.meta.url)("secp256k1/bindings.js");
  } catch {
    // No binary for this platform; the package's own fallback in JavaScript is slower than WebAssembly.
    return undefined;
  }
}

const native = loadNative();

/** Which library verifies here. */
export const curveLibrary: "native" | "wasm" = native === undefined ? "wasm" : "native";

const isKeySize = (key: Buffer): boolean => key.length === 33 || key.length === 65;

/** Hybrid keys (6 and 7 and both coordinates) are valid in scripts before segwit; WebAssembly's check wants them as 4. */
function plainKey(key: Buffer): Buffer | undefined {
  const first = key[0] as number;
  if (key.length === 33 || first === 4) return key;
  if (first !== 6 && first !== 7) return undefined;
  if (((key[64] as number) & 1) !== (first & 1)) return undefined;
  return Buffer.concat([Buffer.from([4]), key.subarray(1)]);
}

function verifyEcdsaByWasm(hash: Buffer, key: Buffer, compact: Buffer): boolean {
  const plain = plainKey(key);
  return plain !== undefined && wasm.isPoint(plain) && wasm.verify(hash, plain, compact);
}

/**
 * Verifies an ECDSA signature in its compact form of 64 bytes, with high or low S, by a key in any form that scripts allow. The signature
 * may be altered to low S.
 */
export function verifyEcdsa(hash: Buffer, key: Buffer, compact: Buffer): boolean {
  if (!isKeySize(key)) return false;
  if (isHighS(compact)) lowerS(compact);
  try {
    return native === undefined ? verifyEcdsaByWasm(hash, key, compact) : native.ecdsaVerify(compact, hash, key);
  } catch {
    // Not a point of the curve.
    return false;
  }
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);

function put(target: Buffer, at: number, value: bigint): void {
  target.write(value.toString(16).padStart(64, "0"), at, "hex");
}

const challengeTag = sha256(Buffer.from("BIP0340/challenge"));
/** Tag twice, R, P, message: filled anew for each signature, to allocate nothing. */
const challenge = Buffer.concat([challengeTag, challengeTag, Buffer.alloc(96)]);
const recoverable = Buffer.alloc(64);
const message = Buffer.alloc(32);
const point = Buffer.alloc(33);

function challengeOf(hash: Buffer, key: Buffer, sig: Buffer): bigint {
  sig.copy(challenge, 64, 0, 32);
  key.copy(challenge, 96, 0, 32);
  hash.copy(challenge, 128, 0, 32);
  return number(sha256(challenge)) % order;
}

function verifySchnorrByRecovery(binding: NativeBinding, hash: Buffer, key: Buffer, sig: Buffer): boolean | undefined {
  const x = number(key);
  const s = number(sig.subarray(32, 64));
  const e = challengeOf(hash, key, sig);
  if (s >= order) return false;
  // Where recovery's own conditions don't hold; such values come up in crafted tests only.
  if (x >= order || x === 0n || s === 0n || e === 0n) return undefined;
  key.copy(recoverable, 0);
  put(recoverable, 32, order - ((e * x) % order));
  put(message, 0, order - ((s * x) % order));
  try {
    binding.ecdsaRecover(recoverable, 0, message, true, point);
  } catch {
    // The key is no point of the curve, or the sum is the point at infinity.
    return false;
  }
  return point[0] === 2 && point.compare(sig, 0, 32, 1, 33) === 0;
}

/** Verifies a BIP 340 signature, the first 64 bytes of `sig`, over 32 bytes, by a key of 32 bytes. */
export function verifySchnorr(hash: Buffer, key: Buffer, sig: Buffer): boolean {
  const known = native === undefined ? undefined : verifySchnorrByRecovery(native, hash, key, sig);
  if (known !== undefined) return known;
  try {
    return wasm.verifySchnorr(hash, key, sig.subarray(0, 64));
  } catch {
    return false;
  }
}

const evenKey = Buffer.alloc(33, 2);

/** BIP 341: whether `outputKey` with the given parity of y is `internalKey` plus `tweak` times the generator. */
export function isTweakedKey(outputKey: Buffer, parity: number, internalKey: Buffer, tweak: Buffer): boolean {
  try {
    if (native === undefined) {
      const tweaked = wasm.xOnlyPointAddTweak(internalKey, tweak);
      return tweaked !== null && tweaked.parity === parity && outputKey.equals(tweaked.xOnlyPubkey);
    }
    internalKey.copy(evenKey, 1);
    native.publicKeyTweakAdd(evenKey, tweak, true, point);
  } catch {
    return false;
  }
  return point[0] === 2 + parity && point.compare(outputKey, 0, 32, 1, 33) === 0;
}
