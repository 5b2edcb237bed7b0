/** Rows of Bitcoin Core's transaction tests: `[[[id, index, script, amount?]…], transaction, flags]`. */

import { checkTransaction } from "../../src/consensus/transaction-checks.ts";
import { hashFromText } from "../../src/primitives/hash.ts";
import { decodeTransaction, outPointKey, type Transaction, type TxOutput } from "../../src/primitives/transaction.ts";
import { TransactionChecker } from "../../src/script/checker.ts";
import { scriptFlag } from "../../src/script/flags.ts";
import { verifyScript } from "../../src/script/interpreter.ts";
import { Spending } from "../../src/script/spending.ts";
import { assemble } from "./assembly.ts";

export interface TransactionCase {
  readonly tx: Transaction;
  readonly spent: readonly TxOutput[];
  readonly flags: string;
}

export function readTransactionCase(row: readonly unknown[]): TransactionCase {
  const [prevouts, hex, flags] = row as [[string, number, string, number?][], string, string];
  const outputs = new Map<string, TxOutput>();
  for (const [id, index, script, value] of prevouts) {
    const point = { hash: hashFromText(id) as Buffer, index: index >>> 0 };
    outputs.set(outPointKey(point), { value: value ?? 0, script: assemble(script) });
  }
  const tx = decodeTransaction(Buffer.from(hex, "hex"));
  const spent = tx.inputs.map(({ prevout }) => outputs.get(outPointKey(prevout)) as TxOutput);
  return { tx, spent, flags };
}

/** Whether the transaction is valid by itself. */
export const isWellFormed = ({ tx }: TransactionCase): boolean => checkTransaction(tx) === undefined;

/** Whether all inputs may spend what they spend. */
export function scriptsPass({ tx, spent }: TransactionCase, flags: number): boolean {
  const spending = new Spending(tx, spent);
  return tx.inputs.every((input, i) => {
    const checked = { script: input.script, witness: input.witness, spent: (spent[i] as TxOutput).script };
    return verifyScript(checked, flags, new TransactionChecker(spending, i)) === undefined;
  });
}

/** Flags without those that need another that isn't there. */
export function trimFlags(flags: number): number {
  const trimmed = flags & scriptFlag.P2SH ? flags : flags & ~scriptFlag.WITNESS;
  return trimmed & scriptFlag.WITNESS ? trimmed : trimmed & ~scriptFlag.CLEANSTACK;
}

/** Flags with those that they need. */
export function fillFlags(flags: number): number {
  const filled = flags & scriptFlag.CLEANSTACK ? flags | scriptFlag.WITNESS : flags;
  return filled & scriptFlag.WITNESS ? filled | scriptFlag.P2SH : filled;
}
