/** Compact blocks as they are sent, and the transactions that a peer asks for to complete one. */
import { randomBytes } from "node:crypto";
import type { ChainEntry } from "../../chain/types.ts";
import { messageOf } from "../../errors.ts";
import { COMPACT_DEPTH, COMPACT_VERSION, compactBlock, TRANSACTIONS_DEPTH } from "../compact/compact-block.ts";
import type { Handler, NetState } from "../net-state.ts";
import type { Peer } from "../peer.ts";
import { encodePayload } from "../wire/messages.ts";
import type { Bodies } from "../wire/types.ts";

/** The peer can send compact blocks, and says whether it wants new blocks announced by them. Version 1 has no witnesses. */
export const onSendCompact: Handler<Bodies["sendcmpct"]> = (_net, peer, { announce, version }) => {
  if (version !== COMPACT_VERSION) return;
  peer.servesCompact = true;
  peer.wantsCompact = announce;
};

/** The latest, ready to be sent: all peers that want it want the same. */
export interface CompactCache {
  latest: { readonly entry: ChainEntry; readonly payload: Promise<Buffer | undefined> } | undefined;
}

function payloadOf({ chain, compactCache }: NetState, entry: ChainEntry): Promise<Buffer | undefined> {
  if (compactCache.latest?.entry !== entry) compactCache.latest = { entry, payload: encoded() };
  return compactCache.latest.payload;

  async function encoded(): Promise<Buffer | undefined> {
    const block = await chain.block(entry);
    const body = block && compactBlock(block, randomBytes(8).readBigUInt64LE());
    return body && encodePayload({ command: "cmpctblock", ...body });
  }
}

/** False when the block is not here or deep below the tip, where it is better sent whole. Never rejects. */
export async function sendCompactBlock(net: NetState, peer: Peer, entry: ChainEntry): Promise<boolean> {
  if (entry.height < net.chain.tip.height - COMPACT_DEPTH) return false;
  try {
    const payload = await payloadOf(net, entry);
    if (payload) peer.sendRaw("cmpctblock", payload);
    return payload !== undefined;
  } catch (error) {
    net.logger.error("a block could not be announced", { error, reason: messageOf(error) });
    return false;
  }
}

export const onGetBlockTransactions: Handler<Bodies["getblocktxn"]> = async (net, peer, { hash, indexes }) => {
  const { chain } = net;
  const entry = chain.entry(hash);
  if (!entry?.hasBlock || entry.isInvalid) return;
  if (entry.height < chain.tip.height - TRANSACTIONS_DEPTH) {
    // Reading it for a few transactions each time would be cheap to ask for and dear to answer.
    const raw = await chain.rawBlock(entry);
    if (raw) peer.sendRaw("block", raw);
  } else {
    const block = await chain.block(entry);
    const transactions = indexes.flatMap((index) => block?.transactions[index] ?? []);
    if (block && transactions.length < indexes.length)
      return net.punish(peer, 100, "getblocktxn: a place that the block does not have");
    peer.send({ command: "blocktxn", hash, transactions });
  }
  // One who asks for much and reads slowly waits here, and nothing piles up.
  await peer.transport.drained();
};
