/**
 * Changes of membership (thesis 4): one at a time, and none that would leave a group that can't decide.
 *
 * Two safety rules: the change before must be committed, or two majorities might not meet; and an entry of this term must be committed, or a change
 * of an earlier leader might still come true (the flaw found in 2015 in the single-server method). The rest guards availability.
 */
import type { MemberChange } from "../types.ts";
import { appendOwn, isHeard, reconcilePeers } from "./leader.ts";
import { changed, hasQuorum, isRefusal, memberOf, votersOf } from "./membership.ts";
import { isBroken, type Leading, type Node, refusal, type Step } from "./node.ts";
import type { Membership, Refusal } from "./types.ts";

export function onChange(step: Step, change: MemberChange): Refusal | undefined {
  const { node, out } = step;
  const { leading, log, term } = node;
  if (!leading) return refusal("no-leader", "this member does not lead");
  const busy = busyWith(node, leading);
  if (busy !== undefined && !isBroken(node, "two-changes-at-once")) return refusal("busy", busy);
  const next = changed(log.membership, change, node.config.maxMembers);
  if (isRefusal(next)) return next;
  if (!next) {
    out.accepted = { index: log.membershipIndex, term: log.termAt(log.membershipIndex) as number };
    return undefined;
  }
  const danger = isBroken(node, "two-changes-at-once") ? undefined : dangerOf(node, leading, change, next);
  if (danger) return danger;
  const index = log.last + 1;
  out.accepted = { index, term };
  appendOwn(step, leading, [{ index, term, membership: next }]);
  reconcilePeers(node, leading);
  return undefined;
}

function busyWith(node: Node, leading: Leading): string | undefined {
  if (node.commit < leading.opening) return "the new leader has not committed its first entry yet";
  if (node.log.membershipIndex > node.commit) return "another change of the membership is under way";
  if (leading.transfer) return `leadership goes to ${leading.transfer.to}`;
  return undefined;
}

function dangerOf(node: Node, leading: Leading, change: MemberChange, next: Membership): Refusal | undefined {
  if (change.kind === "promote") {
    const missing = lagOf(node, leading, change.id);
    if (missing !== undefined) return { code: "unsafe", message: missing };
  }
  if (votersOf(next).join() === votersOf(node.log.membership).join()) return undefined;
  const isReached = (id: string) => {
    const peer = leading.peers.get(id);
    return id === node.config.id || (peer !== undefined && isHeard(node, peer));
  };
  if (hasQuorum(next, isReached)) return undefined;
  const away = votersOf(next).filter((id) => !isReached(id));
  const names = away.map((id) => memberOf(next, id)?.name ?? id).join(", ");
  const message = `of ${votersOf(next).length} voters, ${names} can't be reached: the group could decide nothing more`;
  return { code: "unsafe", message };
}

/** What keeps a learner from being promoted. */
function lagOf(node: Node, leading: Leading, id: string): string | undefined {
  const peer = leading.peers.get(id);
  if (!peer || !isHeard(node, peer)) return `${id} can't be reached`;
  // What it is known to hold it holds durably, whatever became of its connection since.
  const lag = node.log.last - peer.match;
  if (lag <= node.config.promoteLagEntries) return undefined;
  return `${id} has not caught up: it lacks ${lag} entries`;
}
