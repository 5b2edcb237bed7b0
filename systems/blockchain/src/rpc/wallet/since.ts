/** `listsinceblock`: what programs that follow a wallet ask after each block. */
import type { ChainEntry } from "../../chain/types.ts";
import { hashText } from "../../primitives/hash.ts";
import { txid } from "../../primitives/transaction.ts";
import type { HistoryEntry, Wallet } from "../../wallet/types.ts";
import type { RpcContext, RpcMethod } from "../context.ts";
import { optional, param, withDefault } from "../method.ts";
import { entryOf } from "../methods/blockchain.ts";
import { walletRow } from "./common.ts";
import { historyView } from "./money.ts";

/** The height that both the block and the active branch have; -1: all is asked for. */
function commonHeight({ chain }: RpcContext, blockhash: Buffer | undefined): number {
  return blockhash === undefined ? -1 : chain.fork(entryOf({ chain }, blockhash), chain.tip).height;
}

/** Payments of the blocks between that one and the active branch, wherever they are now. */
async function removedSince(wallet: Wallet, { chain }: RpcContext, blockhash: Buffer, height: number) {
  const lines: HistoryEntry[] = [];
  for (let at: ChainEntry | undefined = entryOf({ chain }, blockhash); at && at.height > height; at = at.parent) {
    const block = await chain.block(at);
    for (const tx of block?.transactions ?? []) lines.push(...(wallet.transaction(hashText(txid(tx)))?.entries ?? []));
  }
  return lines.map(historyView);
}

const isSince = ({ status }: HistoryEntry, height: number): boolean =>
  status.kind !== "confirmed" || status.height > height;

export const sinceMethods: readonly RpcMethod[] = [
  walletRow(
    "listsinceblock",
    "payments that are in no block up to that one",
    {
      blockhash: optional(param.hash("block; all payments without")),
      target_confirmations: withDefault(param.integer("how deep `lastblock` lies", 1), 1),
      include_watchonly: optional(param.json("has no meaning here")),
      include_removed: withDefault(param.boolean("what was in blocks that the chain left"), true),
      include_change: optional(param.json("has no meaning here")),
      label: optional(param.string("of this label only")),
    },
    async (wallet, values, context) => {
      const { chain } = context;
      const { blockhash, include_removed } = values;
      const height = commonHeight(context, blockhash);
      const found = wallet
        .history()
        .filter((line) => isSince(line, height) && (values.label === undefined || (line.label ?? "") === values.label));
      const last = chain.at(Math.max(0, chain.tip.height + 1 - values.target_confirmations)) ?? chain.genesis;
      const removed = blockhash && include_removed ? await removedSince(wallet, context, blockhash, height) : [];
      return {
        transactions: found.map(historyView),
        ...(include_removed && { removed }),
        lastblock: hashText(last.hash),
      };
    },
  ),
];
