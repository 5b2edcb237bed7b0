/** What a ledger's coins are worth, and which of them may be spent. */
import type { Balances } from "../types.ts";
import type { Ledger, OwnCoin } from "./ledger.ts";
import type { Row } from "./row.ts";

export interface ChainFacts {
  readonly height: number;
  /** Blocks until a coinbase may be spent, its own included. */
  readonly coinbaseMaturity: number;
}

/** 1 in the tip, 0 in no block. */
export const depthOf = ({ block }: Row, { height }: ChainFacts): number => (block ? height - block.height + 1 : 0);

/** As in Bitcoin Core, wallets wait for one block more than consensus: a reorganisation of one block then undoes nothing. */
export const isMature = (row: Row, facts: ChainFacts): boolean =>
  !row.isCoinbase || depthOf(row, facts) > facts.coinbaseMaturity;

/** `spent`: by a transaction that stands. Coins of transactions that are in neither a block nor the mempool are worth nothing yet. */
export type CoinWorth = "confirmed" | "change" | "pending" | "immature" | "spent" | "none";

export function worthOf(ledger: Ledger, { row, outpoint }: OwnCoin, facts: ChainFacts, trust: Trust): CoinWorth {
  const state = ledger.state(row);
  if (state !== "confirmed" && state !== "mempool") return "none";
  if (ledger.spendersOf(outpoint).length > 0) return "spent";
  if (state === "mempool") return trust.of(row) ? "change" : "pending";
  return isMature(row, facts) ? "confirmed" : "immature";
}

export function balancesOf(ledger: Ledger, facts: ChainFacts): Balances {
  const trust = new Trust(ledger);
  const sums: Record<CoinWorth, number> = { confirmed: 0, change: 0, pending: 0, immature: 0, spent: 0, none: 0 };
  for (const coin of ledger.openCoins()) sums[worthOf(ledger, coin, facts, trust)] += coin.credit.value;
  return {
    trusted: sums.confirmed + sums.change,
    pending: sums.pending,
    immature: sums.immature,
    confirmed: sums.confirmed,
  };
}

/**
 * Whether an unconfirmed transaction can be undone by nobody but us: all its inputs are ours, and so on back to the blocks. Only such
 * change may be spent before it confirms.
 */
export class Trust {
  readonly #ledger: Ledger;
  readonly #known = new Map<string, boolean>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  of(row: Row): boolean {
    if (row.block) return true;
    const known = this.#known.get(row.key);
    if (known !== undefined) return known;
    this.#known.set(row.key, false);
    const trusted = row.inPool && this.#ledger.debitOf(row).all && row.parents.every((key) => this.#ofParent(key));
    this.#known.set(row.key, trusted);
    return trusted;
  }

  #ofParent(key: string): boolean {
    const parent = this.#ledger.row(key);
    return parent !== undefined && this.of(parent);
  }
}
