/** The curve by `tiny-secp256k1`. */
import * as wasm from "tiny-secp256k1";
import type { Curve } from "./curve.ts";
import { isHighS, lowerS } from "./signature-encoding.ts";

/** Hybrid keys (6 or 7 and both coordinates) are valid in scripts before segwit; the library wants them as 4. */
function plainKey(key: Buffer): Buffer | undefined {
  const first = key[0] as number;
  if (first !== 6 && first !== 7) return key;
  if (key.length !== 65 || ((key[64] as number) & 1) !== (first & 1)) return undefined;
  return Buffer.concat([Buffer.from([4]), key.subarray(1)]);
}

export const wasmCurve: Curve = {
  verifyEcdsa(hash, key, compact) {
    const plain = plainKey(key);
    if (plain === undefined || !wasm.isPoint(plain)) return false;
    if (isHighS(compact)) lowerS(compact);
    return wasm.verify(hash, plain, compact);
  },
  verifySchnorr(hash, key, sig) {
    try {
      return wasm.verifySchnorr(hash, key, sig.subarray(0, 64));
    } catch {
      // The key is no point, or a number is beyond the curve's order.
      return false;
    }
  },
  isTweakedKey(outputKey, parity, internalKey, tweak) {
    try {
      const tweaked = wasm.xOnlyPointAddTweak(internalKey, tweak);
      return tweaked !== null && tweaked.parity === parity && outputKey.equals(tweaked.xOnlyPubkey);
    } catch {
      return false;
    }
  },
};
