/** Headers and blocks as JSON-RPC shows them. */
import type { AddressPrefixes } from "../../address/prefixes.ts";
import type { ChainEntry, ChainView, Coin } from "../../chain/types.ts";
import { difficultyOf } from "../../consensus/target.ts";
import { type Block, blockBaseSize, blockTotalSize, blockWeight } from "../../primitives/block.ts";
import { hashText } from "../../primitives/hash.ts";
import { txid } from "../../primitives/transaction.ts";
import { bitsText, targetText, versionText, workText } from "./numbers.ts";
import { transactionView } from "./transaction.ts";

/** -1 for a block that is not on the active chain. */
export const confirmationsOf = (chain: ChainView, entry: ChainEntry): number =>
  chain.isActive(entry) ? chain.tip.height - entry.height + 1 : -1;

export function headerView(chain: ChainView, entry: ChainEntry): Readonly<Record<string, unknown>> {
  const header = chain.header(entry);
  const next = chain.isActive(entry) ? chain.at(entry.height + 1) : undefined;
  return {
    hash: hashText(entry.hash),
    confirmations: confirmationsOf(chain, entry),
    height: entry.height,
    version: header.version,
    versionHex: versionText(header.version),
    merkleroot: hashText(header.merkleRoot),
    time: header.time,
    mediantime: chain.medianTimePast(entry),
    nonce: header.nonce,
    bits: bitsText(header.bits),
    target: targetText(header.bits),
    difficulty: difficultyOf(header.bits),
    chainwork: workText(entry.work),
    nTx: entry.transactionCount,
    ...(entry.parent && { previousblockhash: hashText(entry.parent.hash) }),
    ...(next && { nextblockhash: hashText(next.hash) }),
  };
}

/** Verbosity 1: transaction ids; 2: transactions, with fees where `spent` is known; 3: with what they spend. */
export function blockView(
  chain: ChainView,
  prefixes: AddressPrefixes,
  entry: ChainEntry,
  block: Block,
  verbosity: number,
  spent?: readonly (readonly Coin[])[],
): Readonly<Record<string, unknown>> {
  return {
    ...headerView(chain, entry),
    strippedsize: blockBaseSize(block),
    size: blockTotalSize(block),
    weight: blockWeight(block),
    tx: block.transactions.map((tx, index) => {
      if (verbosity === 1) return hashText(txid(tx));
      const { fee, ...view } = transactionView(tx, prefixes, spent?.[index]);
      const shown = verbosity === 2 ? withoutPrevouts(view) : view;
      return fee === undefined ? shown : { ...shown, fee };
    }),
  };
}

const withoutPrevouts = (view: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  ...view,
  vin: (view.vin as readonly object[]).map((input) => ({ ...input, prevout: undefined })),
});
