/** The leader's term: how it begins and ends, what it appends, and when an entry is committed (sections 5.3, 5.4.2, 6). */
import { assert } from "../errors.ts";
import { becomeFollower } from "./election.ts";
import { sizeOf } from "./log.ts";
import { hasQuorum, memberOf, quorumOf } from "./membership.ts";
import { appendEntries, commitTo, isBroken, type Leading, type Node, refusal, type Step, send } from "./node.ts";
import { Progress } from "./progress.ts";
import { beginEarlyReads, confirmReads } from "./reads.ts";
import { replicate, replicateToAll } from "./replication.ts";
import type { LogEntry, Refusal } from "./types.ts";

export function becomeLeader(step: Step): void {
  const { node } = step;
  const { log, config } = node;
  const uncommitted = log.slice(node.commit + 1, log.last).reduce((sum, entry) => sum + sizeOf(entry), 0);
  node.role = "leader";
  node.leader = config.id;
  node.hasLostLeader = false;
  node.leading = {
    peers: new Map(),
    opening: log.last + 1,
    uncommittedBytes: uncommitted,
    heartbeatElapsed: 0,
    transfer: undefined,
    round: 0,
    confirmedRound: 0,
    early: [],
    reads: [],
  };
  reconcilePeers(node, node.leading);
  for (const [id, peer] of node.leading.peers) if (node.votes.get(id)) peer.heardAt = node.ticks;
  appendOwn(step, node.leading, [{ index: log.last + 1, term: node.term }]);
}

export function resign({ node, out }: Step): void {
  const { leading } = node;
  assert(leading, "only who leads can resign");
  out.lostReads.push(...leading.early, ...leading.reads.map((read) => read.id));
  node.leading = undefined;
}

/** Whoever is new gets a place; whoever left keeps it until the change is committed, so that it learns of it. */
export function reconcilePeers(node: Node, leading: Leading): void {
  const { members } = node.log.membership;
  for (const { id } of members)
    if (id !== node.config.id && !leading.peers.has(id)) leading.peers.set(id, new Progress(node.log.last + 1));
  if (node.log.membershipIndex > node.commit) return;
  for (const id of [...leading.peers.keys()]) if (!memberOf(node.log.membership, id)) leading.peers.delete(id);
}

export function propose(step: Step, commands: readonly Uint8Array[], meant: number): Refusal | undefined {
  const { node, out } = step;
  const { leading, log, term } = node;
  if (!leading || term !== meant) return refusal("no-leader", "this member does not lead in that term");
  if (leading.transfer) return refusal("busy", `leadership goes to ${leading.transfer.to}`);
  const bytes = commands.reduce((sum, command) => sum + command.length, 0);
  if (leading.uncommittedBytes > 0 && leading.uncommittedBytes + bytes > node.config.maxUncommittedBytes)
    return refusal("overloaded", `${leading.uncommittedBytes} bytes wait for a majority; retry later`);
  const first = log.last + 1;
  out.accepted = { index: first, term };
  appendOwn(
    step,
    leading,
    commands.map((command, i) => ({ index: first + i, term, command })),
  );
  return undefined;
}

/** Sends before the own disk has it: the leader counts itself only once it does. */
export function appendOwn(step: Step, leading: Leading, entries: readonly LogEntry[]): void {
  appendEntries(step, entries);
  for (const entry of entries) leading.uncommittedBytes += sizeOf(entry);
  replicateToAll(step, leading, false);
}

/** Section 5.4.2: an older term's entry is committed by one of this term behind it, never by its count alone. */
export function advanceCommit(step: Step, leading: Leading): void {
  const { node } = step;
  const { log, config } = node;
  const isEarly = isBroken(node, "ack-before-durable");
  const index = quorumOf(log.membership, (id) => {
    if (id === config.id) return isEarly ? log.last : node.durable;
    return leading.peers.get(id)?.match ?? 0;
  });
  if (index <= node.commit) return;
  if (log.termAt(index) !== node.term && !isBroken(node, "commit-older-term")) return;
  for (const entry of log.slice(node.commit + 1, index)) leading.uncommittedBytes -= sizeOf(entry);
  commitTo(step, index);
  afterCommit(step, leading);
}

function afterCommit(step: Step, leading: Leading): void {
  const { node } = step;
  replicateToAll(step, leading, true);
  reconcilePeers(node, leading);
  if (node.commit >= leading.opening) beginEarlyReads(step, leading);
  const hasLeft = node.log.membershipIndex <= node.commit && !memberOf(node.log.membership, node.config.id);
  if (hasLeft) leave(step, leading);
}

/** Thesis 4.2.2: a leader that was removed leads until that is committed. It names who should be next. */
function leave(step: Step, leading: Leading): void {
  const { node } = step;
  const heir = bestHeir(node, leading);
  if (heir !== undefined) send(step, heir, { type: "timeout-now", term: node.term });
  becomeFollower(step, node.term, undefined);
}

/** The voter that holds the most, of those that are heard. */
export function bestHeir(node: Node, leading: Leading): string | undefined {
  let best: { readonly id: string; readonly match: number } | undefined;
  for (const [id, peer] of leading.peers) {
    if (memberOf(node.log.membership, id)?.isLearner !== false || !isHeard(node, peer)) continue;
    if (!best || peer.match > best.match) best = { id, match: peer.match };
  }
  return best?.id;
}

export const isHeard = (node: Node, peer: Progress): boolean =>
  !peer.isDown && node.ticks - peer.heardAt <= node.config.electionTicks;

export function tickLeader(step: Step, leading: Leading): void {
  const { node } = step;
  const { electionTicks, heartbeatTicks, id } = node.config;
  if (leading.transfer && node.ticks >= leading.transfer.deadline) {
    step.out.transferFailed = `${leading.transfer.to} did not take over in time`;
    leading.transfer = undefined;
  }
  // Check-quorum: who can't reach a majority must not keep clients waiting, nor others sticky (thesis 6.2).
  const isReached = (voter: string) =>
    voter === id || node.ticks - (leading.peers.get(voter)?.heardAt ?? -Infinity) <= electionTicks;
  if (!hasQuorum(node.log.membership, isReached)) {
    becomeFollower(step, node.term, undefined);
    return;
  }
  if (++leading.heartbeatElapsed >= heartbeatTicks) heartbeat(step, leading);
}

/** To all, with the round that the reads need. */
export function heartbeat(step: Step, leading: Leading): void {
  const { node } = step;
  leading.heartbeatElapsed = 0;
  const wanted = leading.reads.at(-1)?.round ?? 0;
  leading.round = Math.max(leading.round, wanted);
  for (const [to, peer] of leading.peers) {
    const commit = Math.min(peer.match, node.commit);
    send(step, to, { type: "heartbeat", term: node.term, commit, round: leading.round });
  }
  confirmReads(step, leading);
}

export function onHeartbeatReply(step: Step, leading: Leading, from: string, round: number): void {
  const peer = leading.peers.get(from);
  if (!peer) return;
  peer.round = Math.max(peer.round, round);
  peer.isWaiting = false;
  // Something sent may have been lost without a trace: an empty append finds out.
  if (peer.match < step.node.log.last) replicate(step, leading, from, peer, true);
  confirmReads(step, leading);
}
