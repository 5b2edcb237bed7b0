/**
 * The signer: adds a signature for every key it has, and nothing else. Before it signs it checks all that BIP 174 lists: scripts that do not
 * hash to what the output says, or a witness output given for an input without witness, are refused, since a signature under a wrong
 * assumption can be turned against its owner.
 */
import { destinationOf, pubKeyHashScript } from "../../address/scripts.ts";
import { hash160, sha256 } from "../../primitives/hash.ts";
import type { TxOutput } from "../../primitives/transaction.ts";
import { sigHash } from "../../script/signature-encoding.ts";
import { legacySignatureHash, segwitSignatureHash } from "../../script/signature-hash.ts";
import { Spending } from "../../script/spending.ts";
import { WalletError } from "../errors.ts";
import { signEcdsa } from "../keys/signatures.ts";
import { xOnly } from "../keys/taproot.ts";
import { signKeyPath } from "../spend/sign.ts";
import { inputField } from "./fields.ts";
import { badPsbt, type FieldMap } from "./maps.ts";
import { isFinal, type Psbt, spentOutput, spentOutputs, withInput } from "./psbt.ts";

/** Calls back with the private key of a public one (compressed, or without its sign) and answers what that answers; undefined if it has none. */
export type KeySource = <T>(publicKey: Buffer, use: (privateKey: Buffer) => T) => T | undefined;

export interface SignOptions {
  /** The only one accepted; unless given, ALL (and taproot's default, which is the same). */
  readonly sighashType?: number | undefined;
  /** How ECDSA signatures are made. */
  readonly ecdsa?: typeof signEcdsa;
}

/** What a signature of an input that is not taproot signs. */
export interface SignedScript {
  readonly kind: "legacy" | "segwit";
  readonly scriptCode: Buffer;
}

/** A PSBT with the signatures of all keys that the source has. Throws `bad-psbt` for an input that must not be signed. */
export function signPsbt(psbt: Psbt, keys: KeySource, options: SignOptions = {}): Psbt {
  return psbt.inputs.reduce<Psbt>((sofar, map, index) => {
    const output = spentOutput(psbt, index);
    if (!output || isFinal(map)) return sofar;
    const signed = isTaproot(output)
      ? signTaprootInput(psbt, index, map, keys, options)
      : signInput(psbt, index, output, keys, options);
    return withInput(sofar, index, signed);
  }, psbt);
}

const isTaproot = ({ script }: TxOutput): boolean => destinationOf(script)?.kind === "witness_v1_taproot";

function signInput(psbt: Psbt, index: number, output: TxOutput, keys: KeySource, options: SignOptions): FieldMap {
  const map = psbt.inputs[index]!;
  const signed = signedScript(map, output, index);
  if (!signed) return map;
  const type = acceptedType(map, options, sigHash.all);
  const hash = hashOf(psbt, index, output, signed, type);
  return map.all(inputField.derivation).reduce((sofar, { keyData }) => {
    if (sofar.get(inputField.partialSignature, keyData)) return sofar;
    const signature = keys(keyData, (privateKey) => (options.ecdsa ?? signEcdsa)(hash, privateKey, type));
    return signature ? sofar.with(inputField.partialSignature, signature, keyData) : sofar;
  }, map);
}

function hashOf(psbt: Psbt, index: number, output: TxOutput, { kind, scriptCode }: SignedScript, type: number): Buffer {
  const { transaction } = psbt;
  if (kind === "legacy") return legacySignatureHash(transaction, index, scriptCode, type);
  // BIP 143 looks at the amount of its own input only.
  const spent = transaction.inputs.map((_, at) => (at === index ? output : { value: 0, script: Buffer.alloc(0) }));
  return segwitSignatureHash(new Spending(transaction, spent), index, scriptCode, type);
}

/** Which script a signature signs, through P2SH and P2WSH, each checked by its hash. Undefined while a script is missing. */
export function signedScript(map: FieldMap, output: TxOutput, index: number): SignedScript | undefined {
  const redeem = map.get(inputField.redeemScript);
  const program = redeem ?? output.script;
  const outer = destinationOf(output.script);
  if (redeem && !(outer?.kind === "scripthash" && outer.hash.equals(hash160(redeem))))
    throw badPsbt(`the redeem script of input ${index} is not the one that its output asks for`);
  if (!redeem && outer?.kind === "scripthash") return undefined;
  const to = destinationOf(program);
  if (to?.kind === "witness_v0_keyhash") return { kind: "segwit", scriptCode: pubKeyHashScript(to.program) };
  const witness = map.get(inputField.witnessScript);
  if (to?.kind === "witness_v0_scripthash") {
    if (!witness) return undefined;
    if (!to.program.equals(sha256(witness)))
      throw badPsbt(`the witness script of input ${index} is not the one that its output asks for`);
    return { kind: "segwit", scriptCode: witness };
  }
  if (!map.get(inputField.nonWitnessUtxo))
    throw badPsbt(`input ${index} has no witness, so its whole previous transaction is needed`);
  return { kind: "legacy", scriptCode: program };
}

/** The key path only: scripts in taproot trees are for other signers. */
function signTaprootInput(psbt: Psbt, index: number, map: FieldMap, keys: KeySource, options: SignOptions): FieldMap {
  const spent = spentOutputs(psbt);
  const internal = map.get(inputField.tapInternalKey);
  if (!spent || !internal || map.get(inputField.tapKeySignature)) return map;
  const type = acceptedType(map, options, sigHash.default);
  const root = map.get(inputField.tapMerkleRoot);
  const spending = new Spending(psbt.transaction, spent);
  const signature = keys(xOnly(internal), (privateKey) => signKeyPath(spending, index, privateKey, type, root));
  return signature ? map.with(inputField.tapKeySignature, signature) : map;
}

/** BIP 174: a signer fails for a type that it does not accept. */
function acceptedType(map: FieldMap, { sighashType }: SignOptions, fallback: number): number {
  const asked = map.get(inputField.sighashType)?.readUInt32LE();
  const type = asked ?? sighashType ?? fallback;
  const isAll = (one: number): boolean => one === sigHash.all || one === sigHash.default;
  const isAccepted =
    sighashType === undefined ? isAll(type) : type === sighashType || (isAll(type) && isAll(sighashType));
  if (!isAccepted)
    throw new WalletError(
      "bad-psbt",
      "Specified sighash value does not match value stored in PSBT, or is not accepted",
    );
  // Taproot's default is no type that ECDSA has.
  return type === sigHash.default ? fallback : type;
}
