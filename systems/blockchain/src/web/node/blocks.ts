/** Blocks as the API shows them, and where in the chain a page of blocks or transactions begins. */
import type { Chain, ChainEntry } from "../../chain/types.ts";
import { difficultyOf } from "../../consensus/target.ts";
import { hashText } from "../../primitives/hash.ts";
import type { BlockView, Page, PageRequest, TransactionView } from "../views.ts";
import { confirmedViews } from "./transactions.ts";

const sizesKept = 20_000;

export interface BlockViews {
  view(entry: ChainEntry): Promise<BlockView>;
  viewOf(entry: ChainEntry, sizeBytes: number): BlockView;
}

/** Sizes are remembered: to tell one, the whole block must be read. */
export function createBlockViews(chain: Chain): BlockViews {
  const sizes = new Map<string, number>();
  const viewOf = (entry: ChainEntry, sizeBytes: number): BlockView => {
    if (sizes.size >= sizesKept) sizes.clear();
    sizes.set(entry.key, sizeBytes);
    const header = chain.header(entry);
    return {
      hash: hashText(entry.hash),
      previous_hash: hashText(header.previous),
      timestamp: entry.time,
      height: entry.height,
      nonce: header.nonce,
      difficulty: difficultyOf(entry.bits),
      transaction_count: entry.transactionCount,
      merkle_root: hashText(header.merkleRoot),
      size_bytes: sizeBytes,
      confirmations: chain.isActive(entry) ? chain.tip.height - entry.height + 1 : 0,
    };
  };
  const view = async (entry: ChainEntry): Promise<BlockView> =>
    viewOf(entry, sizes.get(entry.key) ?? (await chain.rawBlock(entry))?.length ?? 0);
  return { view, viewOf };
}

/** The newest first. */
export async function blockPage(
  chain: Chain,
  views: BlockViews,
  { page, limit }: PageRequest,
): Promise<Page<BlockView>> {
  const { height } = chain.tip;
  const entries = range(height - (page - 1) * limit, limit).flatMap((each) => chain.at(each) ?? []);
  return { items: await Promise.all(entries.map((entry) => views.view(entry))), page, limit, total: height + 1 };
}

/** Confirmed transactions, the newest first: found by how many there are up to each block, not by counting. */
export async function transactionPage(chain: Chain, { page, limit }: PageRequest): Promise<Page<TransactionView>> {
  const total = chain.tip.chainTransactionCount;
  const items: TransactionView[] = [];
  let next = total - 1 - (page - 1) * limit;
  while (next >= 0 && items.length < limit) {
    const entry = holderOf(chain, next);
    const block = entry && (await chain.block(entry));
    if (!entry || !block) break;
    const first = entry.chainTransactionCount - entry.transactionCount;
    const part = range(next - first, limit - items.length);
    items.push(...(await confirmedViews(chain, block, entry, part)));
    next = first - 1;
  }
  return { items, page, limit, total };
}

/** The block with the transaction of that number, counted from 0 in genesis. */
function holderOf(chain: Chain, number: number): ChainEntry | undefined {
  let low = 0;
  let high = chain.tip.height;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chain.at(middle)?.chainTransactionCount ?? 0) > number) high = middle;
    else low = middle + 1;
  }
  return chain.at(low);
}

/** Downwards from `first`, at most `count`, none below 0. */
const range = (first: number, count: number): number[] =>
  Array.from({ length: Math.max(0, Math.min(count, first + 1)) }, (_, index) => first - index);
