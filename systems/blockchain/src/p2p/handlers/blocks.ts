/** Blocks that come. */
import type { BlockResult } from "../../chain/types.ts";
import { messageOf } from "../../errors.ts";
import { type Block, blockHash } from "../../primitives/block.ts";
import { hashKey } from "../../primitives/hash.ts";
import type { Handler, NetState } from "../net-state.ts";
import type { Peer } from "../peer.ts";
import { preferCompact } from "./compact.ts";
import { askForHeaders, onStray } from "./headers.ts";

/** Blocks of one peer that are checked while it sends more. Beyond this its connection isn't read, so memory stays bounded. */
const MOST_IN_HAND = 8;

export const onBlock: Handler<{ readonly block: Block }> = (net, peer, { block }) => takeBlock(net, peer, block);

/** `isRebuilt` out of the mempool: what is wrong with it then may be nobody's fault. */
export async function takeBlock(net: NetState, peer: Peer, block: Block, { isRebuilt = false } = {}): Promise<void> {
  const hash = blockHash(block.header);
  const key = hashKey(hash);
  const wasAsked = isRebuilt || net.downloads.isAsked(key);
  net.downloads.received(key, peer.id, net.clock.now());
  peer.known.add(key);
  if (peer.rebuilding?.entry.key === key) peer.rebuilding = undefined;
  if (net.inHand.has(key) || net.chain.entry(hash)?.hasBlock) return net.schedule();
  net.inHand.add(key);
  peer.blocksInHand++;
  const added = net.chain
    .addBlock(block, { requested: wasAsked })
    .finally(() => {
      net.inHand.delete(key);
      peer.blocksInHand--;
    })
    .then((result) => onResult(net, peer, block, result, { wasAsked, isRebuilt }))
    .catch((error: unknown) => net.logger.error("a block could not be taken", { error, reason: messageOf(error) }));
  if (peer.blocksInHand >= MOST_IN_HAND) await added;
  else net.schedule();
}

interface Way {
  readonly wasAsked: boolean;
  readonly isRebuilt: boolean;
}

function onResult(net: NetState, peer: Peer, block: Block, result: BlockResult, { wasAsked, isRebuilt }: Way): void {
  if (result.ok) {
    peer.learnBest(result.entry);
    if (result.isNew) onNewBlock(net, peer);
  } else if (!isRebuilt && (result.fault === "invalid" || result.fault === "mutated"))
    // A compact block may be sent on before it is checked (BIP 152), and be put together wrong.
    net.punish(peer, 100, `block: ${result.reason}`);
  else if (result.fault === "unknown" && !peer.isClosed) {
    // A flood may have made us forget the header meanwhile: who sends what was asked for is not to blame.
    if (wasAsked) askForHeaders(net, peer);
    else onStray(net, peer);
  } else net.logger.debug("block not taken", { peer: peer.address, reason: result.reason, time: block.header.time });
  net.schedule();
}

function onNewBlock(net: NetState, peer: Peer): void {
  peer.lastBlockMs = net.clock.now();
  if (peer.isReady) preferCompact(net, peer);
}
