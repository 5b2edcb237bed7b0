/** What a block would do to the coins, and whether it may; nothing is changed by it. */
import { type Rejection, rejection } from "../consensus/rejection.ts";
import type { Block } from "../primitives/block.ts";
import { isCoinbase, txid } from "../primitives/transaction.ts";
import { type CoinChanges, type Connected, coinsOf, connectChanges, neededCoins } from "./coins/changes.ts";
import type { CoinSet } from "./coins/coin-set.ts";
import type { Rules, Verdict } from "./rules.ts";
import type { Entry } from "./tree/entry.ts";
import type { Coin } from "./types.ts";

export interface Examiner {
  readonly coins: CoinSet;
  readonly rules: Rules;
}

/** A block whose coins are there; its scripts may still be at work. */
export interface Examined extends Connected {
  readonly verdict: Promise<Verdict>;
}

const NO_CHANGES: CoinChanges = new Map();

/**
 * Of a block on `parent`: the tip, or the block that is being connected to it, whose changes are then given in `before`. Not while a batch is
 * being written. A rejection as the result: what it spends isn't there.
 */
export async function examine(
  { coins, rules }: Examiner,
  block: Block,
  parent: Entry,
  before: CoinChanges = NO_CHANGES,
): Promise<Examined | Rejection> {
  const height = parent.height + 1;
  const made = coinbaseCoins(block, height);
  const known = await coinsBehind(coins, before, [...neededCoins(block), ...made]);
  // BIP 30: only a coinbase could repeat an id, since whatever else spends something is different by what it spends.
  if (made.some((key) => known.has(key))) return rejection("bad-txns-BIP30");
  const connected = connectChanges(block, height, known);
  if ("missing" in connected) return rejection("bad-txns-inputs-missingorspent");
  return { ...connected, verdict: rules.checkInputs(block, parent, connected.spent) };
}

/** The coins there will be once `before` is in. */
async function coinsBehind(
  coins: CoinSet,
  before: CoinChanges,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Coin>> {
  const known = await coins.load(before.size === 0 ? keys : keys.filter((key) => !before.has(key)));
  if (before.size === 0) return known;
  for (const key of keys) {
    const after = before.get(key)?.after;
    if (after) known.set(key, after);
  }
  return known;
}

function coinbaseCoins(block: Block, height: number): string[] {
  const coinbase = block.transactions[0];
  return coinbase && isCoinbase(coinbase) && txid(coinbase)
    ? [...coinsOf(coinbase, height, true)].map(([key]) => key)
    : [];
}
