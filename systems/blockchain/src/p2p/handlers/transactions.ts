/** Transactions that come. */
import { hashKey } from "../../primitives/hash.ts";
import { type Transaction, txid, wtxid } from "../../primitives/transaction.ts";
import type { Handler, NetState } from "../net-state.ts";
import type { Peer } from "../peer.ts";
import { INVENTORY } from "../wire/types.ts";

export const onTransaction: Handler<{ readonly transaction: Transaction }> = async (net, peer, { transaction }) => {
  const keys = [hashKey(wtxid(transaction)), hashKey(txid(transaction))];
  for (const key of keys) {
    peer.known.add(key);
    net.requests.settled(key);
  }
  if (net.isSyncing || net.mempool.has(txid(transaction)) || keys.some((key) => net.refused.has(key))) return;
  const result = await net.mempool.submit(transaction).catch((error: unknown) => {
    // Nothing was decided: the peer is not to blame, and whoever has it may send it again.
    net.logger.warn("a transaction was not checked, so not taken", { peer: peer.address, error });
    return undefined;
  });
  if (!result || result.ok) return;
  if (result.kind === "orphan") return askForParents(net, peer, result.missing);
  // By wtxid only: with another witness the same transaction may be valid.
  net.refused.add(keys[0] as string);
  net.logger.debug("transaction not taken", { peer: peer.address, reason: result.reason });
  if (result.isInvalid) net.punish(peer, 100, `transaction: ${result.reason}`);
};

/** Who sent the child most likely has the parents. */
function askForParents(net: NetState, peer: Peer, missing: readonly Buffer[]): void {
  for (const hash of missing) {
    const key = hashKey(hash);
    if (net.refused.has(key) || net.mempool.has(hash)) continue;
    net.requests.announced({ key, type: INVENTORY.witnessTransaction, hash: Buffer.from(hash) }, peer.id);
  }
  net.schedule();
}
