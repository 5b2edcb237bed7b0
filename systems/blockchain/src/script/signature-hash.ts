/** What an ECDSA signature signs: the original scheme and BIP 143's. */
import { ByteWriter } from "../primitives/bytes.ts";
import { sha256d, zeroHash } from "../primitives/hash.ts";
import { type Transaction, type TxInput, writeOutput } from "../primitives/transaction.ts";
import { op } from "./opcodes.ts";
import { ScriptCursor } from "./parse.ts";
import { sigHash } from "./signature-encoding.ts";
import type { Spending } from "./spending.ts";

/** The number one, little-endian: what SIGHASH_SINGLE without an output of that place signs, a bug that is part of the rules. */
const one: Buffer = Buffer.from([1, ...Buffer.alloc(31)]);

const baseType = (hashType: number): number => hashType & 0x1f;

/** A script without its OP_CODESEPARATORs; the same object when it has none. */
function withoutSeparators(script: Buffer): Buffer {
  if (!script.includes(op.OP_CODESEPARATOR)) return script;
  const kept: Buffer[] = [];
  const cursor = new ScriptCursor(script);
  let from = 0;
  while (!cursor.atEnd && cursor.next()) {
    if (cursor.code !== op.OP_CODESEPARATOR) continue;
    kept.push(script.subarray(from, cursor.offset - 1));
    from = cursor.offset;
  }
  kept.push(script.subarray(from));
  return Buffer.concat(kept);
}

/**
 * The hash signed before segwit: of the whole transaction, with `scriptCode` in place of this input's script and the others empty.
 * `hashType` is a signed 32-bit number as it stands behind the transaction, of which a real signature holds the last byte.
 */
export function legacySignatureHash(tx: Transaction, index: number, scriptCode: Buffer, hashType: number): Buffer {
  const base = baseType(hashType);
  if (base === sigHash.single && index >= tx.outputs.length) return one;
  const script = withoutSeparators(scriptCode);
  const writer = new ByteWriter(64 + script.length + 41 * tx.inputs.length + 34 * tx.outputs.length);
  writer.u32(tx.version);
  writeInputs(writer, { tx, index, script, hashType });
  writeOutputs(writer, tx, index, base);
  return sha256d(writer.u32(tx.lockTime).i32(hashType).take());
}

interface LegacyInputs {
  readonly tx: Transaction;
  readonly index: number;
  readonly script: Buffer;
  readonly hashType: number;
}

function writeInputs(writer: ByteWriter, { tx, index, script, hashType }: LegacyInputs): void {
  const base = baseType(hashType);
  const others = base !== sigHash.single && base !== sigHash.none;
  const own = tx.inputs[index] as TxInput;
  if (hashType & sigHash.anyoneCanPay) {
    writeInput(writer.compactSize(1), own, script, own.sequence);
    return;
  }
  writer.compactSize(tx.inputs.length);
  tx.inputs.forEach((input, i) => {
    if (i === index) writeInput(writer, input, script, input.sequence);
    else writeInput(writer, input, empty, others ? input.sequence : 0);
  });
}

const empty = Buffer.alloc(0);

function writeInput(writer: ByteWriter, { prevout }: TxInput, script: Buffer, sequence: number): void {
  writer.bytes(prevout.hash).u32(prevout.index).varBytes(script).u32(sequence);
}

/** All outputs, none, or those up to the input's own place with all but the last blanked. */
function writeOutputs(writer: ByteWriter, tx: Transaction, index: number, base: number): void {
  const count = base === sigHash.none ? 0 : base === sigHash.single ? index + 1 : tx.outputs.length;
  writer.compactSize(count);
  for (let i = 0; i < count; i++) {
    const output = tx.outputs[i] as Transaction["outputs"][number];
    writeOutput(writer, base === sigHash.single && i !== index ? { value: -1, script: empty } : output);
  }
}

function outputsHash(spending: Spending, index: number, base: number): Buffer {
  if (base !== sigHash.single && base !== sigHash.none) return spending.twice.outputs;
  const output = base === sigHash.single ? spending.tx.outputs[index] : undefined;
  if (output === undefined) return zeroHash;
  const writer = new ByteWriter();
  writeOutput(writer, output);
  return sha256d(writer.take());
}

/** The hash signed by inputs of segwit v0 (BIP 143). */
export function segwitSignatureHash(spending: Spending, index: number, scriptCode: Buffer, hashType: number): Buffer {
  const { tx, spent } = spending;
  const base = baseType(hashType);
  const input = tx.inputs[index] as TxInput;
  const anyoneCanPay = (hashType & sigHash.anyoneCanPay) !== 0;
  const others = !anyoneCanPay && base !== sigHash.single && base !== sigHash.none;
  const writer = new ByteWriter(170 + scriptCode.length);
  writer.u32(tx.version);
  writer.bytes(anyoneCanPay ? zeroHash : spending.twice.prevouts);
  writer.bytes(others ? spending.twice.sequences : zeroHash);
  writer.bytes(input.prevout.hash).u32(input.prevout.index).varBytes(scriptCode);
  writer.i64((spent[index] as { value: number }).value).u32(input.sequence);
  writer
    .bytes(outputsHash(spending, index, base))
    .u32(tx.lockTime)
    .i32(hashType);
  return sha256d(writer.take());
}
