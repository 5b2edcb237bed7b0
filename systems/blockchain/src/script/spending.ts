/** A transaction with the outputs that it spends, and the hashes over all of it that the signatures of its inputs share. */
import { ByteWriter } from "../primitives/bytes.ts";
import { sha256 } from "../primitives/hash.ts";
import { type Transaction, type TxOutput, writeOutput } from "../primitives/transaction.ts";

/**
 * Each of the shared hashes is computed once, when a signature first needs it: without, a transaction of n inputs would hash n² bytes.
 * Segwit v0 uses three of them hashed once more.
 */
export class Spending {
  readonly tx: Transaction;
  /** The outputs spent, in the order of the inputs. */
  readonly spent: readonly TxOutput[];
  #prevouts: Buffer | undefined;
  #sequences: Buffer | undefined;
  #outputs: Buffer | undefined;
  #amounts: Buffer | undefined;
  #scripts: Buffer | undefined;
  #twice: TwiceHashed | undefined;

  constructor(tx: Transaction, spent: readonly TxOutput[]) {
    this.tx = tx;
    this.spent = spent;
  }

  /** SHA-256 of the outputs' places that all inputs spend. */
  get prevouts(): Buffer {
    this.#prevouts ??= hashOf(this.tx.inputs, 36, (w, { prevout }) => w.bytes(prevout.hash).u32(prevout.index));
    return this.#prevouts;
  }

  get sequences(): Buffer {
    this.#sequences ??= hashOf(this.tx.inputs, 4, (w, { sequence }) => w.u32(sequence));
    return this.#sequences;
  }

  get outputs(): Buffer {
    this.#outputs ??= hashOf(this.tx.outputs, 43, writeOutput);
    return this.#outputs;
  }

  /** Of the amounts spent. */
  get amounts(): Buffer {
    this.#amounts ??= hashOf(this.spent, 8, (w, { value }) => w.i64(value));
    return this.#amounts;
  }

  /** Of the scripts of the outputs spent. */
  get scripts(): Buffer {
    this.#scripts ??= hashOf(this.spent, 35, (w, { script }) => w.varBytes(script));
    return this.#scripts;
  }

  /** What segwit v0 signs, of which all three are mostly needed. */
  get twice(): TwiceHashed {
    this.#twice ??= {
      prevouts: sha256(this.prevouts),
      sequences: sha256(this.sequences),
      outputs: sha256(this.outputs),
    };
    return this.#twice;
  }
}

interface TwiceHashed {
  readonly prevouts: Buffer;
  readonly sequences: Buffer;
  readonly outputs: Buffer;
}

function hashOf<T>(all: readonly T[], usualSize: number, write: (writer: ByteWriter, element: T) => void): Buffer {
  const writer = new ByteWriter(usualSize * all.length);
  for (const element of all) write(writer, element);
  return sha256(writer.take());
}
