/**
 * Verifying signatures, by libsecp256k1. Its native binding (`secp256k1`, with binaries inside its npm package) verifies four times as
 * many signatures a second as the WebAssembly build of the same library (`tiny-secp256k1`), which serves where there is no binary:
 * linux on other processors than x64, for one. Figures are in bench/results/blockchain.md.
 */
import { nativeCurve } from "./curve-native.ts";
import { wasmCurve } from "./curve-wasm.ts";

export interface Curve {
  /**
   * Verifies an ECDSA signature in its compact form of 64 bytes, with high or low S, by a key in any form that scripts allow. The
   * signature may be altered to low S.
   */
  verifyEcdsa(hash: Buffer, key: Buffer, compact: Buffer): boolean;
  /** Verifies a BIP 340 signature, the first 64 bytes of `sig`, over 32 bytes, by a key of 32 bytes. */
  verifySchnorr(hash: Buffer, key: Buffer, sig: Buffer): boolean;
  /** BIP 341: whether `outputKey` with the given parity of y is `internalKey` plus `tweak` times the generator. */
  isTweakedKey(outputKey: Buffer, parity: number, internalKey: Buffer, tweak: Buffer): boolean;
}

/** Which library verifies here. */
export const curveLibrary: "native" | "wasm" = nativeCurve === undefined ? "wasm" : "native";

export const { verifyEcdsa, verifySchnorr, isTweakedKey }: Curve = nativeCurve ?? wasmCurve;
