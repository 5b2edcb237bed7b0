/**
 * Transactions. They are plain objects and never change once made: to alter one, spread it into a new object, else its cached ids would
 * be wrong.
 */

import { BlockchainError } from "../errors.ts";
import { type ByteReader, ByteWriter, compactSizeLength, ByteReader as Reader } from "./bytes.ts";
import { sha256d } from "./hash.ts";

/** The output of an earlier transaction: its id in internal byte order, and its place. */
export interface OutPoint {
  readonly hash: Buffer;
  /** Unsigned 32-bit; 0xffffffff, with a zero hash, in the input of a coinbase. */
  readonly index: number;
}

export interface TxInput {
  readonly prevout: OutPoint;
  /** The scriptSig. */
  readonly script: Buffer;
  readonly sequence: number;
  /** Empty when the input has no witness. */
  readonly witness: readonly Buffer[];
}

export interface TxOutput {
  /** Satoshis; that it is within 0 and 21 million coins, and hence a safe integer, is for `checkTransaction` to say. */
  readonly value: number;
  /** The amount to the last digit, where `value` is no safe integer: an id is that of the bytes, however wrong they are. */
  readonly wideValue?: bigint;
  /** The scriptPubKey. */
  readonly script: Buffer;
}

export interface Transaction {
  /** Unsigned 32-bit. */
  readonly version: number;
  readonly inputs: readonly TxInput[];
  readonly outputs: readonly TxOutput[];
  readonly lockTime: number;
}

/** What is computed once per transaction object. */
interface Derived {
  txid?: Buffer;
  wtxid?: Buffer;
  baseSize?: number;
  totalSize?: number;
}

const derived = new WeakMap<Transaction, Derived>();

/**
 * A transaction that came as bytes knows where they are: its ids, its sizes and its serialization need not be made anew from its parts, and
 * it holds by itself what is computed once, since a weak map of all transactions of a block costs more than the computing. A spread of
 * one is a plain object without any of this, as it has to be.
 */
class ReadTransaction implements Transaction {
  readonly version: number;
  readonly inputs: readonly TxInput[];
  readonly outputs: readonly TxOutput[];
  readonly lockTime: number;
  readonly #source: Buffer;
  readonly #from: number;
  readonly #to: number;
  /** Where its witnesses begin; 0 without. */
  readonly #witnessFrom: number;
  readonly #derived: Derived = {};

  constructor(parts: Transaction, source: Buffer, from: number, to: number, witnessFrom: number) {
    this.version = parts.version;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.lockTime = parts.lockTime;
    this.#source = source;
    this.#from = from;
    this.#to = to;
    this.#witnessFrom = witnessFrom;
  }

  get derived(): Derived {
    return this.#derived;
  }

  get hasWitness(): boolean {
    return this.#witnessFrom > 0;
  }

  get totalSize(): number {
    return this.#to - this.#from;
  }

  get baseSize(): number {
    return this.hasWitness
      ? this.totalSize - witnessPrefix - (this.#to - lockTimeSize - this.#witnessFrom)
      : this.totalSize;
  }

  /** Its bytes, those of the witness on demand. */
  write(writer: ByteWriter, withWitness: boolean): void {
    if (withWitness || !this.hasWitness) {
      writer.copy(this.#source, this.#from, this.#to);
      return;
    }
    const body = this.#from + versionSize;
    writer.copy(this.#source, this.#from, body);
    writer.copy(this.#source, body + witnessPrefix, this.#witnessFrom);
    writer.copy(this.#source, this.#to - lockTimeSize, this.#to);
  }
}

const versionSize = 4;
const lockTimeSize = 4;
/** Marker and flag. */
const witnessPrefix = 2;

function derivedOf(tx: Transaction): Derived {
  if (tx instanceof ReadTransaction) return tx.derived;
  let known = derived.get(tx);
  if (known === undefined) {
    known = {};
    derived.set(tx, known);
  }
  return known;
}

const noWitness: readonly Buffer[] = [];
const witnessMarker = 0;
const witnessFlag = 1;
const smallestInput = 41;
const smallestOutput = 9;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const readInput = (reader: ByteReader): Mutable<TxInput> => ({
  prevout: { hash: reader.hash(), index: reader.u32() },
  script: reader.varBytes(),
  sequence: reader.u32(),
  witness: noWitness,
});

export function readOutput(reader: ByteReader): TxOutput {
  const value = reader.wideI64();
  const script = reader.varBytes();
  return typeof value === "number" ? { value, script } : { value: Number(value), wideValue: value, script };
}

export const readOutputs = (reader: ByteReader): TxOutput[] => reader.list(smallestOutput, () => readOutput(reader));

const readWitness = (reader: ByteReader): readonly Buffer[] => reader.list(1, () => reader.varBytes());

function readWitnesses(reader: ByteReader, inputs: readonly Mutable<TxInput>[]): void {
  let count = 0;
  for (const input of inputs) {
    input.witness = readWitness(reader);
    count += input.witness.length;
  }
  if (count === 0) throw new BlockchainError("malformed", "superfluous witness record");
}

/**
 * Reads a transaction with or without witness, told apart as Bitcoin Core does: no inputs and a flag means witness. A transaction without
 * inputs can hence be read only without witness, with `witness: false`.
 */
export function readTransaction(reader: ByteReader, options: { readonly witness?: boolean } = {}): Transaction {
  const from = reader.offset;
  const version = reader.u32();
  let inputs = reader.list(smallestInput, () => readInput(reader));
  let extended = false;
  if (inputs.length === 0 && options.witness !== false) {
    const flag = reader.u8();
    if (flag !== witnessFlag && flag !== 0) throw new BlockchainError("malformed", "unknown transaction flag");
    if (flag === 0) return { version, inputs, outputs: [], lockTime: reader.u32() };
    extended = true;
    inputs = reader.list(smallestInput, () => readInput(reader));
  }
  const outputs = readOutputs(reader);
  const witnessFrom = extended ? reader.offset : 0;
  if (extended) readWitnesses(reader, inputs);
  const parts = { version, inputs, outputs, lockTime: reader.u32() };
  return new ReadTransaction(parts, reader.source, from, reader.offset, witnessFrom);
}

export function decodeTransaction(bytes: Uint8Array, options: { readonly witness?: boolean } = {}): Transaction {
  const reader = new Reader(bytes);
  const tx = readTransaction(reader, options);
  reader.finish();
  return tx;
}

export const hasWitness = (tx: Transaction): boolean =>
  tx instanceof ReadTransaction ? tx.hasWitness : tx.inputs.some((input) => input.witness.length > 0);

export function writeInput(writer: ByteWriter, input: TxInput): void {
  writer.bytes(input.prevout.hash).u32(input.prevout.index).varBytes(input.script).u32(input.sequence);
}

export function writeOutput(writer: ByteWriter, output: TxOutput): void {
  if (output.wideValue === undefined) writer.i64(output.value);
  else writer.u64(BigInt.asUintN(64, output.wideValue));
  writer.varBytes(output.script);
}

/** Writes with witness where there is one, unless `witness` is false. */
export function writeTransaction(
  writer: ByteWriter,
  tx: Transaction,
  options: { readonly witness?: boolean } = {},
): void {
  if (tx instanceof ReadTransaction) {
    tx.write(writer, options.witness !== false);
    return;
  }
  const extended = options.witness !== false && hasWitness(tx);
  writer.u32(tx.version);
  if (extended) writer.u8(witnessMarker).u8(witnessFlag);
  writer.list(tx.inputs, (input) => writeInput(writer, input));
  writer.list(tx.outputs, (output) => writeOutput(writer, output));
  if (extended) for (const input of tx.inputs) writer.list(input.witness, (item) => writer.varBytes(item));
  writer.u32(tx.lockTime);
}

export function encodeTransaction(tx: Transaction, options: { readonly witness?: boolean } = {}): Buffer {
  const writer = new ByteWriter(options.witness === false ? baseSize(tx) : totalSize(tx));
  writeTransaction(writer, tx, options);
  return writer.take();
}

/** The transaction's id: the hash of all but the witness, in internal byte order. Computed once. */
export function txid(tx: Transaction): Buffer {
  const known = derivedOf(tx);
  known.txid ??= sha256d(encodeTransaction(tx, { witness: false }));
  return known.txid;
}

/** The hash of all, witness included (BIP 141). Computed once. */
export function wtxid(tx: Transaction): Buffer {
  const known = derivedOf(tx);
  known.wtxid ??= hasWitness(tx) ? sha256d(encodeTransaction(tx)) : txid(tx);
  return known.wtxid;
}

const varBytesSize = (bytes: Uint8Array): number => compactSizeLength(bytes.length) + bytes.length;

/** Bytes without witness. */
export function baseSize(tx: Transaction): number {
  if (tx instanceof ReadTransaction) return tx.baseSize;
  const known = derivedOf(tx);
  if (known.baseSize === undefined) {
    let size = 8 + compactSizeLength(tx.inputs.length) + compactSizeLength(tx.outputs.length);
    for (const input of tx.inputs) size += 40 + varBytesSize(input.script);
    for (const output of tx.outputs) size += 8 + varBytesSize(output.script);
    known.baseSize = size;
  }
  return known.baseSize;
}

const witnessSize = (witness: readonly Buffer[]): number =>
  witness.reduce((size, item) => size + varBytesSize(item), compactSizeLength(witness.length));

/** Bytes with witness. */
export function totalSize(tx: Transaction): number {
  if (tx instanceof ReadTransaction) return tx.totalSize;
  const known = derivedOf(tx);
  if (known.totalSize === undefined) {
    let size = baseSize(tx);
    if (hasWitness(tx)) for (const input of tx.inputs) size += witnessSize(input.witness);
    known.totalSize = hasWitness(tx) ? size + 2 : size;
  }
  return known.totalSize;
}

/** BIP 141: bytes without witness count four times, the witness once. */
export const txWeight = (tx: Transaction): number => baseSize(tx) * 3 + totalSize(tx);

/** Virtual bytes, by which fees are set: a quarter of the weight, rounded up. */
export const txVsize = (tx: Transaction): number => Math.ceil(txWeight(tx) / 4);

/** Whether an input spends nothing, as only the input of a coinbase does. */
export const isNullOutPoint = (point: OutPoint): boolean =>
  point.index === 0xffffffff && point.hash.every((byte) => byte === 0);

export const isCoinbase = (tx: Transaction): boolean =>
  tx.inputs.length === 1 && isNullOutPoint((tx.inputs[0] as TxInput).prevout);

const keyBytes = Buffer.alloc(36);

/** An outpoint as a key of maps: one character per byte of its hash and its index, lowest first. */
export function outPointKey({ hash, index }: OutPoint): string {
  keyBytes.set(hash);
  keyBytes.writeUInt32LE(index, 32);
  return keyBytes.toString("latin1");
}
