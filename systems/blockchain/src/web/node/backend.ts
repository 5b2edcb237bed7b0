/** A running node as the web server sees it. */
import type { Chain, ChainEntry } from "../../chain/types.ts";
import { difficultyOf } from "../../consensus/target.ts";
import { BlockchainError } from "../../errors.ts";
import type { Mempool } from "../../mempool/types.ts";
import type { Miner } from "../../miner/types.ts";
import type { Network } from "../../p2p/types.ts";
import { hashFromText, hashText } from "../../primitives/hash.ts";
import { decodeTransaction, type Transaction, txid } from "../../primitives/transaction.ts";
import type { Wallets } from "../../wallet/types.ts";
import type { NodeEvent, WebBackend } from "../backend.ts";
import type { ChainView, FeesView, FoundView, MiningView, Page, PeerView, TransactionView } from "../views.ts";
import { addressPage, addressView, checkDepth, scriptOf } from "./addresses.ts";
import { blockPage, createBlockViews, transactionPage } from "./blocks.ts";
import { followNode } from "./events.ts";
import { indexPool } from "./pool-index.ts";
import { confirmedViews, waitingView } from "./transactions.ts";

/** Of the node's parts, what the web server uses. */
export interface NodeParts {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly miner: Miner;
  readonly wallets: Wallets;
  readonly network: Network;
  /** Why the background miner can't be started; undefined where it can. */
  readonly noMining: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** `stop` ends its listening to the parts, which are not its own. */
export interface NodeBackend extends WebBackend {
  stop(): void;
}

const hashRateBlocks = 120;
/** 0.1 coin per 1000 virtual bytes: nobody means to pay more. */
const highestFeeRate = 10_000_000;

export function nodeBackend({ chain, mempool, miner, wallets, network, noMining, now }: NodeParts): NodeBackend {
  const blocks = createBlockViews(chain);
  const pool = indexPool(mempool);
  const sources = { chain, pool, wallets };
  const listeners = new Set<(event: NodeEvent) => void>();
  const unfollow = followNode({ chain, mempool, wallets, blocks }, (event) => {
    for (const listener of listeners) listener(event);
  });
  let isGenerating = false;

  const entryOf = (text: string): ChainEntry | undefined => {
    const entry = /^\d{1,9}$/.test(text) ? chain.at(Number(text)) : byHash(text, (hash) => chain.entry(hash));
    return entry?.hasBlock ? entry : undefined;
  };
  const waiting = (text: string): TransactionView | undefined => {
    const entry = byHash(text, (hash) => mempool.get(hash));
    return entry && waitingView(chain.network, entry);
  };
  const confirmed = async (text: string): Promise<TransactionView | undefined> => {
    const found = await byHash(text, (hash) => chain.transaction(hash));
    const block = found && (await chain.block(found.entry));
    return found && block && (await confirmedViews(chain, block, found.entry, [found.position]))[0];
  };

  return {
    network: chain.network.name,
    wallets,
    chain: () => chainView(chain, mempool, network),
    blocks: (request) => blockPage(chain, blocks, request),
    block: async (text) => {
      const entry = entryOf(text);
      return entry && blocks.view(entry);
    },
    blockTransactions: async (text, { page, limit }) => {
      const entry = entryOf(text);
      const block = entry && (await chain.block(entry));
      if (!entry || !block) return undefined;
      const positions = Array.from({ length: limit }, (_, index) => (page - 1) * limit + index);
      return {
        items: await confirmedViews(chain, block, entry, positions),
        page,
        limit,
        total: block.transactions.length,
      };
    },
    transactions: (request) => transactionPage(chain, request),
    transaction: async (text) => waiting(text) ?? (await confirmed(text)),
    mempool: async ({ page, limit }): Promise<Page<TransactionView>> => {
      checkDepth({ page, limit });
      const items = part(mempool.byAncestorRate(), (page - 1) * limit, limit);
      return { items: items.map((entry) => waitingView(chain.network, entry)), page, limit, total: mempool.size };
    },
    mempoolTransaction: async (text) => waiting(text),
    address: async (address) => addressView(sources, address),
    addressTransactions: (address, request) => addressPage(sources, address, request),
    search: async (text): Promise<FoundView | undefined> => {
      const entry = entryOf(text);
      if (entry) return { kind: "block", id: hashText(entry.hash) };
      const transaction = waiting(text) ?? (await confirmed(text));
      if (transaction) return { kind: "transaction", id: transaction.txid };
      return isAddress(text, chain) ? { kind: "address", id: text } : undefined;
    },
    fees: () => feesView(mempool),
    mining: () => miningView(chain, mempool, miner),
    setMining: async (on) => {
      if (on && noMining !== undefined) throw new BlockchainError("rejected", noMining);
      if (on) miner.start();
      else await miner.stop();
      return miningView(chain, mempool, miner);
    },
    peers: () => peerViews(network, now()),
    broadcast: async (hex) => {
      const tx = decoded(hex);
      const result = await mempool.submit(tx, { maxFeeRate: highestFeeRate, keepOrphan: false });
      if (result.ok) return hashText(result.entry.txid);
      const detail = result.kind === "rejected" && result.detail !== "" ? `: ${result.detail}` : "";
      // Whoever hands it in again must not be told that it failed.
      if (mempool.has(txid(tx))) return hashText(txid(tx));
      throw new BlockchainError("rejected", `${result.reason}${detail}`);
    },
    generate: async ({ blocks: count, address, maxTries, signal }) => {
      const script = scriptOf(address, chain.network);
      if (isGenerating) throw new BlockchainError("busy", "this node is mining for another request: try again later");
      isGenerating = true;
      try {
        return (await miner.generate(count, script, { maxTries, signal })).map(hashText);
      } finally {
        isGenerating = false;
      }
    },
    notLive: () => (chain.state.kind === "failed" ? chain.state.message : undefined),
    notReady: () => notReady(chain, network),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => {
      unfollow();
      pool.stop();
    },
  };
}

function byHash<T>(text: string, find: (hash: Buffer) => T): T | undefined {
  const hash = hashFromText(text.toLowerCase());
  return hash && find(hash);
}

function part<T>(all: Iterable<T>, first: number, count: number): T[] {
  const found: T[] = [];
  let index = 0;
  for (const each of all) {
    if (index >= first + count) break;
    if (index++ >= first) found.push(each);
  }
  return found;
}

function chainView(chain: Chain, mempool: Mempool, network: Network): ChainView {
  const { tip, bestHeader } = chain;
  return {
    chain: chain.network.name,
    height: tip.height,
    difficulty: difficultyOf(tip.bits),
    total_blocks: tip.height + 1,
    total_transactions: tip.chainTransactionCount,
    mempool_size: mempool.size,
    last_block_hash: hashText(tip.hash),
    last_block_timestamp: tip.time,
    synced: !network.isSyncing,
    headers: bestHeader.height,
  };
}

function miningView(chain: Chain, mempool: Mempool, miner: Miner): MiningView {
  const { status } = miner;
  return {
    blocks: chain.tip.height,
    currentblocksize: Math.ceil((status.lastTemplate?.weight ?? 0) / 4),
    currentblocktx: status.lastTemplate?.transactionCount ?? 0,
    difficulty: difficultyOf(chain.tip.bits),
    networkhashps: networkHashRate(chain),
    pooledtx: mempool.size,
    chain: chain.network.name,
    warnings: chain.state.kind === "running" || chain.state.kind === "closed" ? "" : chain.state.message,
    hashps: Math.round(status.hashRate),
    mining: status.isHashing,
    background: status.isRunning,
  };
}

/** Work of the last blocks over the time that they took; from the second on, because genesis is as old as the software. */
function networkHashRate(chain: Chain): number {
  const { tip } = chain;
  const first = chain.ancestor(tip, Math.max(1, tip.height - hashRateBlocks));
  if (first === undefined || first.time >= tip.time) return 0;
  return Number(tip.work - first.work) / (tip.time - first.time);
}

/** The mempool's rates are per 1000 virtual bytes. */
function feesView(mempool: Mempool): FeesView {
  const minimum = mempool.info().minFeeRate / 1000;
  const within = (blocks: number): number => {
    const { feeRate } = mempool.estimateFee(blocks);
    return Math.max(minimum, (feeRate ?? 0) / 1000);
  };
  return { minimum, fast: within(2), normal: within(6), slow: within(24) };
}

const peerViews = (network: Network, nowMs: number): PeerView[] =>
  network
    .peers()
    .filter(({ isReady }) => isReady)
    .map((peer) => ({
      address: `${peer.name ?? peer.host}:${peer.port}`,
      inbound: peer.isInbound,
      agent: peer.userAgent,
      height: peer.bestHeight ?? peer.startHeight,
      ping_ms: peer.pingMs ?? null,
      connected_seconds: Math.max(0, Math.floor((nowMs - peer.connectedAt) / 1000)),
      bytes_sent: peer.bytesSent,
      bytes_received: peer.bytesReceived,
    }));

/** An idle chain is a ready one: only blocks that are known to exist and are not here yet keep a node from serving. */
function notReady({ state, tip, bestHeader }: Chain, network: Network): string | undefined {
  if (state.kind === "closed") return "it is stopping";
  if (state.kind !== "running") return state.message;
  return network.isSyncing ? `it has ${tip.height} of ${bestHeader.height} blocks` : undefined;
}

function isAddress(text: string, { network }: Chain): boolean {
  try {
    scriptOf(text, network);
    return true;
  } catch {
    return false;
  }
}

function decoded(hex: string): Transaction {
  try {
    return decodeTransaction(Buffer.from(hex, "hex"));
  } catch (cause) {
    throw new BlockchainError("bad-request", "the bytes are no transaction", { cause });
  }
}
