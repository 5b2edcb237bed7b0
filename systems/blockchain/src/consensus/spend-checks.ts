/** What can be said of transactions once it is known what they spend; scripts aside. */
import type { Block } from "../primitives/block.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { consensusFlags } from "../script/flags.ts";
import { sigOpCost } from "../script/sigops.ts";
import type { ChainNode } from "./difficulty.ts";
import { isMoney, maxBlockSigOpCost } from "./limits.ts";
import { locksAllow, relativeLocks } from "./locks.ts";
import type { Network } from "./params.ts";
import { type Rejection, rejection } from "./rejection.ts";
import { blockSubsidy } from "./subsidy.ts";

/** An output as it is spent. */
export interface SpentCoin {
  readonly value: number;
  readonly script: Buffer;
  /** Of the block that created it. */
  readonly height: number;
  readonly isCoinbase: boolean;
}

export const valueOut = (tx: Transaction): number => tx.outputs.reduce((sum, { value }) => sum + value, 0);

/** Bitcoin Core's `bad-txns-inputs-missingorspent`: for who looks coins up. */
export const missingInputs = (): Rejection =>
  rejection("bad-txns-inputs-missingorspent", "an input spends what isn't there", "missing");

/** Maturity and amounts. Returns the fee in satoshis, or what is wrong; `height` is that of the block to be. */
export function checkSpend(
  network: Network,
  tx: Transaction,
  spent: readonly SpentCoin[],
  height: number,
): number | Rejection {
  let valueIn = 0;
  for (const coin of spent) {
    if (coin.isCoinbase && height - coin.height < network.coinbaseMaturity) {
      const detail = `tried to spend coinbase at depth ${height - coin.height}`;
      return rejection("bad-txns-premature-spend-of-coinbase", detail, "premature");
    }
    valueIn += coin.value;
    if (!isMoney(coin.value) || !isMoney(valueIn)) return rejection("bad-txns-inputvalues-outofrange");
  }
  const fee = valueIn - valueOut(tx);
  if (fee < 0) return rejection("bad-txns-in-belowout", `${valueIn} in, ${valueOut(tx)} out`);
  return isMoney(fee) ? fee : rejection("bad-txns-fee-outofrange");
}

/** Whether a transaction's relative lock times allow it into a block on `tip`. */
export const locksSatisfied = (tx: Transaction, spent: readonly SpentCoin[], tip: ChainNode): boolean =>
  locksAllow(
    relativeLocks(
      tx,
      spent.map((coin) => coin.height),
      tip,
    ),
    tip,
  );

export const scriptsOf = (spent: readonly SpentCoin[]): Buffer[] => spent.map(({ script }) => script);

/**
 * Checks what all transactions of a block on `parent` spend, and what its coinbase takes. `spent` has the outputs spent by each transaction
 * in the order of its inputs, none for the coinbase. Within a block, what is wrong for now is wrong for ever.
 */
export function checkBlockSpends(
  network: Network,
  block: Block,
  parent: ChainNode,
  spent: readonly (readonly SpentCoin[])[],
): Rejection | undefined {
  let fees = 0;
  let sigOps = 0;
  for (const [i, tx] of block.transactions.entries()) {
    const coins = spent[i] ?? [];
    const fee = i === 0 ? 0 : spendInBlock(network, tx, coins, parent);
    if (typeof fee !== "number") return { ...fee, blame: "consensus" };
    fees += fee;
    if (!isMoney(fees)) return rejection("bad-txns-accumulated-fee-outofrange");
    sigOps += sigOpCost(tx, scriptsOf(coins), consensusFlags);
    if (sigOps > maxBlockSigOpCost) return rejection("bad-blk-sigops", "too many signature operations");
  }
  const most = fees + blockSubsidy(network, parent.height + 1);
  const taken = valueOut(block.transactions[0] as Transaction);
  return taken > most ? rejection("bad-cb-amount", `coinbase takes ${taken} of ${most}`) : undefined;
}

function spendInBlock(
  network: Network,
  tx: Transaction,
  spent: readonly SpentCoin[],
  parent: ChainNode,
): number | Rejection {
  const fee = checkSpend(network, tx, spent, parent.height + 1);
  if (typeof fee !== "number" || locksSatisfied(tx, spent, parent)) return fee;
  return rejection("bad-txns-nonfinal", "a relative lock time is not over");
}
