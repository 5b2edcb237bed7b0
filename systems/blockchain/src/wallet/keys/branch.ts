/**
 * Public child keys of BIP 32, by the native curve library: a wallet derives thousands when it starts, and one takes a tenth of
 * what it takes in plain JavaScript. Everything that touches private keys is left to @scure/bip32; a test holds the two against each other.
 */
import { createHmac } from "node:crypto";
import { pointAddScalar } from "tiny-secp256k1";
import { WalletError } from "../errors.ts";

export interface PublicNode {
  /** Compressed. */
  readonly publicKey: Buffer;
  readonly chainCode: Buffer;
}

/** The child at an index below 2^31. */
export function publicChild(parent: PublicNode, index: number): PublicNode {
  const data = Buffer.allocUnsafe(37);
  parent.publicKey.copy(data);
  data.writeUInt32BE(index, 33);
  const hmac = createHmac("sha512", parent.chainCode).update(data).digest();
  const publicKey = pointAddScalar(parent.publicKey, hmac.subarray(0, 32), true);
  // Once in 2^127: BIP 32 says to go on with the next index, which nobody will ever see happen.
  if (!publicKey) throw new WalletError("bad-argument", `BIP 32 has no child ${index} here; use the next one`);
  return { publicKey: Buffer.from(publicKey), chainCode: hmac.subarray(32) };
}
