/** What a follower does with a leader's messages (section 5.3), and with a snapshot (section 7). */
import { assert } from "../errors.ts";
import { becomeFollower, resetTimer } from "./election.ts";
import type { Append, Heartbeat } from "./messages.ts";
import { appendEntries, commitTo, isBroken, type Node, type Step, send } from "./node.ts";
import type { SnapshotMeta } from "./types.ts";

/** A message of this term's leader: there can be only one. */
export function follow(step: Step, from: string): void {
  const { node } = step;
  assert(node.role !== "leader", "a term has one leader");
  if (node.role !== "follower" || node.leader !== from) becomeFollower(step, node.term, from);
  node.hasLostLeader = false;
  node.isToldRemoved = false;
  resetTimer(node);
}

export function onHeartbeat(step: Step, from: string, { commit, round }: Heartbeat): void {
  const { node } = step;
  follow(step, from);
  commitTo(step, Math.min(commit, node.log.last));
  send(step, from, { type: "heartbeat-reply", term: node.term, round });
}

export function onAppend(step: Step, from: string, append: Append): void {
  const { node } = step;
  const { log } = node;
  follow(step, from);
  // What is committed equals the leader's log; a late copy may reach before it, even before the base.
  const isBehind = append.prevIndex < node.commit;
  const prevIndex = isBehind ? node.commit : append.prevIndex;
  if (!isBehind && log.termAt(prevIndex) !== append.prevTerm && !isBroken(node, "append-without-matching")) {
    const { index, term } = log.lastWithin(prevIndex, append.prevTerm);
    const hint = { prevIndex: append.prevIndex, hintIndex: index, hintTerm: term };
    send(step, from, { type: "append-reject", term: node.term, ...hint });
    return;
  }
  const through = Math.max(prevIndex, append.prevIndex + append.entries.length);
  const fresh = append.entries.filter((entry) => log.termAt(entry.index) !== entry.term && entry.index > node.commit);
  const conflict = fresh[0]?.index;
  if (conflict !== undefined) {
    if (isBroken(node, "append-without-matching") && conflict > log.last + 1) return;
    appendEntries(step, append.entries.slice(conflict - append.entries[0]!.index));
  }
  commitTo(step, Math.min(append.commit, through));
  matchThrough(node, from, through);
  acknowledge(step, true);
}

/** Within a term the matching part only grows, whatever the order in which appends arrive. */
function matchThrough(node: Node, from: string, through: number): void {
  if (node.ack?.to === from) node.ack.through = Math.max(node.ack.through, through);
  else node.ack = { to: from, through, sent: -1 };
}

/** Tells the leader what is durable here: once it is; at once, and though it be no news, where all of it is already (`isAsked`: a probe waits). */
export function acknowledge(step: Step, isAsked: boolean): void {
  const { node } = step;
  const { ack } = node;
  if (!ack || node.role !== "follower" || node.leader !== ack.to) return;
  const match = isBroken(node, "ack-before-durable") ? ack.through : Math.min(ack.through, node.durable);
  if (isAsked ? match < ack.through : match <= ack.sent) return;
  ack.sent = match;
  send(step, ack.to, { type: "append-reply", term: node.term, match });
}

/** The leader of this term sent its state: used only where the log does not reach it. */
export function onSnapshot(step: Step, from: string, meta: SnapshotMeta): void {
  const { node, out } = step;
  const { log } = node;
  follow(step, from);
  if (meta.index > node.commit && log.termAt(meta.index) === meta.term) commitTo(step, meta.index);
  else if (meta.index > node.commit) {
    log.reset(meta);
    node.commit = meta.index;
    node.durable = meta.index;
    node.handed = meta.index;
    node.writes = [];
    node.ack = undefined;
    out.install = meta;
  }
  matchThrough(node, from, Math.max(meta.index, node.commit));
  acknowledge(step, true);
}
