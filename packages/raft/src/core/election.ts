/**
 * Elections: section 5.2, who may win 5.4.1, pre-vote and stickiness thesis 9.6 and 4.2.3.
 *
 * A candidate first asks whether it would win (pre-vote), which changes no term, so that a member that comes back from a partition disturbs nobody.
 * Stickiness: who heard from a leader within the shortest timeout answers no such question. Both are about peace, not about safety: reads do not rely
 * on leases, so a follower may drop its loyalty early, as it does when its connection to the leader ends.
 */

import { becomeLeader, resign } from "./leader.ts";
import { hasQuorum, votersOf } from "./membership.ts";
import type { Vote, VoteReply } from "./messages.ts";
import { isBroken, mayCampaign, type Node, type Step, send } from "./node.ts";

/** Ticks after the end of the connection to the leader before an election begins: drawn from 1 to this. */
const LOST_LEADER_TICKS = 3;

export function resetTimer(node: Node): void {
  const { electionTicks, random } = node.config;
  node.elapsed = 0;
  node.timeout = electionTicks + Math.floor(random() * electionTicks);
}

/** In `term`, which is the current one or a later one. */
export function becomeFollower(step: Step, term: number, leader: string | undefined): void {
  const { node } = step;
  if (node.leading) resign(step);
  if (term > node.term) {
    node.term = term;
    node.vote = undefined;
    node.ack = undefined;
  }
  node.role = "follower";
  node.leader = leader;
  node.hasLostLeader = false;
  node.votes.clear();
  resetTimer(node);
}

export function tickElection(step: Step): void {
  const { node } = step;
  node.elapsed++;
  if (node.elapsed < node.timeout || !mayCampaign(node) || node.isToldRemoved) return;
  campaign(step, true, false);
}

export function onLeaderLost(node: Node): void {
  node.hasLostLeader = true;
  const soon = node.elapsed + 1 + Math.floor(node.config.random() * LOST_LEADER_TICKS);
  node.timeout = Math.min(node.timeout, soon);
}

/** `isPre` asks whether an election would be won; otherwise one is held. */
export function campaign(step: Step, isPre: boolean, isTransfer: boolean): void {
  const { node } = step;
  const { id } = node.config;
  resetTimer(node);
  node.leader = undefined;
  node.ack = undefined;
  node.role = isPre ? "pre-candidate" : "candidate";
  if (!isPre) {
    node.term++;
    node.vote = id;
  }
  node.votes = new Map([[id, true]]);
  const term = isPre ? node.term + 1 : node.term;
  const { last: lastIndex, lastTerm } = node.log;
  for (const voter of votersOf(node.log.membership))
    if (voter !== id) send(step, voter, { type: "vote", term, isPre, isTransfer, lastIndex, lastTerm });
  count(step);
}

/** Whether a question about another leader goes unanswered. */
export function isSticky({ role, leader, elapsed, hasLostLeader, config }: Node): boolean {
  if (role === "leader") return true;
  return leader !== undefined && elapsed < config.electionTicks && !hasLostLeader;
}

/** In a term that is not behind this member's; of a pre-vote, one that may be ahead. */
export function onVote(step: Step, from: string, vote: Vote): void {
  const { node } = step;
  const { isPre, term } = vote;
  const isFree = node.vote === from || (node.vote === undefined && node.leader === undefined);
  const isGranted = (isFree || (isPre && term > node.term) || isBroken(node, "vote-twice")) && isUpToDate(node, vote);
  if (isGranted && !isPre) {
    node.vote = from;
    resetTimer(node);
  }
  send(step, from, { type: "vote-reply", term: isGranted ? term : node.term, isPre, isGranted });
}

/** Section 5.4.1: whoever lacks a committed entry loses against each of the majority that holds it. */
function isUpToDate(node: Node, { lastIndex, lastTerm }: Vote): boolean {
  if (isBroken(node, "vote-for-anyone")) return true;
  const { log } = node;
  return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.last);
}

export function onVoteReply(step: Step, from: string, { term, isPre, isGranted }: VoteReply): void {
  const { node } = step;
  const asked = isPre ? "pre-candidate" : "candidate";
  if (node.role !== asked || (isGranted && term !== node.term + (isPre ? 1 : 0))) return;
  // The first answer counts: a late copy changes nothing.
  if (!node.votes.has(from)) node.votes.set(from, isGranted);
  count(step);
}

function count(step: Step): void {
  const { node } = step;
  const { membership } = node.log;
  if (hasQuorum(membership, (id) => node.votes.get(id) === true)) {
    if (node.role === "pre-candidate") campaign(step, false, false);
    else becomeLeader(step);
  } else if (hasQuorum(membership, (id) => node.votes.get(id) === false)) becomeFollower(step, node.term, undefined);
}
