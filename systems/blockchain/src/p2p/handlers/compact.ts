/**
 * Compact blocks that come (BIP 152, version 2). Most of a new block is in the mempool already: what is not is asked for, and whatever goes
 * wrong ends in the block being fetched whole, as if it had been announced by its header.
 */
import type { ChainEntry } from "../../chain/types.ts";
import { txMerkleRoot } from "../../primitives/merkle.ts";
import type { Transaction } from "../../primitives/transaction.ts";
import { COMPACT_VERSION, Reconstruction } from "../compact/compact-block.ts";
import type { Handler, NetState } from "../net-state.ts";
import type { Peer } from "../peer.ts";
import type { Bodies, CompactBlockBody } from "../wire/types.ts";
import { takeBlock } from "./blocks.ts";
import { isStray, onStray, takeHeaders } from "./headers.ts";

/** Peers that announce new blocks by sending them compact: those that were first to bring one. */
const MOST_ANNOUNCING = 3;
/** Further above the tip the mempool is of no help. */
const MOST_ABOVE_TIP = 2;

export const onCompactBlock: Handler<CompactBlockBody> = async (net, peer, body) => {
  const headers = [body.header];
  if (isStray(net, headers)) return onStray(net, peer);
  const entry = await takeHeaders(net, peer, headers);
  if (entry === undefined || peer.isClosed) return;
  peer.known.add(entry.key);
  if (isWanted(net, entry) && peer.compactTried.add(entry.key)) await rebuild(net, peer, entry, body);
  else net.downloads.refused(entry.key, peer.id);
  net.schedule();
};

const isWanted = ({ chain, inHand }: NetState, entry: ChainEntry): boolean =>
  !entry.hasBlock &&
  !entry.isInvalid &&
  !inHand.has(entry.key) &&
  entry.work > chain.tip.work &&
  entry.height <= chain.tip.height + MOST_ABOVE_TIP;

async function rebuild(net: NetState, peer: Peer, entry: ChainEntry, body: CompactBlockBody): Promise<void> {
  const found = Reconstruction.begin(body, net.mempool.entries());
  if (found === "malformed") return net.punish(peer, 100, "cmpctblock: places that are not its own");
  if (found === "ambiguous") return net.downloads.refused(entry.key, peer.id);
  const { missing } = found;
  if (missing.length === 0) return complete(net, peer, entry, found);
  // Another peer owes it already: whoever is first will do.
  if (!net.downloads.claim(entry.key, peer.id, net.clock.now())) return;
  peer.rebuilding = { entry, reconstruction: found };
  peer.send({ command: "getblocktxn", hash: entry.hash, indexes: missing });
}

export const onBlockTransactions: Handler<Bodies["blocktxn"]> = async (net, peer, { hash, transactions }) => {
  const { rebuilding } = peer;
  if (!rebuilding?.entry.hash.equals(hash)) return;
  peer.rebuilding = undefined;
  const { entry, reconstruction } = rebuilding;
  if (reconstruction.missing.length !== transactions.length)
    return net.punish(peer, 100, "blocktxn: not the transactions that were asked for");
  await complete(net, peer, entry, reconstruction, transactions);
  net.schedule();
};

async function complete(
  net: NetState,
  peer: Peer,
  entry: ChainEntry,
  reconstruction: Reconstruction,
  rest: readonly Transaction[] = [],
): Promise<void> {
  const block = reconstruction.complete(rest);
  // A transaction of the mempool can share its short id with one of the block.
  const isWhole = block && txMerkleRoot(block.transactions).root.equals(block.header.merkleRoot);
  if (isWhole) await takeBlock(net, peer, block, { isRebuilt: true });
  else net.downloads.refused(entry.key, peer.id);
}

/** The peer was first to bring a new block: let it send the next one at once, compact, and the one that was so longest ago no more. */
export function preferCompact(net: NetState, peer: Peer): void {
  if (!peer.servesCompact || net.isSyncing) return;
  const chosen = [...net.peers.values()].filter(({ announcesCompactSinceMs: since }) => since !== undefined);
  if (peer.announcesCompactSinceMs === undefined) {
    if (chosen.length >= MOST_ANNOUNCING) release(chosen);
    peer.send({ command: "sendcmpct", announce: true, version: COMPACT_VERSION });
  }
  peer.announcesCompactSinceMs = net.clock.now();
}

function release(chosen: readonly Peer[]): void {
  const since = ({ announcesCompactSinceMs = 0 }: Peer): number => announcesCompactSinceMs;
  const oldest = chosen.reduce((a, b) => (since(b) < since(a) ? b : a));
  oldest.announcesCompactSinceMs = undefined;
  oldest.send({ command: "sendcmpct", announce: false, version: COMPACT_VERSION });
}
