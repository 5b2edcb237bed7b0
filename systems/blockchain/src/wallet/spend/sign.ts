/** Unlocks the kinds of output that one key can spend. */
import { destinationOf, pubKeyHashScript } from "../../address/scripts.ts";
import { hash160 } from "../../primitives/hash.ts";
import type { TxInput } from "../../primitives/transaction.ts";
import { pushOf } from "../../script/parse.ts";
import { sigHash } from "../../script/signature-encoding.ts";
import { legacySignatureHash, segwitSignatureHash } from "../../script/signature-hash.ts";
import type { Spending } from "../../script/spending.ts";
import { taprootSignatureHash } from "../../script/taproot.ts";
import { publicKeyOf, signEcdsa, signTaproot } from "../keys/signatures.ts";
import { tweakPrivateKey } from "../keys/taproot.ts";

/** What makes an input valid. */
export type Unlocking = Pick<TxInput, "script" | "witness">;

const nothing = Buffer.alloc(0);

/** Signs everything: P2WPKH, P2TR by its key path without scripts (BIP 86), or P2PKH. Undefined for other outputs. */
export function unlockWithKey(spending: Spending, index: number, privateKey: Buffer): Unlocking | undefined {
  const { script } = spending.spent[index]!;
  switch (destinationOf(script)?.kind) {
    case "witness_v1_taproot":
      return { script: nothing, witness: [signKeyPath(spending, index, privateKey, sigHash.default)] };
    case "witness_v0_keyhash": {
      const publicKey = publicKeyOf(privateKey);
      const hash = segwitSignatureHash(spending, index, pubKeyHashScript(hash160(publicKey)), sigHash.all);
      return { script: nothing, witness: [signEcdsa(hash, privateKey, sigHash.all), publicKey] };
    }
    case "pubkeyhash": {
      const hash = legacySignatureHash(spending.tx, index, script, sigHash.all);
      const signature = signEcdsa(hash, privateKey, sigHash.all);
      return { script: Buffer.concat([pushOf(signature), pushOf(publicKeyOf(privateKey))]), witness: [] };
    }
    default:
      return undefined;
  }
}

/** A signature by the output key that an internal key and the root of its scripts make. */
export function signKeyPath(
  spending: Spending,
  index: number,
  privateKey: Buffer,
  hashType: number,
  merkleRoot?: Buffer,
): Buffer {
  const hash = taprootSignatureHash(spending, { index, hashType })!;
  const tweaked = tweakPrivateKey(privateKey, merkleRoot);
  const signature = signTaproot(hash, tweaked, hashType);
  tweaked.fill(0);
  return signature;
}
