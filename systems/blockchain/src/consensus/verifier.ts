/**
 * Checks scripts: of a block's transactions on worker threads, in parallel; of a single small transaction right here, since handing it over
 * would cost about as much as checking it.
 */
import { availableParallelism } from "node:os";
import { hashText } from "../primitives/hash.ts";
import { type Transaction, type TxOutput, totalSize, txid } from "../primitives/transaction.ts";
import { consensusFlags } from "../script/flags.ts";
import type { ScriptError } from "../script/script-error.ts";
import { checkJobs, encodeBatch, type FailedInput, type ScriptJob } from "./script-batch.ts";
import { ScriptCache } from "./script-cache.ts";
import { ScriptPool } from "./script-pool.ts";

export interface VerifierOptions {
  /** Worker threads; as many as there are cores unless given. 0 checks everything in this thread. */
  readonly threads?: number;
  /** Transactions remembered as valid; 100,000 (some 12 MB) unless given. */
  readonly cacheEntries?: number;
}

/** A transaction with what it spends, in the order of its inputs. */
export interface SpendingTransaction {
  readonly tx: Transaction;
  readonly spent: readonly TxOutput[];
}

/** The first input found that may not spend what it spends. */
export interface InvalidScript {
  readonly txid: Buffer;
  readonly input: number;
  readonly error: ScriptError;
}

export interface Verifier {
  /**
   * Resolves with undefined if all scripts are valid. What passes is remembered when `remember` is set: for transactions of the mempool,
   * which will be seen again in a block.
   */
  verify(
    transactions: readonly SpendingTransaction[],
    options?: { readonly flags?: number; readonly remember?: boolean },
  ): Promise<InvalidScript | undefined>;
  /**
   * The same for one transaction, at once and in this thread: for the mempool, whose answer must be true of the tip of the moment. One of more
   * than `inlineBytes` is given to `verify` before, so that this finds it remembered: it could hold this thread for a second.
   */
  verifyNow(
    transaction: SpendingTransaction,
    options?: { readonly flags?: number; readonly remember?: boolean },
  ): InvalidScript | undefined;
  /** Ends the threads; idempotent. */
  close(): Promise<void>;
}

/** Up to so many bytes in all are checked in this thread: some milliseconds at worst. */
export const inlineBytes = 1000;
/** Inputs in a batch: a few milliseconds' work, so that threads end at about the same time and messages cost nothing beside it. */
const inputsPerBatch = 64;
/** In how many parts one transaction is checked at most: each gets it whole, since its hashes are of all of it. */
const partsOfTransaction = 8;

export function createVerifier(options: VerifierOptions = {}): Verifier {
  const threads = options.threads ?? availableParallelism();
  const cache = new ScriptCache(options.cacheEntries ?? 100_000);
  const pool = new ScriptPool(threads);
  return {
    async verify(transactions, { flags = consensusFlags, remember = false } = {}) {
      const unknown = transactions.filter(({ tx }) => !cache.has(tx, flags));
      const failed = await check(unknown, flags, threads > 0 ? pool : undefined);
      if (failed !== undefined) return named(unknown, failed);
      if (remember) for (const { tx } of unknown) cache.add(tx, flags);
      return undefined;
    },
    verifyNow(transaction, { flags = consensusFlags, remember = false } = {}) {
      if (cache.has(transaction.tx, flags)) return undefined;
      const failed = checkJobs(jobsOf([transaction]), flags);
      if (failed !== undefined) return named([transaction], failed);
      if (remember) cache.add(transaction.tx, flags);
      return undefined;
    },
    close: () => pool.close(),
  };
}

const named = (transactions: readonly SpendingTransaction[], { place, input, error }: FailedInput): InvalidScript => ({
  txid: txid((transactions[place] as SpendingTransaction).tx),
  input,
  error,
});

/** For people: which script fails, and why. */
export const invalidScriptText = ({ txid: id, input, error }: InvalidScript): string =>
  `${error} in input ${input} of ${hashText(id)}`;

async function check(
  transactions: readonly SpendingTransaction[],
  flags: number,
  pool: ScriptPool | undefined,
): Promise<FailedInput | undefined> {
  const bytes = transactions.reduce((sum, { tx }) => sum + totalSize(tx), 0);
  if (pool === undefined || bytes <= inlineBytes) return checkJobs(jobsOf(transactions), flags);
  let failed: FailedInput | undefined;
  const results = batchesOf(transactions).map(async (batch) => {
    // Once one has failed, those that still wait have nothing to decide.
    const result = await pool.run(() => encodeBatch(failed === undefined ? batch : [], flags), batchBytes(batch));
    if (result !== undefined && (failed === undefined || isBefore(result, failed))) failed = result;
  });
  await allSettled(results);
  return failed;
}

/** Waits for all, then fails if one did: nothing of this check is left running when its caller goes on. */
async function allSettled(all: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(all);
  const wrong = results.find((result) => result.status === "rejected");
  if (wrong !== undefined) throw wrong.reason;
}

const isBefore = (a: FailedInput, b: FailedInput): boolean =>
  a.place < b.place || (a.place === b.place && a.input < b.input);

const batchBytes = (batch: readonly ScriptJob[]): number => batch.reduce((sum, { tx }) => sum + totalSize(tx), 0);

function* jobsOf(transactions: readonly SpendingTransaction[]): Generator<ScriptJob> {
  for (const [place, { tx, spent }] of transactions.entries()) {
    const size = Math.max(inputsPerBatch, Math.ceil(tx.inputs.length / partsOfTransaction));
    for (let from = 0; from < tx.inputs.length; from += size) {
      yield { tx, spent, place, fromInput: from, toInput: Math.min(from + size, tx.inputs.length) };
    }
  }
}

/** Jobs together until a batch is full. */
function batchesOf(transactions: readonly SpendingTransaction[]): ScriptJob[][] {
  const batches: ScriptJob[][] = [];
  let room = 0;
  for (const job of jobsOf(transactions)) {
    const inputs = job.toInput - job.fromInput;
    if (inputs > room) {
      batches.push([]);
      room = inputsPerBatch;
    }
    (batches.at(-1) as ScriptJob[]).push(job);
    room -= inputs;
  }
  return batches;
}
