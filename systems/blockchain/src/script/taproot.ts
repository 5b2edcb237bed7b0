/** Taproot's hashes (BIP 341, 342): what a signature signs, leaves, branches and the tweak of the output key. */
import { ByteWriter } from "../primitives/bytes.ts";
import { sha256, taggedHash } from "../primitives/hash.ts";
import { type TxInput, type TxOutput, writeOutput } from "../primitives/transaction.ts";
import { sigHash } from "./signature-encoding.ts";
import type { Spending } from "./spending.ts";

/** The first byte of an annex, the last element of a witness that has one. */
export const annexTag = 0x50;
export const tapscriptLeafVersion = 0xc0;
const controlBase = 33;
const mostBranches = 128;

/** What the signature of a tapscript signs besides the transaction. */
export interface TapscriptPlace {
  readonly leafHash: Buffer;
  /** The position, in opcodes, of the last OP_CODESEPARATOR executed; 0xffffffff when there was none. */
  readonly separator: number;
}

export interface TaprootSigned {
  readonly index: number;
  readonly hashType: number;
  /** The annex with its tag. */
  readonly annex?: Buffer | undefined;
  /** Undefined for a signature of the key path. */
  readonly tapscript?: TapscriptPlace | undefined;
}

const isTaprootHashType = (type: number): boolean => type <= 3 || (type >= 0x81 && type <= 0x83);

/** The hash signed by an input of taproot; undefined for a hash type that does not exist or has no output of its place. */
export function taprootSignatureHash(spending: Spending, signed: TaprootSigned): Buffer | undefined {
  const { tx } = spending;
  const { index, hashType, annex, tapscript } = signed;
  const outputs = hashType === sigHash.default ? sigHash.all : hashType & 3;
  if (!isTaprootHashType(hashType)) return undefined;
  if (outputs === sigHash.single && index >= tx.outputs.length) return undefined;
  const writer = new ByteWriter(224);
  writer.u8(0).u8(hashType).u32(tx.version).u32(tx.lockTime);
  if (!(hashType & sigHash.anyoneCanPay)) writeShared(writer, spending);
  if (outputs === sigHash.all) writer.bytes(spending.outputs);
  writer.u8((tapscript === undefined ? 0 : 2) + (annex === undefined ? 0 : 1));
  if (hashType & sigHash.anyoneCanPay) writeOwnInput(writer, spending, index);
  else writer.u32(index);
  if (annex !== undefined) writer.bytes(sha256(new ByteWriter(annex.length + 9).varBytes(annex).take()));
  if (outputs === sigHash.single) writer.bytes(outputHash(tx.outputs[index] as TxOutput));
  if (tapscript !== undefined) writer.bytes(tapscript.leafHash).u8(0).u32(tapscript.separator);
  return taggedHash("TapSighash", writer.take());
}

function writeShared(writer: ByteWriter, spending: Spending): void {
  writer.bytes(spending.prevouts).bytes(spending.amounts);
  writer.bytes(spending.scripts).bytes(spending.sequences);
}

function writeOwnInput(writer: ByteWriter, { tx, spent }: Spending, index: number): void {
  const { prevout, sequence } = tx.inputs[index] as TxInput;
  writer.bytes(prevout.hash).u32(prevout.index);
  writeOutput(writer, spent[index] as TxOutput);
  writer.u32(sequence);
}

function outputHash(output: TxOutput): Buffer {
  const writer = new ByteWriter();
  writeOutput(writer, output);
  return sha256(writer.take());
}

export const tapLeafHash = (version: number, script: Buffer): Buffer =>
  taggedHash("TapLeaf", new ByteWriter(script.length + 10).u8(version).varBytes(script).take());

/** The parent of two nodes, whichever comes first. */
export const tapBranchHash = (a: Buffer, b: Buffer): Buffer =>
  a.compare(b) < 0 ? taggedHash("TapBranch", a, b) : taggedHash("TapBranch", b, a);

/** What the internal key is tweaked by: with the root of the tree of scripts, or without. */
export const tapTweakHash = (internalKey: Buffer, root: Buffer = Buffer.alloc(0)): Buffer =>
  taggedHash("TapTweak", internalKey, root);

export const isControlBlockSize = (size: number): boolean =>
  size >= controlBase && size <= controlBase + 32 * mostBranches && (size - controlBase) % 32 === 0;

/** The root of the tree that a control block proves a leaf to be in. */
export function tapRoot(control: Buffer, leafHash: Buffer): Buffer {
  let node = leafHash;
  for (let at = controlBase; at < control.length; at += 32) node = tapBranchHash(node, control.subarray(at, at + 32));
  return node;
}

/** The parts of a control block whose size was checked. */
export const readControl = (control: Buffer): { leafVersion: number; parity: number; internalKey: Buffer } => ({
  leafVersion: (control[0] as number) & 0xfe,
  parity: (control[0] as number) & 1,
  internalKey: control.subarray(1, controlBase),
});
