/** The scripts of one transaction, at once and in this thread: what a wallet or a peer sends one by one needs no workers. */
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

export type VerifyScripts = (tx: Transaction, coins: readonly Coin[], isStandard: boolean) => ScriptFault | undefined;

/** What passes is remembered, so that it isn't checked again in a block. */
export const scriptVerifier =
  (verifier: Pick<Verifier, "verifyNow">): VerifyScripts =>
  (tx, spent, isStandard) => {
    const transaction = { tx, spent };
    const flags = isStandard ? standardFlags : consensusFlags;
    const invalid = verifier.verifyNow(transaction, { flags, remember: true });
    if (!invalid) return undefined;
    const isConsensus = !isStandard || verifier.verifyNow(transaction, { flags: consensusFlags }) !== undefined;
    return { error: invalid.error, input: invalid.input, isConsensus };
  };
