/** A batch of inputs to check, as bytes that go to another thread. */
import { ByteReader, ByteWriter } from "../primitives/bytes.ts";
import {
  readOutputs,
  readTransaction,
  type Transaction,
  type TxInput,
  type TxOutput,
  totalSize,
  writeOutput,
  writeTransaction,
} from "../primitives/transaction.ts";
import { TransactionChecker } from "../script/checker.ts";
import { verifyScript } from "../script/interpreter.ts";
import type { ScriptError } from "../script/script-error.ts";
import { Spending } from "../script/spending.ts";

/** Some inputs of a transaction. */
export interface ScriptJob {
  readonly tx: Transaction;
  /** What all of the transaction's inputs spend, in their order. */
  readonly spent: readonly TxOutput[];
  /** The transaction's place among those checked together, to name a failure. */
  readonly place: number;
  readonly fromInput: number;
  readonly toInput: number;
}

export interface FailedInput {
  readonly place: number;
  readonly input: number;
  readonly error: ScriptError;
}

/** Checks inputs one after the other, up to the first that fails. */
export function checkJob({ tx, spent, place, fromInput, toInput }: ScriptJob, flags: number): FailedInput | undefined {
  const spending = new Spending(tx, spent);
  for (let i = fromInput; i < toInput; i++) {
    const { script, witness } = tx.inputs[i] as TxInput;
    const checked = { script, witness, spent: (spent[i] as TxOutput).script };
    const error = verifyScript(checked, flags, new TransactionChecker(spending, i));
    if (error !== undefined) return { place, input: i, error };
  }
  return undefined;
}

export function checkJobs(jobs: Iterable<ScriptJob>, flags: number): FailedInput | undefined {
  for (const job of jobs) {
    const failed = checkJob(job, flags);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

/** Bytes of a job at most: two numbers of compact size take up to 9 bytes, those of an output and its script 13. */
const sizeOf = ({ tx, spent }: ScriptJob): number =>
  spent.reduce((size, { script }) => size + script.length + 13, totalSize(tx) + 21);

/** In memory of its own, that may be handed over to another thread. */
export function encodeBatch(jobs: readonly ScriptJob[], flags: number): ArrayBuffer {
  const memory = new ArrayBuffer(jobs.reduce((size, job) => size + sizeOf(job), 8));
  const writer = new ByteWriter(Buffer.from(memory));
  writer.u32(flags).u32(jobs.length);
  for (const { tx, spent, place, fromInput, toInput } of jobs) {
    writer.u32(place).u32(fromInput).u32(toInput);
    writeTransaction(writer, tx);
    writer.list(spent, (output) => writeOutput(writer, output));
  }
  return memory;
}

const readJob = (reader: ByteReader): ScriptJob => ({
  place: reader.u32(),
  fromInput: reader.u32(),
  toInput: reader.u32(),
  tx: readTransaction(reader),
  spent: readOutputs(reader),
});

/** What another thread does with a batch. */
export function checkBatch(batch: ArrayBuffer): FailedInput | undefined {
  const reader = new ByteReader(Buffer.from(batch));
  const flags = reader.u32();
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    const failed = checkJob(readJob(reader), flags);
    if (failed !== undefined) return failed;
  }
  return undefined;
}
