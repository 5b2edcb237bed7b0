/** Announcements and requests by hash. */
import type { ChainEntry } from "../../chain/types.ts";
import { encodeBlock } from "../../primitives/block.ts";
import { hashKey } from "../../primitives/hash.ts";
import type { Handler, NetState } from "../net-state.ts";
import type { Peer } from "../peer.ts";
import { INVENTORY, type InventoryBody, type InventoryItem } from "../wire/types.ts";
import { sendCompactBlock } from "./compact-serving.ts";
import { askForHeaders } from "./headers.ts";

const BLOCK_TYPES: ReadonlySet<number> = new Set([INVENTORY.block, INVENTORY.witnessBlock, INVENTORY.compactBlock]);
const isBlock = (type: number): boolean => BLOCK_TYPES.has(type);

export const onInv: Handler<InventoryBody> = (net, peer, { items }) => {
  let newest: InventoryItem | undefined;
  for (const item of items) {
    peer.known.add(hashKey(item.hash));
    if (isBlock(item.type)) newest = noteBlock(net, peer, item) ?? newest;
    else if (!net.isSyncing) noteTransaction(net, peer, item);
  }
  // Headers first, also for what is announced by hash: a block alone says nothing about the work behind it.
  if (newest !== undefined) askForHeaders(net, peer);
  net.schedule();
};

/** The item if its header isn't known. */
function noteBlock(net: NetState, peer: Peer, item: InventoryItem): InventoryItem | undefined {
  const entry = net.chain.entry(item.hash);
  if (entry === undefined) return item;
  peer.learnBest(entry);
  return undefined;
}

function noteTransaction(net: NetState, peer: Peer, { type, hash }: InventoryItem): void {
  const isWtxid = type === INVENTORY.witnessTransactionId;
  if (!isWtxid && type !== INVENTORY.transaction && type !== INVENTORY.witnessTransaction) return;
  const key = hashKey(hash);
  const isKnown = isWtxid
    ? net.mempool.getByWtxid(hash) !== undefined || net.mempool.hasOrphan(hash)
    : net.mempool.has(hash);
  if (isKnown || net.refused.has(key)) return;
  const asked = isWtxid ? INVENTORY.witnessTransactionId : INVENTORY.witnessTransaction;
  net.requests.announced({ key, type: asked, hash: Buffer.from(hash) }, peer.id);
}

export const onGetData: Handler<InventoryBody> = async (net, peer, { items }) => {
  const missing: InventoryItem[] = [];
  for (const item of items) {
    if (peer.isClosed) return;
    const isSent = isBlock(item.type) ? await sendBlock(net, peer, item) : sendTransaction(net, peer, item);
    if (!isSent) missing.push(item);
    // One who asks for much and reads slowly waits here, and nothing piles up.
    await peer.transport.drained();
  }
  if (missing.length > 0) peer.send({ command: "notfound", items: missing });
};

async function sendBlock(net: NetState, peer: Peer, { type, hash }: InventoryItem): Promise<boolean> {
  const entry = net.chain.entry(hash);
  if (!entry?.hasBlock || entry.isInvalid) return false;
  const isCompact = type === INVENTORY.compactBlock && (await sendCompactBlock(net, peer, entry));
  if (!isCompact && !(await sendWhole(net, peer, entry, type !== INVENTORY.block))) return false;
  if (peer.continueAt === entry.key) {
    peer.continueAt = undefined;
    peer.send({ command: "inv", items: [{ type: INVENTORY.block, hash: net.chain.tip.hash }] });
  }
  return true;
}

async function sendWhole({ chain }: NetState, peer: Peer, entry: ChainEntry, withWitness: boolean): Promise<boolean> {
  const raw = withWitness ? await chain.rawBlock(entry) : undefined;
  const block = raw === undefined ? await chain.block(entry) : undefined;
  const bytes = raw ?? (block && encodeBlock(block, { witness: false }));
  if (bytes) peer.sendRaw("block", bytes);
  return bytes !== undefined;
}

function sendTransaction(net: NetState, peer: Peer, { type, hash }: InventoryItem): boolean {
  const entry = type === INVENTORY.witnessTransactionId ? net.mempool.getByWtxid(hash) : net.mempool.get(hash);
  if (entry === undefined) return false;
  peer.send({ command: "tx", transaction: entry.tx });
  return true;
}

export const onNotFound: Handler<InventoryBody> = (net, peer, { items }) => {
  for (const { type, hash } of items) {
    const key = hashKey(hash);
    if (isBlock(type)) net.downloads.refused(key, peer.id);
    else net.requests.refused(key, peer.id);
  }
  net.schedule();
};

/** Everything that waits here, once. */
export const onMempool: Handler<object> = (net, peer) => {
  for (const entry of net.mempool.entries()) queueTransaction(peer, entry);
};

/** To be announced at the next occasion, unless the peer knows it or doesn't want it. */
export function queueTransaction(
  peer: Peer,
  { txid, wtxid, fee, vsize }: { readonly txid: Buffer; readonly wtxid: Buffer; fee: number; vsize: number },
): void {
  if (!peer.isReady || peer.version?.relay === false || (fee * 1000) / vsize < peer.feeFilter) return;
  const hash = peer.wantsWtxids ? wtxid : txid;
  const key = hashKey(hash);
  if (peer.known.has(key) || peer.known.has(hashKey(txid))) return;
  peer.outbox.set(key, { type: peer.wantsWtxids ? INVENTORY.witnessTransactionId : INVENTORY.transaction, hash });
}
