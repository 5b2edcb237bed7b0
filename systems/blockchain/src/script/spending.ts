/** A transaction with the outputs that it spends, and the hashes over all of it that the signatures of its inputs share. */
import { ByteWriter } from "../primitives/bytes.ts";
import { sha256 } from "../primitives/hash.ts";
import { type Transaction, type TxOutput, writeOutput } from "../primitives/transaction.ts";

/**
 * Each of the shared hashes is computed once, when a signature first needs it: without, a transaction of n inputs would hash n² bytes.
 * Segwit v0 uses them hashed once more.
 */
export class Spending {
  readonly tx: Transaction;
  /** The outputs spent, in the order of the inputs. */
  readonly spent: readonly TxOutput[];
  readonly #known = new Map<keyof typeof parts, Buffer>();

  constructor(tx: Transaction, spent: readonly TxOutput[]) {
    this.tx = tx;
    this.spent = spent;
  }

  /** SHA-256 over one part of all inputs or outputs. */
  hash(part: keyof typeof parts): Buffer {
    let known = this.#known.get(part);
    if (known === undefined) {
      const base = part.endsWith("2") ? (part.slice(0, -1) as SinglePart) : undefined;
      known = sha256(base === undefined ? this.#written(part) : this.hash(base));
      this.#known.set(part, known);
    }
    return known;
  }

  #written(part: keyof typeof parts): Buffer {
    const writer = new ByteWriter(36 * this.tx.inputs.length + 16);
    parts[part](writer, this);
    return writer.take();
  }
}

type Part = (writer: ByteWriter, spending: Spending) => void;

const prevouts: Part = (writer, { tx }) => {
  for (const { prevout } of tx.inputs) writer.bytes(prevout.hash).u32(prevout.index);
};
const sequences: Part = (writer, { tx }) => {
  for (const { sequence } of tx.inputs) writer.u32(sequence);
};
const outputs: Part = (writer, { tx }) => {
  for (const output of tx.outputs) writeOutput(writer, output);
};
const amounts: Part = (writer, { spent }) => {
  for (const { value } of spent) writer.i64(value);
};
const scripts: Part = (writer, { spent }) => {
  for (const { script } of spent) writer.varBytes(script);
};

const parts = {
  prevouts,
  sequences,
  outputs,
  amounts,
  scripts,
  prevouts2: prevouts,
  sequences2: sequences,
  outputs2: outputs,
};
type SinglePart = "prevouts" | "sequences" | "outputs";
