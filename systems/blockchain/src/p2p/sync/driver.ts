/** Carries out what header sync, block downloads and transaction requests decide. */
import type { ChainEntry } from "../../chain/types.ts";
import { askForHeaders } from "../handlers/headers.ts";
import type { NetState } from "../net-state.ts";
import type { Peer } from "../peer.ts";
import { INVENTORY } from "../wire/types.ts";
import { DOWNLOAD_WINDOW, type Source, type Wanted } from "./downloads.ts";

/** A peer that is behind by less than this is not worth holding traffic back for. */
const SYNCING_BLOCKS = 3;

/** Asks for headers, blocks and transactions as far as they are due. */
export function fetchDue(net: NetState): void {
  fetchHeaders(net);
  fetchBlocks(net);
  fetchTransactions(net);
}

/** Peers that owe something for too long lose it to others, and too often their connection. */
export function endLate(net: NetState): void {
  for (const { peer: id, keys, isGivenUp } of net.downloads.late(net.clock.now())) {
    const peer = net.peers.get(id);
    if (peer === undefined) continue;
    net.logger.info("blocks are late", { peer: peer.address, blocks: keys.length });
    // The only one that has them is better than none.
    if (isGivenUp && hasOther(net, peer)) net.disconnect(peer, "it does not send the blocks that it announced");
  }
}

function fetchHeaders(net: NetState): void {
  for (let step = net.headerSync.step(net.clock.now()); step; step = net.headerSync.step(net.clock.now())) {
    const peer = net.peers.get(step.peer);
    if (peer === undefined) net.headerSync.remove(step.peer);
    else if (step.kind === "ask") askForHeaders(net, peer);
    else if (hasOther(net, peer)) net.disconnect(peer, "it does not answer getheaders");
  }
}

const hasOther = (net: NetState, { id }: Peer): boolean =>
  [...net.peers.values()].some((other) => other.id !== id && other.isReady);

/**
 * Towards the best header of every peer, not only towards the best of all: who announces headers and holds their blocks back must not keep
 * this node from a chain whose blocks can be had.
 */
function fetchBlocks(net: NetState): void {
  const ready = [...net.peers.values()].filter((peer) => isAhead(net, peer));
  if (!ready.some(({ id }) => net.downloads.isHungry(id))) return;
  const targets = new Set(ready.map(({ best }) => best as ChainEntry).sort((a, b) => (a.work > b.work ? -1 : 1)));
  for (const target of targets) {
    const entries = new Map<string, ChainEntry>();
    for (const entry of net.chain.missing(DOWNLOAD_WINDOW, target))
      if (!net.inHand.has(entry.key)) entries.set(entry.key, entry);
    const wanted = [...entries.values()].map(({ key, height }): Wanted => ({ key, height }));
    const sources = ready.map(
      (peer): Source => ({ peer: peer.id, has: ({ key }) => has(net, peer, entries.get(key)) }),
    );
    request(net, net.downloads.plan(wanted, sources, net.clock.now()), entries);
  }
}

const isAhead = (net: NetState, { isReady, best }: Peer): boolean =>
  isReady && best !== undefined && !best.isInvalid && best.work > net.chain.tip.work;

const has = (net: NetState, { best }: Peer, entry: ChainEntry | undefined): boolean =>
  entry !== undefined && best !== undefined && net.chain.ancestor(best, entry.height) === entry;

function request(
  net: NetState,
  plan: ReadonlyMap<number, readonly Wanted[]>,
  entries: ReadonlyMap<string, ChainEntry>,
): void {
  for (const [id, blocks] of plan) {
    const peer = net.peers.get(id);
    const items = blocks.flatMap(({ key }) => {
      const entry = entries.get(key);
      return peer && entry ? [{ type: formFor(net, peer, entry), hash: entry.hash }] : [];
    });
    peer?.send({ command: "getdata", items });
  }
}

/** The block after the tip may well be made of what the mempool has. Once: what failed is fetched whole. */
function formFor({ chain }: NetState, { servesCompact, compactTried }: Peer, { key, parent }: ChainEntry): number {
  const isCompact = servesCompact && parent === chain.tip && !compactTried.has(key);
  return isCompact ? INVENTORY.compactBlock : INVENTORY.witnessBlock;
}

function fetchTransactions(net: NetState): void {
  for (const [id, items] of net.requests.plan(net.clock.now())) {
    const peer = net.peers.get(id);
    if (peer?.isReady) peer.send({ command: "getdata", items: items.map(({ type, hash }) => ({ type, hash })) });
    else for (const { key } of items) net.requests.refused(key, id);
  }
}

/** Whether some peer is known to have a chain that is ahead of ours by more than a few blocks. */
export const isSyncing = ({ chain, peers }: Pick<NetState, "chain" | "peers">): boolean =>
  [...peers.values()].some(
    ({ isReady, best }) =>
      isReady &&
      best !== undefined &&
      !best.isInvalid &&
      best.work > chain.tip.work &&
      best.height > chain.tip.height + SYNCING_BLOCKS,
  );
