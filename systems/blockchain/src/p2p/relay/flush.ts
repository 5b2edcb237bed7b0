/** Sends what has piled up to be announced. */
import { hashKey } from "../../primitives/hash.ts";
import { LIMITS } from "../limits.ts";
import type { Peer } from "../peer.ts";

export function flushOutbox(peer: Peer): void {
  if (peer.outbox.size === 0) return;
  const items = [...peer.outbox.values()].filter(({ hash }) => !peer.known.has(hashKey(hash)));
  peer.outbox.clear();
  for (const { hash } of items) peer.known.add(hashKey(hash));
  for (let at = 0; at < items.length; at += LIMITS.inventory)
    peer.send({ command: "inv", items: items.slice(at, at + LIMITS.inventory) });
}
