/**
 * The curve by `secp256k1`, where its package has a binary for this platform.
 *
 * The binding has no BIP 340. But its recovery of a public key computes q = r⁻¹·(s·R − z·G) for the point R whose x is r, by any values
 * we like. With R the even point of the public key's x, s = −e·x and z = −s'·x (s' and e the signature's scalar and challenge), that is
 * s'·G − e·P: just the point that a BIP 340 signature commits to, at the price of one ECDSA verification.
 */
import { createRequire } from "node:module";
import { sha256 } from "../primitives/hash.ts";
import type { Curve } from "./curve.ts";
import { wasmCurve } from "./curve-wasm.ts";
import { isHighS, lowerS } from "./signature-encoding.ts";

interface Binding {
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

function load(): Binding | undefined {
  try {
    return createRequire(import.meta.url)("secp256k1/bindings.js");
  } catch {
    // No binary for this platform; the package's own fallback, in JavaScript, is slower than WebAssembly.
    return undefined;
  }
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);

function put(target: Buffer, at: number, value: bigint): void {
  target.write(value.toString(16).padStart(64, "0"), at, "hex");
}

const challengeTag = sha256(Buffer.from("BIP0340/challenge"));
// Filled anew for each signature, to allocate nothing: tag twice, R, P, message; what recovery takes and gives.
const challenge = Buffer.concat([challengeTag, challengeTag, Buffer.alloc(96)]);
const recoverable = Buffer.alloc(64);
const message = Buffer.alloc(32);
const point = Buffer.alloc(33);
const evenKey = Buffer.alloc(33, 2);

function challengeOf(hash: Buffer, key: Buffer, sig: Buffer): bigint {
  sig.copy(challenge, 64, 0, 32);
  key.copy(challenge, 96, 0, 32);
  hash.copy(challenge, 128, 0, 32);
  return number(sha256(challenge)) % order;
}

/** Undefined where recovery's own conditions don't hold, which comes up in crafted signatures only. */
function verifyByRecovery(binding: Binding, hash: Buffer, key: Buffer, sig: Buffer): boolean | undefined {
  const x = number(key);
  const s = number(sig.subarray(32, 64));
  const e = challengeOf(hash, key, sig);
  if (x >= order || x === 0n || s >= order || s === 0n || e === 0n) return undefined;
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

const curveOf = (binding: Binding): Curve => ({
  verifyEcdsa(hash, key, compact) {
    if (key.length !== 33 && key.length !== 65) return false;
    if (isHighS(compact)) lowerS(compact);
    try {
      return binding.ecdsaVerify(compact, hash, key);
    } catch {
      // Not a point of the curve.
      return false;
    }
  },
  verifySchnorr: (hash, key, sig) =>
    verifyByRecovery(binding, hash, key, sig) ?? wasmCurve.verifySchnorr(hash, key, sig),
  isTweakedKey(outputKey, parity, internalKey, tweak) {
    try {
      internalKey.copy(evenKey, 1);
      binding.publicKeyTweakAdd(evenKey, tweak, true, point);
    } catch {
      return false;
    }
    return point[0] === 2 + parity && point.compare(outputKey, 0, 32, 1, 33) === 0;
  },
});

const binding = load();

export const nativeCurve: Curve | undefined = binding === undefined ? undefined : curveOf(binding);
