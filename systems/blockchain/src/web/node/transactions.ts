/** Transactions as the API shows them. */
import { addressOfScript } from "../../address/address.ts";
import type { Chain, ChainEntry, Coin, FoundTransaction } from "../../chain/types.ts";
import type { Network } from "../../consensus/params.ts";
import type { MempoolEntry } from "../../mempool/types.ts";
import type { Block } from "../../primitives/block.ts";
import { hashText } from "../../primitives/hash.ts";
import { isCoinbase, type Transaction, totalSize, txid, txVsize } from "../../primitives/transaction.ts";
import type { InputView, TransactionView } from "../views.ts";

interface Placed {
  readonly entry: ChainEntry;
  readonly confirmations: number;
}

export const waitingView = (network: Network, { tx, coins, time }: MempoolEntry): TransactionView =>
  transactionView(network, tx, coins, { time });

/** One of the active chain. */
export async function foundView(chain: Chain, found: FoundTransaction): Promise<TransactionView> {
  const { tx, entry } = found;
  const coins = (await chain.spentBy(found)) ?? [];
  return transactionView(chain.network, tx, coins, { time: entry.time, placed: placedAt(chain, entry) });
}

/** A whole block's, or a part of it. */
export async function confirmedViews(
  chain: Chain,
  block: Block,
  entry: ChainEntry,
  part: readonly number[],
): Promise<TransactionView[]> {
  const spent = await chain.spent(entry);
  const when = { time: entry.time, placed: placedAt(chain, entry) };
  return part.flatMap((position) => {
    const tx = block.transactions[position];
    return tx ? [transactionView(chain.network, tx, spent?.[position] ?? [], when)] : [];
  });
}

const placedAt = (chain: Chain, entry: ChainEntry): Placed => ({
  entry,
  confirmations: chain.isActive(entry) ? chain.tip.height - entry.height + 1 : 0,
});

function transactionView(
  network: Network,
  tx: Transaction,
  coins: readonly Coin[],
  { time, placed }: { readonly time: number; readonly placed?: Placed },
): TransactionView {
  const coinbase = isCoinbase(tx);
  const isKnown = !coinbase && coins.length === tx.inputs.length;
  const paid = sum(tx.outputs);
  return {
    txid: hashText(txid(tx)),
    block_hash: placed ? hashText(placed.entry.hash) : null,
    block_height: placed?.entry.height ?? null,
    timestamp: time,
    confirmations: placed?.confirmations ?? 0,
    coinbase,
    size_bytes: totalSize(tx),
    virtual_size: txVsize(tx),
    fee: isKnown ? sum(coins) - paid : null,
    inputs: tx.inputs.map(({ prevout }, index): InputView => {
      const coin = coins[index];
      return {
        txid: coinbase ? null : hashText(prevout.hash),
        vout: prevout.index,
        address: (coin && addressOfScript(coin.script, network)) ?? null,
        value: coin?.value ?? null,
      };
    }),
    outputs: tx.outputs.map(({ value, script }, n) => ({
      n,
      value,
      address: addressOfScript(script, network) ?? null,
      script: script.toString("hex"),
    })),
  };
}

const sum = (values: readonly { readonly value: number }[]): number =>
  values.reduce((total, { value }) => total + value, 0);
