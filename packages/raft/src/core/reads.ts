/**
 * Linearizable reads without writing (ReadIndex; section 8, thesis 6.4): the leader notes its commit index, makes sure by a round of heartbeats begun
 * afterwards that it still leads, and the read may be served once that index is applied. Reads that arrive during a round share the next.
 */

import { heartbeat } from "./leader.ts";
import { hasQuorum } from "./membership.ts";
import { isBroken, type Leading, refusal, type Step } from "./node.ts";
import type { Refusal } from "./types.ts";

export function onRead(step: Step, id: number): Refusal | undefined {
  const { node } = step;
  const { leading } = node;
  if (!leading) return refusal("no-leader", "this member does not lead");
  if (leading.early.length + leading.reads.length >= node.config.maxReads)
    return refusal("overloaded", "too many reads wait; retry later");
  // Before the term's first entry is committed, the commit index may lie behind what another leader acknowledged.
  if (node.commit < leading.opening && !isBroken(node, "read-before-opening")) leading.early.push(id);
  else enqueue(step, leading, [id]);
  return undefined;
}

export function beginEarlyReads(step: Step, leading: Leading): void {
  const ids = leading.early.splice(0);
  if (ids.length > 0) enqueue(step, leading, ids);
}

function enqueue(step: Step, leading: Leading, ids: readonly number[]): void {
  const { node, out } = step;
  if (isBroken(node, "read-without-quorum")) {
    for (const id of ids) out.reads.push({ id, index: node.commit });
    return;
  }
  const round = leading.round + 1;
  for (const id of ids) leading.reads.push({ id, index: node.commit, round });
  if (leading.round === leading.confirmedRound) heartbeat(step, leading);
}

/** Serves the reads whose round a majority has answered, and begins the next round when some are left. */
export function confirmReads(step: Step, leading: Leading): void {
  const { node, out } = step;
  const { config, log } = node;
  const isConfirmed = (id: string) => id === config.id || (leading.peers.get(id)?.round ?? 0) >= leading.round;
  if (leading.confirmedRound === leading.round || !hasQuorum(log.membership, isConfirmed)) return;
  leading.confirmedRound = leading.round;
  const later = leading.reads.findIndex((read) => read.round > leading.round);
  for (const { id, index } of leading.reads.splice(0, later < 0 ? leading.reads.length : later))
    out.reads.push({ id, index });
  if (leading.reads.length > 0) heartbeat(step, leading);
}
