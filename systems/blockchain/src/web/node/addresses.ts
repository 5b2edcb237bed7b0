/** Addresses as the API shows them: what the chain's index and the mempool know of their scripts. */
import { scriptOfAddress } from "../../address/address.ts";
import type { Chain, HistoryItem } from "../../chain/types.ts";
import type { Network } from "../../consensus/params.ts";
import { BlockchainError, messageOf } from "../../errors.ts";
import type { Wallets } from "../../wallet/types.ts";
import type { AddressView, Page, PageRequest, TransactionView } from "../views.ts";
import { changeOf, type PoolIndex } from "./pool-index.ts";
import { foundView, waitingView } from "./transactions.ts";

/** A list is read from its beginning each time: deeper pages would cost more than a request may. */
const deepestItem = 10_000;
const batch = 1000;

export interface AddressSources {
  readonly chain: Chain;
  readonly pool: PoolIndex;
  readonly wallets: Wallets;
}

/** Throws BlockchainError("bad-address"). */
export function scriptOf(address: string, network: Network): Buffer {
  try {
    return scriptOfAddress(address, network);
  } catch (cause) {
    throw new BlockchainError("bad-address", `${address} is no address here: ${messageOf(cause)}`, { cause });
  }
}

export function addressView({ chain, pool, wallets }: AddressSources, address: string): AddressView {
  const script = scriptOf(address, chain.network);
  const { balance, coinCount, transactionCount } = chain.scriptSummary(script);
  const waiting = pool.of(script);
  const own = wallets.loaded().flatMap((wallet) => wallet.address(address) ?? [])[0];
  return {
    address,
    balance,
    unconfirmed_balance: waiting.reduce((total, entry) => total + changeOf(entry, script), 0),
    utxo_count: coinCount,
    transaction_count: transactionCount + waiting.length,
    label: own?.label ?? null,
    mine: own !== undefined,
  };
}

/** Throws BlockchainError("bad-request") for pages beyond what a request may cost. */
export function checkDepth({ page, limit }: PageRequest): void {
  if (page * limit > deepestItem)
    throw new BlockchainError("bad-request", `pages of this list end at its ${deepestItem}th item`);
}

export async function addressPage(
  { chain, pool }: AddressSources,
  address: string,
  { page, limit }: PageRequest,
): Promise<Page<TransactionView>> {
  checkDepth({ page, limit });
  const script = scriptOf(address, chain.network);
  const waiting = pool.of(script).map((entry) => waitingView(chain.network, entry));
  const first = (page - 1) * limit;
  const items = waiting.slice(first, first + limit);
  const skipped = Math.max(0, first - waiting.length);
  for (const item of await historyPart(chain, script, skipped, limit - items.length))
    items.push(...(await viewOf(chain, item)));
  return { items, page, limit, total: waiting.length + chain.scriptSummary(script).transactionCount };
}

/** The newest first. */
async function historyPart(chain: Chain, script: Buffer, skip: number, count: number): Promise<readonly HistoryItem[]> {
  const found: HistoryItem[] = [];
  let cursor: string | undefined;
  do {
    const page = await chain.scriptHistory(script, {
      limit: Math.min(batch, skip + count - found.length),
      reverse: true,
      ...(cursor !== undefined && { cursor }),
    });
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined && found.length < skip + count);
  return found.slice(skip, skip + count);
}

/** Empty when its block left the chain meanwhile. */
async function viewOf(chain: Chain, { txid }: HistoryItem): Promise<TransactionView[]> {
  const found = await chain.transaction(txid);
  return found ? [await foundView(chain, found)] : [];
}
