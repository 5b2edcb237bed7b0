import type { Chain } from "../../chain/types.ts";
import type { Mempool } from "../../mempool/types.ts";
import { blockTotalSize } from "../../primitives/block.ts";
import { hashText } from "../../primitives/hash.ts";
import type { Wallets } from "../../wallet/types.ts";
import type { NodeEvent } from "../backend.ts";
import type { BlockViews } from "./blocks.ts";

/** The mempool may change a thousand times a second; nobody can read that. */
const poolPauseMs = 250;

export interface EventSources {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly wallets: Wallets;
  readonly blocks: BlockViews;
}

/** Forwards what the node's parts tell to one listener, until the returned function is called. */
export function followNode(
  { chain, mempool, wallets, blocks }: EventSources,
  tell: (event: NodeEvent) => void,
): () => void {
  let pause: NodeJS.Timeout | undefined;
  const poolChanged = (): void => {
    pause ??= setTimeout(() => {
      pause = undefined;
      tell({ kind: "mempool", mempool_size: mempool.size });
    }, poolPauseMs).unref();
  };
  const stops = [
    chain.subscribe(({ kind, block, entry, hash, height }) =>
      tell(
        kind === "connected"
          ? { kind: "block", block: blocks.viewOf(entry, blockTotalSize(block)) }
          : { kind: "reorganised", hash: hashText(hash), height },
      ),
    ),
    mempool.subscribe(poolChanged),
    wallets.subscribe(({ kind, wallet, txid, amount }) => tell({ kind: "payment", wallet, txid, amount, state: kind })),
  ];
  return () => {
    clearTimeout(pause);
    for (const stop of stops) stop();
  };
}
