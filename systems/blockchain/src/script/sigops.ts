/** Counting signature operations as blocks are limited by them (BIP 16, BIP 141). */
import type { Transaction, TxInput } from "../primitives/transaction.ts";
import { isCoinbase } from "../primitives/transaction.ts";
import { scriptFlag } from "./flags.ts";
import { op } from "./opcodes.ts";
import { isPushOnly, ScriptCursor } from "./parse.ts";
import { isPayToScriptHash, witnessProgram } from "./programs.ts";

/** Before segwit, operations count four times. */
const legacyFactor = 4;
const mostMultisigKeys = 20;

/**
 * Signature operations of a script. `accurate` takes a multisig's number of keys from the push before it; without, it counts as 20.
 * Counting ends where the script cannot be parsed.
 */
export function sigOpCount(script: Buffer, accurate: boolean): number {
  const cursor = new ScriptCursor(script);
  let count = 0;
  let previous = 0xff;
  while (!cursor.atEnd && cursor.next()) {
    const { code } = cursor;
    if (code === op.OP_CHECKSIG || code === op.OP_CHECKSIGVERIFY) count += 1;
    if (code === op.OP_CHECKMULTISIG || code === op.OP_CHECKMULTISIGVERIFY) {
      count += accurate && previous >= op.OP_1 && previous <= op.OP_16 ? previous - op.OP_1 + 1 : mostMultisigKeys;
    }
    previous = code;
  }
  return count;
}

/** Operations of a transaction's own scripts, inaccurately counted, each once. */
export function legacySigOps(tx: Transaction): number {
  let count = 0;
  for (const input of tx.inputs) count += sigOpCount(input.script, false);
  for (const output of tx.outputs) count += sigOpCount(output.script, false);
  return count;
}

/** The last push of a script of pushes: what a P2SH input redeems. */
export function lastPush(script: Buffer): Buffer | undefined {
  const cursor = new ScriptCursor(script);
  let last: Buffer | undefined;
  while (!cursor.atEnd) {
    if (!cursor.next() || cursor.code > op.OP_16) return undefined;
    last = cursor.data ?? Buffer.alloc(0);
  }
  return last;
}

function p2shSigOps(input: TxInput, spent: Buffer): number {
  const redeem = isPayToScriptHash(spent) ? lastPush(input.script) : undefined;
  return redeem === undefined ? 0 : sigOpCount(redeem, true);
}

function programSigOps(script: Buffer, witness: readonly Buffer[]): number {
  const program = witnessProgram(script);
  if (program?.version !== 0) return 0;
  if (program.program.length === 20) return 1;
  const inner = witness.at(-1);
  return program.program.length === 32 && inner !== undefined ? sigOpCount(inner, true) : 0;
}

/** Operations in an input's witness. */
export function witnessSigOps(input: TxInput, spent: Buffer, flags: number): number {
  if (!(flags & scriptFlag.WITNESS)) return 0;
  if (witnessProgram(spent) !== undefined) return programSigOps(spent, input.witness);
  if (!isPayToScriptHash(spent) || !isPushOnly(input.script)) return 0;
  const redeem = lastPush(input.script);
  return redeem === undefined ? 0 : programSigOps(redeem, input.witness);
}

/** The cost by which a block is limited to 80,000; `spent` are the output scripts that the inputs spend, in their order. */
export function sigOpCost(tx: Transaction, spent: readonly Buffer[], flags: number): number {
  let cost = legacySigOps(tx) * legacyFactor;
  if (isCoinbase(tx)) return cost;
  tx.inputs.forEach((input, i) => {
    const script = spent[i] as Buffer;
    if (flags & scriptFlag.P2SH) cost += p2shSigOps(input, script) * legacyFactor;
    cost += witnessSigOps(input, script, flags);
  });
  return cost;
}
