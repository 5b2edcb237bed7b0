/** The scripts of one transaction: at once and in this thread, and, before that, those of a large one by worker threads. */
import type { Coin } from "../chain/types.ts";
import type { Verifier } from "../consensus/verifier.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { consensusFlags, standardFlags } from "../script/flags.ts";
import type { ScriptError } from "../script/script-error.ts";

export interface ScriptFault {
  readonly error: ScriptError;
  readonly input: number;
  /** Fails by the rules for blocks too, not only by those for relaying. */
  readonly isConsensus: boolean;
}

export interface ScriptVerifier {
  verifyScripts(tx: Transaction, coins: readonly Coin[], isStandard: boolean): ScriptFault | undefined;
  /** The same by worker threads; `verifyScripts` then has the answer of what passed. Rejects when too much waits for them. */
  verifyAhead(tx: Transaction, coins: readonly Coin[], isStandard: boolean): Promise<ScriptFault | undefined>;
}

/** What passes is remembered, so that it isn't checked again, in a block for one. */
export function scriptVerifier(verifier: Pick<Verifier, "verify" | "verifyNow">): ScriptVerifier {
  const flagsOf = (isStandard: boolean): number => (isStandard ? standardFlags : consensusFlags);
  return {
    verifyScripts(tx, spent, isStandard) {
      const transaction = { tx, spent };
      const invalid = verifier.verifyNow(transaction, { flags: flagsOf(isStandard), remember: true });
      if (!invalid) return undefined;
      const isConsensus = !isStandard || verifier.verifyNow(transaction, { flags: consensusFlags }) !== undefined;
      return { error: invalid.error, input: invalid.input, isConsensus };
    },
    async verifyAhead(tx, spent, isStandard) {
      const transactions = [{ tx, spent }];
      const invalid = await verifier.verify(transactions, { flags: flagsOf(isStandard), remember: true });
      if (!invalid) return undefined;
      const isConsensus = !isStandard || (await verifier.verify(transactions, { flags: consensusFlags })) !== undefined;
      return { error: invalid.error, input: invalid.input, isConsensus };
    },
  };
}
