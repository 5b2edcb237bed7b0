/**
 * Whether a transaction may wait in the pool: what it is by itself, what it spends, what it pays, whom it depends on, whom it displaces, and
 * last, because it costs most, its scripts. Nothing changes here. The order and the words are Bitcoin Core's.
 */
import type { ChainView, Coin } from "../chain/types.ts";
import { isFinal } from "../consensus/locks.ts";
import { checkSpend, locksSatisfied, scriptsOf } from "../consensus/spend-checks.ts";
import { checkTransaction } from "../consensus/transaction-checks.ts";
import { baseSize, isCoinbase, type OutPoint, type Transaction, txid, wtxid } from "../primitives/transaction.ts";
import { mempoolFailure } from "../script/error-text.ts";
import { standardFlags } from "../script/flags.ts";
import { sigOpCost } from "../script/sigops.ts";
import { PoolEntry } from "./graph/entry.ts";
import type { PoolGraph } from "./graph/graph.ts";
import { feeAt } from "./policy/policy.ts";
import { checkReplacement, checkSignals } from "./policy/replacement.ts";
import { checkStandard, checkStandardInputs } from "./policy/standard.ts";
import type { AcceptOptions, AcceptResult, MempoolPolicy } from "./types.ts";
import type { ScriptFault, ScriptVerifier } from "./verify.ts";

const MAX_SIGOP_COST = 16_000;
/** Less, without witness, could be mistaken for an inner node of a merkle tree, whatever the policy. */
const MIN_BASE_BYTES = 65;

export interface AdmissionParts {
  readonly chain: ChainView;
  readonly graph: PoolGraph;
  readonly policy: MempoolPolicy;
  readonly scripts: ScriptVerifier;
  readonly now: () => number;
  /** What the pool asks for now, in satoshis per 1000 virtual bytes; 0 while it has room. */
  readonly rollingMinimum: () => number;
  /** Added to a transaction's fee by hand. */
  readonly feeDelta: (txid: Buffer) => number;
}

export interface Admitted {
  readonly ok: true;
  readonly entry: PoolEntry;
  readonly replaced: ReadonlySet<PoolEntry>;
}

export type Refused = Exclude<AcceptResult, { readonly ok: true }>;

export const refused = (reason: string, detail = "", isInvalid = false): Refused => ({
  ok: false,
  kind: "rejected",
  reason,
  detail,
  isInvalid,
});

export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  judge(tx: Transaction, options: AcceptOptions = {}): Admitted | Refused {
    const result = this.#judgeButScripts(tx, options);
    if (!result.ok) return result;
    const { scripts, policy } = this.#parts;
    return refusalOf(scripts.verifyScripts(tx, result.entry.coins, policy.requireStandard)) ?? result;
  }

  /**
   * Has worker threads check the scripts of what would be taken otherwise, so that `judge` has only the rest to look at, which may have changed
   * meanwhile. Undefined if there is nothing wrong with them, or something with the rest: that is for `judge` to say.
   */
  async judgeScriptsAhead(tx: Transaction, options: AcceptOptions = {}): Promise<Refused | undefined> {
    const result = this.#judgeButScripts(tx, options);
    if (!result.ok) return undefined;
    const { scripts, policy } = this.#parts;
    return refusalOf(await scripts.verifyAhead(tx, result.entry.coins, policy.requireStandard));
  }

  #judgeButScripts(tx: Transaction, options: AcceptOptions): Admitted | Refused {
    const wrong = this.#judgeAlone(tx) ?? this.#judgeKnown(tx);
    if (wrong) return wrong;
    const { graph, policy } = this.#parts;
    const conflicts = new Set(tx.inputs.flatMap(({ prevout }) => graph.spender(prevout) ?? []));
    const unwilling = checkSignals(conflicts, policy);
    if (unwilling) return refused(unwilling.reason, unwilling.detail);
    const coins = this.#coins(tx);
    if ("ok" in coins) return coins;
    const entry = this.entryOf(tx, coins);
    if ("ok" in entry) return entry;
    return this.#judgeFees(entry, options) ?? this.#judgePlace(entry, conflicts);
  }

  /**
   * The entry of a transaction whose coins are known: checks what it spends, but neither fees nor scripts. `isReturning` for one out of a
   * block: whether locks and coinbases allow it into the next is asked when the reorganisation is over.
   */
  entryOf(tx: Transaction, coins: readonly Coin[], { isReturning = false } = {}): PoolEntry | Refused {
    const { chain, policy, now, feeDelta } = this.#parts;
    const { tip } = chain;
    if (!isReturning && !locksSatisfied(tx, coins, tip)) return refused("non-BIP68-final");
    const height = isReturning ? Number.POSITIVE_INFINITY : tip.height + 1;
    const fee = checkSpend(chain.network, tx, coins, height);
    if (typeof fee !== "number") return refused(fee.reason, fee.detail, fee.blame === "consensus");
    if (policy.requireStandard) {
      const reason = checkStandardInputs(tx, coins);
      if (reason) return refused(reason);
    }
    const sigopCost = sigOpCost(tx, scriptsOf(coins), standardFlags);
    if (sigopCost > MAX_SIGOP_COST) return refused("bad-txns-too-many-sigops", String(sigopCost));
    const entry = new PoolEntry({ tx, coins, fee, sigopCost, time: now(), height: tip.height });
    entry.feeDelta = feeDelta(entry.txid);
    entry.ancestors.fees = entry.modifiedFee;
    entry.descendants.fees = entry.modifiedFee;
    return entry;
  }

  /** What an input would spend, of the pool or the chain; spent in the pool or not. */
  coinOf(outpoint: OutPoint): Coin | undefined {
    const { chain, graph } = this.#parts;
    const output = graph.get(outpoint.hash)?.tx.outputs[outpoint.index];
    // As if in the next block, which it would be in at the earliest.
    if (output) return { ...output, height: chain.tip.height + 1, isCoinbase: false };
    return chain.coin(outpoint);
  }

  #judgeAlone(tx: Transaction): Refused | undefined {
    const { policy, chain } = this.#parts;
    const wrong = checkTransaction(tx);
    if (wrong) return refused(wrong.reason, wrong.detail, true);
    if (isCoinbase(tx)) return refused("coinbase", "", true);
    if (policy.requireStandard) {
      const reason = checkStandard(tx, policy.dustFeeRate);
      if (reason) return refused(reason);
    }
    if (baseSize(tx) < MIN_BASE_BYTES) return refused("tx-size-small");
    const { tip } = chain;
    return isFinal(tx, tip.height + 1, chain.medianTimePast(tip)) ? undefined : refused("non-final");
  }

  #judgeKnown(tx: Transaction): Refused | undefined {
    const { graph } = this.#parts;
    if (graph.getByWtxid(wtxid(tx))) return refused("txn-already-in-mempool");
    return graph.get(txid(tx)) ? refused("txn-same-nonwitness-data-in-mempool") : undefined;
  }

  #coins(tx: Transaction): readonly Coin[] | Refused {
    const { chain } = this.#parts;
    const coins: Coin[] = [];
    const missing = new Map<string, Buffer>();
    for (const { prevout } of tx.inputs) {
      const coin = this.coinOf(prevout);
      if (coin) coins.push(coin);
      else missing.set(prevout.hash.toString("latin1"), prevout.hash);
    }
    if (missing.size === 0) return coins;
    const hash = txid(tx);
    const isConfirmed = tx.outputs.some((_, index) => chain.coin({ hash, index }));
    if (isConfirmed) return refused("txn-already-known");
    return { ok: false, kind: "orphan", reason: "missing-inputs", missing: [...missing.values()] };
  }

  #judgeFees(entry: PoolEntry, { maxFeeRate }: AcceptOptions): Refused | undefined {
    const { policy, rollingMinimum } = this.#parts;
    const fee = entry.modifiedFee;
    const rolling = feeAt(rollingMinimum(), entry.vsize);
    if (fee < rolling) return refused("mempool min fee not met", `${fee} < ${rolling}`);
    const relay = feeAt(policy.minRelayFeeRate, entry.vsize);
    if (fee < relay) return refused("min relay fee not met", `${fee} < ${relay}`);
    const isTooMuch = maxFeeRate !== undefined && maxFeeRate > 0 && entry.fee > feeAt(maxFeeRate, entry.vsize);
    return isTooMuch ? refused("max-fee-exceeded") : undefined;
  }

  #judgePlace(entry: PoolEntry, conflicts: ReadonlySet<PoolEntry>): Admitted | Refused {
    const { graph, policy } = this.#parts;
    const replaced = graph.withDescendants(conflicts);
    const ancestors = graph.ancestorsOf(entry.tx.inputs, policy.maxAncestors - 1);
    const tooLong = !ancestors || this.#chainFault(entry, ancestors, replaced);
    if (tooLong) return refused("too-long-mempool-chain", typeof tooLong === "string" ? tooLong : "too many ancestors");
    if (conflicts.size > 0) {
      const fault = checkReplacement({ candidate: entry, conflicts, replaced, ancestors }, graph, policy);
      if (fault) return refused(fault.reason, fault.detail);
    }
    return { ok: true, entry, replaced };
  }

  #chainFault(entry: PoolEntry, ancestors: Set<PoolEntry>, replaced: ReadonlySet<PoolEntry>): string | undefined {
    const { policy, graph } = this.#parts;
    let vsize = entry.vsize;
    for (const ancestor of ancestors) {
      vsize += ancestor.vsize;
      let { count, vsize: below } = ancestor.descendants;
      if (replaced.size > 0) {
        for (const other of graph.withDescendants([ancestor])) {
          if (!replaced.has(other)) continue;
          count--;
          below -= other.vsize;
        }
      }
      if (count + 1 > policy.maxDescendants) return `too many descendants [limit: ${policy.maxDescendants}]`;
      if (below + entry.vsize > policy.maxDescendantVbytes) return "exceeds descendant size limit";
    }
    return vsize > policy.maxAncestorVbytes ? "exceeds ancestor size limit" : undefined;
  }
}

function refusalOf(fault: ScriptFault | undefined): Refused | undefined {
  if (!fault) return undefined;
  return refused(mempoolFailure(fault.error), `input ${fault.input}`, fault.isConsensus);
}
