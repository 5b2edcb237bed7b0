/** The fields that this program knows, as rows: what key and value must look like (BIP 174 and 371). */
import { isPoint, isXOnlyPoint } from "tiny-secp256k1";
import { ByteReader } from "../../primitives/bytes.ts";
import { decodeTransaction } from "../../primitives/transaction.ts";
import { isControlBlockSize } from "../../script/taproot.ts";
import { badPsbt, type FieldMap } from "./maps.ts";

export const globalField = { unsignedTransaction: 0x00, xpub: 0x01, version: 0xfb } as const;

export const inputField = {
  nonWitnessUtxo: 0x00,
  witnessUtxo: 0x01,
  partialSignature: 0x02,
  sighashType: 0x03,
  redeemScript: 0x04,
  witnessScript: 0x05,
  derivation: 0x06,
  finalScript: 0x07,
  finalWitness: 0x08,
  tapKeySignature: 0x13,
  tapScriptSignature: 0x14,
  tapLeafScript: 0x15,
  tapDerivation: 0x16,
  tapInternalKey: 0x17,
  tapMerkleRoot: 0x18,
} as const;

export const outputField = {
  redeemScript: 0x00,
  witnessScript: 0x01,
  derivation: 0x02,
  tapInternalKey: 0x05,
  tapTree: 0x06,
  tapDerivation: 0x07,
} as const;

type Check = (bytes: Buffer) => boolean;

interface FieldRow {
  readonly type: number;
  readonly name: string;
  readonly key: Check;
  readonly value: Check;
}

const none: Check = (bytes) => bytes.length === 0;
const any: Check = () => true;
const ofLength =
  (...lengths: number[]): Check =>
  ({ length }) =>
    lengths.includes(length);
const publicKey: Check = (bytes) => (bytes.length === 33 || bytes.length === 65) && isPoint(bytes);
const xOnlyKey: Check = (bytes) => bytes.length === 32 && isXOnlyPoint(bytes);
/** A fingerprint and any number of steps. */
const derivation: Check = ({ length }) => length >= 4 && length % 4 === 0;
/** With the sighash byte or, when it is the default, without. */
const schnorr = ofLength(64, 65);

/** Whether a reader takes all of the bytes. */
const readsAs =
  (read: (reader: ByteReader) => unknown): Check =>
  (bytes) => {
    try {
      const reader = new ByteReader(bytes);
      read(reader);
      reader.finish();
      return true;
    } catch {
      return false;
    }
  };

const transaction: Check = (bytes) => {
  try {
    decodeTransaction(bytes);
    return true;
  } catch {
    return false;
  }
};
const output = readsAs((reader) => {
  reader.i64();
  reader.varBytes();
});
const witness = readsAs((reader) => reader.list(1, () => reader.varBytes()));
const tapDerivation = readsAs((reader) => {
  reader.list(32, () => reader.hash());
  if (!derivation(reader.bytes(reader.left))) throw badPsbt("a derivation path");
});
const tapTree = readsAs((reader) => {
  while (reader.left > 0) {
    const [depth, version] = [reader.u8(), reader.u8()];
    if (depth > 128 || (version & 1) === 1) throw badPsbt("a leaf");
    reader.varBytes();
  }
});

const row = (type: number, name: string, key: Check, value: Check): FieldRow => ({ type, name, key, value });

export const globalRows: readonly FieldRow[] = [
  row(globalField.unsignedTransaction, "unsigned transaction", none, any),
  row(globalField.xpub, "extended public key", ofLength(78), derivation),
  row(globalField.version, "version", none, ofLength(4)),
];

export const inputRows: readonly FieldRow[] = [
  row(inputField.nonWitnessUtxo, "non-witness UTXO", none, transaction),
  row(inputField.witnessUtxo, "witness UTXO", none, output),
  row(inputField.partialSignature, "partial signature", publicKey, ({ length }) => length > 0 && length <= 73),
  row(inputField.sighashType, "sighash type", none, ofLength(4)),
  row(inputField.redeemScript, "redeem script", none, any),
  row(inputField.witnessScript, "witness script", none, any),
  row(inputField.derivation, "derivation path", publicKey, derivation),
  row(inputField.finalScript, "final script", none, any),
  row(inputField.finalWitness, "final witness", none, witness),
  row(inputField.tapKeySignature, "taproot key signature", none, schnorr),
  row(inputField.tapScriptSignature, "taproot script signature", ofLength(64), schnorr),
  row(
    inputField.tapLeafScript,
    "taproot leaf script",
    ({ length }) => isControlBlockSize(length),
    ({ length }) => length > 0,
  ),
  row(inputField.tapDerivation, "taproot derivation path", xOnlyKey, tapDerivation),
  row(inputField.tapInternalKey, "taproot internal key", none, xOnlyKey),
  row(inputField.tapMerkleRoot, "taproot merkle root", none, ofLength(32)),
];

export const outputRows: readonly FieldRow[] = [
  row(outputField.redeemScript, "redeem script", none, any),
  row(outputField.witnessScript, "witness script", none, any),
  row(outputField.derivation, "derivation path", publicKey, derivation),
  row(outputField.tapInternalKey, "taproot internal key", none, xOnlyKey),
  row(outputField.tapTree, "taproot tree", none, tapTree),
  row(outputField.tapDerivation, "taproot derivation path", xOnlyKey, tapDerivation),
];

/** Throws `bad-psbt` for a known field whose key or value is not as its row says. */
export function checkFields(map: FieldMap, rows: readonly FieldRow[], where: string): void {
  for (const { key, value } of map.fields()) {
    const known = rows.find(({ type }) => type === key[0]);
    if (!known) continue;
    if (!known.key(key.subarray(1))) throw badPsbt(`the key of a ${known.name} of ${where} is malformed`);
    if (!known.value(value)) throw badPsbt(`a ${known.name} of ${where} is malformed`);
  }
}

/** The names of unknown fields, for `decodepsbt`. */
export const unknownFields = (map: FieldMap, rows: readonly FieldRow[]) =>
  map.fields().filter(({ key }) => !rows.some(({ type }) => type === key[0]));
