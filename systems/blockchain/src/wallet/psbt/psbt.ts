/** Partially signed transactions, version 0 (BIP 174 with the taproot fields of BIP 371): read, written, created. */
import { ByteReader, ByteWriter } from "../../primitives/bytes.ts";
import {
  decodeTransaction,
  encodeTransaction,
  type Transaction,
  type TxOutput,
  txid,
} from "../../primitives/transaction.ts";
import { checkFields, globalField, globalRows, inputField, inputRows, outputRows } from "./fields.ts";
import { badPsbt, FieldMap, readMap, writeMap } from "./maps.ts";

export interface Psbt {
  /** Without scripts and witnesses. */
  readonly transaction: Transaction;
  /** Without the transaction itself. */
  readonly global: FieldMap;
  readonly inputs: readonly FieldMap[];
  readonly outputs: readonly FieldMap[];
}

const MAGIC = Buffer.from("70736274ff", "hex");
/** Far more than a transaction that nodes relay takes with all its previous transactions. */
const LARGEST = 16 * 1024 * 1024;

export const createPsbt = (transaction: Transaction): Psbt => ({
  transaction: bare(transaction),
  global: new FieldMap(),
  inputs: transaction.inputs.map(() => new FieldMap()),
  outputs: transaction.outputs.map(() => new FieldMap()),
});

const bare = (transaction: Transaction): Transaction => ({
  ...transaction,
  inputs: transaction.inputs.map((input) => ({ ...input, script: Buffer.alloc(0), witness: [] })),
});

/** Throws `bad-psbt`. */
export function decodePsbt(bytes: Buffer): Psbt {
  if (bytes.length > LARGEST) throw badPsbt(`it has more than ${LARGEST} bytes`);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw badPsbt("Invalid PSBT magic bytes");
  try {
    return read(new ByteReader(bytes.subarray(MAGIC.length)));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "malformed") throw badPsbt(error.message, error);
    throw error;
  }
}

/** Base64, as PSBTs travel between programs. Throws `bad-psbt`. */
export function parsePsbt(text: string): Psbt {
  const compact = text.replaceAll(/\s/g, "");
  if (compact.length > LARGEST * 1.4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) throw badPsbt("invalid base64");
  return decodePsbt(Buffer.from(compact, "base64"));
}

function read(reader: ByteReader): Psbt {
  const global = readMap(reader);
  checkFields(global, globalRows, "the transaction");
  const version = global.get(globalField.version)?.readUInt32LE() ?? 0;
  if (version !== 0) throw badPsbt(`Unsupported version number ${version}: only version 0 is known here`);
  const transaction = unsignedOf(global);
  const inputs = transaction.inputs.map(({ prevout }, index) => {
    const map = readMap(reader);
    checkFields(map, inputRows, `input ${index}`);
    checkPrevious(map, prevout, index);
    return map;
  });
  const outputs = transaction.outputs.map((_, index) => {
    const map = readMap(reader);
    checkFields(map, outputRows, `output ${index}`);
    return map;
  });
  reader.finish();
  return {
    transaction,
    global: global.filter(({ key }) => key[0] !== globalField.unsignedTransaction),
    inputs,
    outputs,
  };
}

function unsignedOf(global: FieldMap): Transaction {
  const bytes = global.get(globalField.unsignedTransaction);
  if (!bytes) throw badPsbt("No unsigned transaction was provided");
  const transaction = decodeTransaction(bytes, { witness: false });
  if (transaction.inputs.some(({ script }) => script.length > 0))
    throw badPsbt("Unsigned tx does not have empty scriptSigs and scriptWitnesses.");
  return transaction;
}

/** The previous transaction is the one that the input spends from: else its amounts would mean nothing. */
function checkPrevious(map: FieldMap, prevout: { readonly hash: Buffer; readonly index: number }, index: number): void {
  const previous = previousOf(map);
  if (!previous) return;
  if (!txid(previous).equals(prevout.hash))
    throw badPsbt(`Non-witness UTXO does not match outpoint hash of input ${index}`);
  if (prevout.index >= previous.outputs.length)
    throw badPsbt(`Input ${index} spends an output that its previous transaction does not have`);
}

export function previousOf(map: FieldMap): Transaction | undefined {
  const bytes = map.get(inputField.nonWitnessUtxo);
  return bytes && decodeTransaction(bytes);
}

export function encodePsbt({ transaction, global, inputs, outputs }: Psbt): Buffer {
  const writer = new ByteWriter().bytes(MAGIC);
  const unsigned = encodeTransaction(transaction, { witness: false });
  writeMap(writer, global.with(globalField.unsignedTransaction, unsigned));
  for (const map of [...inputs, ...outputs]) writeMap(writer, map);
  return writer.take();
}

export const formatPsbt = (psbt: Psbt): string => encodePsbt(psbt).toString("base64");

/** The output that an input spends, if the PSBT says. */
export function spentOutput(psbt: Psbt, index: number): TxOutput | undefined {
  const map = psbt.inputs[index]!;
  const previous = previousOf(map);
  if (previous) return previous.outputs[psbt.transaction.inputs[index]!.prevout.index];
  const bytes = map.get(inputField.witnessUtxo);
  if (!bytes) return undefined;
  const reader = new ByteReader(bytes);
  return { value: reader.i64(), script: reader.varBytes() };
}

/** All of them, when all are known; a taproot signature commits to every one. */
export function spentOutputs(psbt: Psbt): readonly TxOutput[] | undefined {
  const all = psbt.transaction.inputs.map((_, index) => spentOutput(psbt, index));
  return all.every((output) => output !== undefined) ? (all as TxOutput[]) : undefined;
}

export const isFinal = (map: FieldMap): boolean =>
  map.get(inputField.finalScript) !== undefined || map.get(inputField.finalWitness) !== undefined;

/** A PSBT with one input's map replaced. */
export const withInput = (psbt: Psbt, index: number, map: FieldMap): Psbt => ({
  ...psbt,
  inputs: psbt.inputs.with(index, map),
});
