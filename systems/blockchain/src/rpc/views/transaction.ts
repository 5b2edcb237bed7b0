/** Transactions as JSON-RPC shows them. */
import type { AddressPrefixes } from "../../address/prefixes.ts";
import type { Coin } from "../../chain/types.ts";
import { hashText } from "../../primitives/hash.ts";
import {
  encodeTransaction,
  isCoinbase,
  type Transaction,
  type TxInput,
  totalSize,
  txid,
  txVsize,
  txWeight,
  wtxid,
} from "../../primitives/transaction.ts";
import { coins } from "./numbers.ts";
import { scriptText, scriptView } from "./script.ts";

/** `spent` are the coins of its inputs, where they are known and wanted. */
export function transactionView(
  tx: Transaction,
  prefixes: AddressPrefixes,
  spent?: readonly Coin[],
): Readonly<Record<string, unknown>> {
  return {
    txid: hashText(txid(tx)),
    hash: hashText(wtxid(tx)),
    version: tx.version,
    size: totalSize(tx),
    vsize: txVsize(tx),
    weight: txWeight(tx),
    locktime: tx.lockTime,
    vin: tx.inputs.map((input, index) => inputView(tx, input, prefixes, spent?.[index])),
    vout: tx.outputs.map(({ value, script }, n) => ({
      value: coins(value),
      n,
      scriptPubKey: scriptView(script, prefixes),
    })),
    ...feeOf(tx, spent),
    hex: encodeTransaction(tx).toString("hex"),
  };
}

function inputView(tx: Transaction, input: TxInput, prefixes: AddressPrefixes, coin: Coin | undefined): object {
  const { prevout, script, sequence, witness } = input;
  const txinwitness = witness.length > 0 ? { txinwitness: witness.map((item) => item.toString("hex")) } : {};
  if (isCoinbase(tx)) return { coinbase: script.toString("hex"), ...txinwitness, sequence };
  return {
    txid: hashText(prevout.hash),
    vout: prevout.index,
    scriptSig: { asm: scriptText(script), hex: script.toString("hex") },
    ...txinwitness,
    ...(coin && { prevout: prevoutView(coin, prefixes) }),
    sequence,
  };
}

const prevoutView = ({ isCoinbase: generated, height, value, script }: Coin, prefixes: AddressPrefixes): object => ({
  generated,
  height,
  value: coins(value),
  scriptPubKey: scriptView(script, prefixes),
});

function feeOf(tx: Transaction, spent: readonly Coin[] | undefined): { readonly fee?: number } {
  if (spent === undefined || spent.length !== tx.inputs.length || isCoinbase(tx)) return {};
  const paid = spent.reduce((sum, { value }) => sum + value, 0);
  return { fee: coins(tx.outputs.reduce((left, { value }) => left - value, paid)) };
}
