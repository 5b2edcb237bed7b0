/** BIP 341's output keys: an internal key tweaked by the root of its scripts; BIP 86 has none. */
import { isPrivate, pointFromScalar, privateAdd, privateNegate, xOnlyPointAddTweak } from "tiny-secp256k1";
import { tapTweakHash } from "../../script/taproot.ts";
import { WalletError } from "../errors.ts";

/** The 32 bytes of a compressed key without its sign. */
export const xOnly = (publicKey: Buffer): Buffer => (publicKey.length === 32 ? publicKey : publicKey.subarray(1, 33));

/** The output key of an internal key; both have 32 bytes. */
export function tweakPublicKey(internal: Buffer, merkleRoot?: Buffer): Buffer {
  const tweaked = xOnlyPointAddTweak(internal, tapTweakHash(internal, merkleRoot));
  if (!tweaked) throw new WalletError("bad-argument", "the taproot internal key is not on the curve");
  return Buffer.from(tweaked.xOnlyPubkey);
}

/** The private key of the output key. The caller zeroes it when done. */
export function tweakPrivateKey(privateKey: Buffer, merkleRoot?: Buffer): Buffer {
  const point = pointFromScalar(privateKey, true);
  if (!point || !isPrivate(privateKey)) throw new WalletError("bad-argument", "the private key is out of range");
  const even = point[0] === 2 ? new Uint8Array(privateKey) : privateNegate(privateKey);
  const tweaked = privateAdd(even, tapTweakHash(Buffer.from(point.subarray(1)), merkleRoot));
  even.fill(0);
  if (!tweaked) throw new WalletError("bad-argument", "the taproot tweak of this key is zero");
  return Buffer.from(tweaked);
}
