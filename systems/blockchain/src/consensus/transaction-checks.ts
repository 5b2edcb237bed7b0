/** What can be said of a transaction by itself. */
import {
  baseSize,
  isCoinbase,
  isNullOutPoint,
  outPointKey,
  type Transaction,
  type TxOutput,
} from "../primitives/transaction.ts";
import { isMoney, maxBlockWeight, maxMoney, witnessScaleFactor } from "./limits.ts";
import { type Rejection, rejection } from "./rejection.ts";

/** Checks everything that needs neither the chain nor the outputs spent. */
export function checkTransaction(tx: Transaction): Rejection | undefined {
  if (tx.inputs.length === 0) return rejection("bad-txns-vin-empty");
  if (tx.outputs.length === 0) return rejection("bad-txns-vout-empty");
  if (baseSize(tx) * witnessScaleFactor > maxBlockWeight) return rejection("bad-txns-oversize");
  return checkOutputs(tx.outputs) ?? checkInputs(tx);
}

function checkOutputs(outputs: readonly TxOutput[]): Rejection | undefined {
  let total = 0;
  for (const { value } of outputs) {
    if (value < 0) return rejection("bad-txns-vout-negative");
    if (value > maxMoney) return rejection("bad-txns-vout-toolarge");
    total += value;
    if (!isMoney(total)) return rejection("bad-txns-txouttotal-toolarge");
  }
  return undefined;
}

function checkInputs(tx: Transaction): Rejection | undefined {
  if (hasDuplicateInput(tx)) return rejection("bad-txns-inputs-duplicate");
  if (isCoinbase(tx)) {
    const size = tx.inputs[0]?.script.length ?? 0;
    return size < 2 || size > 100 ? rejection("bad-cb-length") : undefined;
  }
  return tx.inputs.some(({ prevout }) => isNullOutPoint(prevout)) ? rejection("bad-txns-prevout-null") : undefined;
}

/** The check whose lack let coins be spent twice in one transaction (CVE-2018-17144). */
function hasDuplicateInput({ inputs }: Transaction): boolean {
  if (inputs.length === 1) return false;
  return new Set(inputs.map(({ prevout }) => outPointKey(prevout))).size !== inputs.length;
}
