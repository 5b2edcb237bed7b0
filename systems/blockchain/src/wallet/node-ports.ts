/** The node's chain and mempool as wallets see them. */
import type { Chain, HistoryItem } from "../chain/types.ts";
import type { Mempool } from "../mempool/types.ts";
import { WalletError } from "./errors.ts";
import type { Placed, WalletChain, WalletPool } from "./ports.ts";

const PAGE = 1_000;
/** Rates of the mempool are per 1000 virtual bytes. */
const perByte = (feeRate: number): number => feeRate / 1_000;
/** A coin per 1000 virtual bytes: nobody means to pay more. */
const HIGHEST_FEE_RATE = 100_000_000;

export function walletChain(chain: Chain): WalletChain {
  return {
    tip: () => chain.tip,
    subscribe: (listener) => chain.subscribe(listener),
    transaction: async (txid) => (await chain.transaction(txid))?.tx,
    historyOf: (script, fromHeight) => historyOf(chain, script, fromHeight),
  };
}

async function* historyOf(chain: Chain, script: Buffer, fromHeight: number): AsyncGenerator<Placed> {
  let cursor: string | undefined;
  do {
    const page = await chain.scriptHistory(script, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const item of page.items) {
      const placed = item.height >= fromHeight ? await placedOf(chain, item) : undefined;
      if (placed) yield placed;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Undefined when its block left the chain meanwhile, of which an event tells. */
async function placedOf(chain: Chain, { txid }: HistoryItem): Promise<Placed | undefined> {
  const found = await chain.transaction(txid);
  if (!found) return undefined;
  const { tx, entry, position } = found;
  return { transaction: tx, height: entry.height, blockHash: entry.hash, blockTime: entry.time, index: position };
}

export function walletPool(mempool: Mempool): WalletPool {
  return {
    transactions: function* () {
      for (const { tx } of mempool.entries()) yield tx;
    },
    subscribe: (listener) =>
      mempool.subscribe((event) => {
        const transaction = event.entry.tx;
        listener(
          event.kind === "added"
            ? { kind: "added", transaction }
            : { kind: "removed", transaction, reason: event.reason },
        );
      }),
    submit: async (transaction) => {
      const result = await mempool.submit(transaction, { maxFeeRate: HIGHEST_FEE_RATE, keepOrphan: false });
      if (result.ok) return;
      const detail = result.kind === "rejected" && result.detail !== "" ? `: ${result.detail}` : "";
      throw new WalletError("rejected", `${result.reason}${detail}`);
    },
    feeRate: (confirmationTarget) => {
      const { feeRate } = mempool.estimateFee(confirmationTarget);
      return feeRate === undefined ? undefined : perByte(feeRate);
    },
    minimumFeeRate: () => perByte(mempool.info().minFeeRate),
  };
}
