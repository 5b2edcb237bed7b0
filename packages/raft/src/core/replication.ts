/** How the leader brings each other member's log to equal its own (section 5.3, with its fast back-off; thesis 10.2.1 for pipelining). */

import { advanceCommit, isHeard } from "./leader.ts";
import { sizeOf } from "./log.ts";
import type { AppendReject } from "./messages.ts";
import { type Leading, type Step, send } from "./node.ts";
import type { Progress } from "./progress.ts";
import { continueTransfer } from "./transfer.ts";

export function replicateToAll(step: Step, leading: Leading, mayBeEmpty: boolean): void {
  for (const [id, peer] of leading.peers) replicate(step, leading, id, peer, mayBeEmpty);
}

/** Sends what the bounds allow. `mayBeEmpty`: an append without entries is worth sending, for its commit index or to probe. */
export function replicate(step: Step, _leading: Leading, id: string, peer: Progress, mayBeEmpty: boolean): void {
  const { node } = step;
  const { log, config } = node;
  let isFirst = true;
  while (peer.state !== "snapshot") {
    const canSend = peer.canSend(config.maxInflight, config.maxInflightBytes);
    const hasMore = peer.next <= log.last;
    if (!(canSend && hasMore) && !(isFirst && mayBeEmpty && (canSend || peer.state === "replicate"))) return;
    const prevTerm = log.termAt(peer.next - 1);
    if (prevTerm === undefined) {
      beginSnapshot(step, id, peer);
      return;
    }
    sendAppend(step, id, peer, prevTerm, canSend && hasMore);
    isFirst = false;
  }
}

function sendAppend(step: Step, to: string, peer: Progress, prevTerm: number, isFull: boolean): void {
  const { node } = step;
  const { log, config, term, commit } = node;
  const prevIndex = peer.next - 1;
  const entries = isFull ? log.slice(peer.next, log.last, config.maxAppendBytes) : [];
  send(step, to, { type: "append", term, prevIndex, prevTerm, entries, commit });
  const last = entries.at(-1);
  if (last)
    peer.sent(
      last.index,
      entries.reduce((sum, entry) => sum + sizeOf(entry), 0),
    );
  else if (peer.state === "probe") peer.isWaiting = true;
}

function beginSnapshot(step: Step, id: string, peer: Progress): void {
  if (!isHeard(step.node, peer)) return;
  peer.beginSnapshot();
  step.out.snapshots.push(id);
}

export function onSnapshotSent(step: Step, leading: Leading, id: string, index: number, isTaken: boolean): void {
  const peer = leading.peers.get(id);
  if (peer?.state !== "snapshot") return;
  peer.probe(Math.max(peer.match, isTaken ? index : 0) + 1);
  // After a failure the next answered heartbeat tries again, not this very moment.
  if (isTaken) replicate(step, leading, id, peer, true);
  else peer.isWaiting = true;
}

export function onAppendReply(step: Step, leading: Leading, from: string, match: number): void {
  const peer = leading.peers.get(from);
  if (!peer || match > step.node.log.last) return;
  if (peer.state === "snapshot") {
    if (match < step.node.log.base.index) return;
    peer.probe();
  }
  if (peer.acknowledged(match)) advanceCommit(step, leading);
  if (step.node.leading !== leading) return;
  replicate(step, leading, from, peer, false);
  continueTransfer(step, leading);
}

export function onAppendReject(step: Step, leading: Leading, from: string, reject: AppendReject): void {
  const peer = leading.peers.get(from);
  if (!peer) return;
  const { index } = step.node.log.lastWithin(reject.hintIndex, reject.hintTerm);
  // Below the base there is nothing to try: `next` leads to a snapshot.
  const next = reject.hintIndex < step.node.log.base.index ? reject.hintIndex + 1 : index + 1;
  if (peer.rejected(reject.prevIndex, next)) replicate(step, leading, from, peer, true);
}

export function onPeerUp(step: Step, leading: Leading, id: string): void {
  const peer = leading.peers.get(id);
  if (!peer) return;
  peer.isDown = false;
  if (peer.state === "snapshot") return;
  peer.probe();
  replicate(step, leading, id, peer, true);
}
