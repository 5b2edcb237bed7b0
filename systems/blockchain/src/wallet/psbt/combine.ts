/** The combiner and joiner of PSBTs. */
import { txid } from "../../primitives/transaction.ts";
import { badPsbt } from "./maps.ts";
import type { Psbt } from "./psbt.ts";

const MOST = 100;

/** One PSBT with the fields of all, which must be of one transaction. Where two differ in a field, the first stands. */
export function combinePsbts(psbts: readonly Psbt[]): Psbt {
  const [first, ...others] = psbts;
  if (!first) throw badPsbt("Parameter 'txs' cannot be empty");
  if (psbts.length > MOST) throw badPsbt(`at most ${MOST} are combined at once`);
  return others.reduce(combineTwo, first);
}

function combineTwo(a: Psbt, b: Psbt): Psbt {
  if (!txid(a.transaction).equals(txid(b.transaction))) throw badPsbt("PSBTs not compatible (different transactions)");
  return {
    transaction: a.transaction,
    global: a.global.merge(b.global),
    inputs: a.inputs.map((map, index) => map.merge(b.inputs[index]!)),
    outputs: a.outputs.map((map, index) => map.merge(b.outputs[index]!)),
  };
}
