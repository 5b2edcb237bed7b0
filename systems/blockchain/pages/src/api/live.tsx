/** What the node tells as it happens: one connection for all pages, which therefore need not ask again and again. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import type { BlockView, ChainView } from "../../../src/web/views.ts";
import { request } from "./client.ts";
import { listen, type ServerEvent } from "./events.ts";
import { useSession } from "./session.tsx";

export interface Live {
  readonly isConnected: boolean;
  readonly chain: ChainView | undefined;
  /** Since this page was opened, the newest first; bounded. */
  readonly blocks: readonly BlockView[];
  /** Grows with each event after which lists of blocks should be read anew: a reorganisation, or missed events. */
  readonly generation: number;
  /** Grows with each event about a wallet's payments. */
  readonly payments: number;
}

const kept = 200;
const empty: Live = { isConnected: false, chain: undefined, blocks: [], generation: 0, payments: 0 };
const Context = createContext<Live>(empty);
export const useLive = (): Live => useContext(Context);

export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const { key } = useSession();
  const [live, setLive] = useState(empty);
  const loaded = useRef(0);
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const load = async (): Promise<void> => {
      const number = ++loaded.current;
      const chain = await request<ChainView>("/api/v1/blockchain", { signal }).catch(() => undefined);
      if (chain && number === loaded.current) setLive((now) => ({ ...now, chain }));
    };
    const onEvent = ({ name, data }: ServerEvent): void => {
      setLive((now) => reduce(now, name, data));
      if (name === "reset" || name === "reorganised") void load();
    };
    void load();
    void listen({ key, signal, onEvent, onConnected: (isConnected) => setLive((now) => ({ ...now, isConnected })) });
    return () => abort.abort();
  }, [key]);
  const value = useMemo(() => live, [live]);
  return <Context value={value}>{children}</Context>;
}

/** Pure: what is known after one more event. */
export function reduce(live: Live, name: string, data: string): Live {
  switch (name) {
    case "block": {
      const { block } = JSON.parse(data) as { readonly block: BlockView };
      const blocks = [block, ...live.blocks.filter(({ height }) => height < block.height)].slice(0, kept);
      return { ...live, blocks, chain: live.chain && grown(live.chain, block) };
    }
    case "mempool": {
      const { mempool_size } = JSON.parse(data) as { readonly mempool_size: number };
      return { ...live, chain: live.chain && { ...live.chain, mempool_size } };
    }
    case "payment":
      return { ...live, payments: live.payments + 1 };
    case "reset":
    case "reorganised":
      return { ...live, blocks: [], generation: live.generation + 1, payments: live.payments + 1 };
    default:
      return live;
  }
}

const grown = (chain: ChainView, block: BlockView): ChainView => ({
  ...chain,
  height: block.height,
  headers: Math.max(chain.headers, block.height),
  difficulty: block.difficulty,
  total_blocks: block.height + 1,
  total_transactions: chain.total_transactions + (block.height > chain.height ? block.transaction_count : 0),
  last_block_hash: block.hash,
  last_block_timestamp: block.timestamp,
});
