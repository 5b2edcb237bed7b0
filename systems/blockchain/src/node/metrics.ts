/** What a node tells Prometheus. Everything is read when it is scraped. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Chain, ChainEntry } from "../chain/types.ts";
import { difficultyOf } from "../consensus/target.ts";
import type { Mempool } from "../mempool/types.ts";
import type { Miner } from "../miner/types.ts";
import type { Network } from "../p2p/types.ts";

export interface Observed {
  readonly chain: Chain;
  readonly mempool: Mempool;
  readonly miner: Miner;
  readonly network: Network;
}

interface Row {
  readonly name: string;
  readonly help: string;
  value(node: Observed): number;
}

const ready = ({ network }: Observed, isInbound: boolean): number =>
  network.peers().filter((peer) => peer.isReady && peer.isInbound === isInbound).length;

const GAUGES: readonly Row[] = [
  { name: "height", help: "Height of the tip.", value: ({ chain }) => chain.tip.height },
  {
    name: "best_header_height",
    help: "Height of the best header known.",
    value: ({ chain }) => chain.bestHeader.height,
  },
  { name: "tip_time_seconds", help: "Time in the tip's header.", value: ({ chain }) => chain.tip.time },
  { name: "difficulty", help: "Difficulty of the tip.", value: ({ chain }) => difficultyOf(chain.tip.bits) },
  { name: "syncing", help: "1 while a peer is known to be ahead.", value: ({ network }) => Number(network.isSyncing) },
  { name: "peers_inbound", help: "Peers that dialled this node.", value: (node) => ready(node, true) },
  { name: "peers_outbound", help: "Peers that this node dialled.", value: (node) => ready(node, false) },
  { name: "bans", help: "Addresses kept out.", value: ({ network }) => network.bans().length },
  { name: "mempool_transactions", help: "Transactions that wait.", value: ({ mempool }) => mempool.size },
  { name: "mempool_vbytes", help: "Their virtual size.", value: ({ mempool }) => mempool.info().vbytes },
  { name: "mempool_usage_bytes", help: "Memory they take.", value: ({ mempool }) => mempool.info().usageBytes },
  {
    name: "mempool_min_fee_rate",
    help: "Satoshis per 1000 virtual bytes that a transaction must pay.",
    value: ({ mempool }) => mempool.info().minFeeRate,
  },
  {
    name: "mining",
    help: "1 while this node looks for a block.",
    value: ({ miner }) => Number(miner.status.isHashing),
  },
  { name: "hash_rate", help: "Hashes per second of this node.", value: ({ miner }) => miner.status.hashRate },
  {
    name: "chain_state",
    help: "0 running, 1 disk full, 2 failed, 3 closed.",
    value: ({ chain }) => ["running", "disk-full", "failed", "closed"].indexOf(chain.state.kind),
  },
];

const COUNTERS: readonly Row[] = [
  { name: "peer_sent_bytes_total", help: "Bytes sent to peers.", value: ({ network }) => network.totals().bytesSent },
  {
    name: "peer_received_bytes_total",
    help: "Bytes received from peers.",
    value: ({ network }) => network.totals().bytesReceived,
  },
  {
    name: "peer_messages_refused_total",
    help: "Messages that were malformed or against the rules.",
    value: ({ network }) => network.totals().messagesRefused,
  },
  { name: "peers_banned_total", help: "Bans for misbehaviour.", value: ({ network }) => network.totals().peersBanned },
  { name: "blocks_found_total", help: "Blocks that this node mined.", value: ({ miner }) => miner.status.blocksFound },
  { name: "hashes_total", help: "Hashes computed.", value: ({ miner }) => miner.status.hashes },
];

/** Registers and begins to observe; returns how to stop. */
export function observeNode(registry: Registry, node: Observed): () => void {
  for (const { name, help, value } of GAUGES) {
    new Gauge({
      name: `blockchain_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value(node));
      },
    });
  }
  for (const { name, help, value } of COUNTERS) {
    new Counter({
      name: `blockchain_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value(node));
      },
    });
  }
  return observeBlocks(registry, node.chain);
}

function observeBlocks(registry: Registry, chain: Chain): () => void {
  const connected = counter(registry, "blocks_connected_total", "Blocks connected.");
  const disconnected = counter(registry, "blocks_disconnected_total", "Blocks disconnected by reorganisations.");
  const transactions = counter(registry, "transactions_confirmed_total", "Transactions in connected blocks.");
  const depth = new Histogram({
    name: "blockchain_reorganisation_depth",
    help: "Blocks that a reorganisation disconnected.",
    buckets: [1, 2, 3, 6, 10, 30, 100, 1000],
    registers: [registry],
  });
  const verification = new Histogram({
    name: "blockchain_block_verification_seconds",
    help: "Time to check what a connected block spends, its scripts included.",
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  });
  let deep = 0;
  const stops = [
    chain.subscribe(({ kind, block, verifyMs }) => {
      if (kind === "connected") {
        connected.inc();
        verification.observe(verifyMs / 1000);
        transactions.inc(block.transactions.length);
        return;
      }
      deep++;
      disconnected.inc();
    }),
    chain.onSettled((_tip: ChainEntry, { reorganised }) => {
      if (reorganised) depth.observe(deep);
      deep = 0;
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

const counter = (registry: Registry, name: string, help: string): Counter =>
  new Counter({ name: `blockchain_${name}`, help, registers: [registry] });
