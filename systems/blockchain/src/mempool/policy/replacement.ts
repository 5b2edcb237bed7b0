/** Replacing what waits by what pays more: the rules of BIP 125, as Bitcoin Core applies them. */
import { hashText } from "../../primitives/hash.ts";
import type { PoolEntry } from "../graph/entry.ts";
import type { PoolGraph } from "../graph/graph.ts";
import type { MempoolPolicy } from "../types.ts";
import { feeAt } from "./policy.ts";

export interface Replacement {
  readonly candidate: PoolEntry;
  /** Entries that spend what the candidate spends. */
  readonly conflicts: ReadonlySet<PoolEntry>;
  /** Those, and all that depends on them. */
  readonly replaced: ReadonlySet<PoolEntry>;
  /** The candidate's own, in the pool. */
  readonly ancestors: ReadonlySet<PoolEntry>;
}

export interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

const refusal = (reason: string, detail = ""): Refusal => ({ reason, detail });

/** Rule 1: the conflicts must allow it. */
export function checkSignals(conflicts: Iterable<PoolEntry>, policy: MempoolPolicy): Refusal | undefined {
  if (policy.replacement === "all") return undefined;
  for (const conflict of conflicts) {
    if (policy.replacement === "none" || !conflict.isReplaceable) return refusal("txn-mempool-conflict");
  }
  return undefined;
}

/** Rules 2 to 5, and that the new one does not depend on what it replaces. */
export function checkReplacement(
  replacement: Replacement,
  graph: PoolGraph,
  policy: MempoolPolicy,
): Refusal | undefined {
  const { candidate, conflicts, replaced, ancestors } = replacement;
  for (const ancestor of ancestors) {
    if (conflicts.has(ancestor)) {
      return refusal("bad-txns-spends-conflicting-tx", `${hashText(candidate.txid)} spends conflicting transaction`);
    }
  }
  if (replaced.size > policy.maxReplaced) {
    return refusal("too many potential replacements", `${replaced.size} > ${policy.maxReplaced}`);
  }
  return checkInputs(replacement, graph) ?? checkFees(replacement, policy);
}

/** Rule 2: no input that waits, unless the replaced had it. */
function checkInputs({ candidate, conflicts }: Replacement, graph: PoolGraph): Refusal | undefined {
  const known = new Set([...conflicts].flatMap(({ parents }) => [...parents]));
  for (const [index, { prevout }] of candidate.tx.inputs.entries()) {
    const parent = graph.get(prevout.hash);
    if (parent && !known.has(parent)) {
      return refusal(
        "replacement-adds-unconfirmed",
        `${hashText(candidate.txid)} adds unconfirmed input, idx ${index}`,
      );
    }
  }
  return undefined;
}

/** Rules 3 and 4: more fees than all that it replaces, and enough more for its own bytes; and a higher rate than each conflict. */
function checkFees({ candidate, conflicts, replaced }: Replacement, policy: MempoolPolicy): Refusal | undefined {
  const fee = candidate.modifiedFee;
  for (const conflict of conflicts) {
    if (fee * conflict.vsize <= conflict.modifiedFee * candidate.vsize) {
      return refusal("insufficient fee", `new feerate not above that of ${hashText(conflict.txid)}`);
    }
  }
  const paid = [...replaced].reduce((sum, entry) => sum + entry.modifiedFee, 0);
  if (fee < paid) return refusal("insufficient fee", `less fees than conflicting txs; ${fee} < ${paid}`);
  const least = feeAt(policy.incrementalFeeRate, candidate.vsize);
  return fee - paid < least
    ? refusal("insufficient fee", `not enough additional fees to relay; ${fee - paid} < ${least}`)
    : undefined;
}
