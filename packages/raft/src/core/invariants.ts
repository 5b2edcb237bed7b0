/** The invariants of `node.ts`, checked; the simulation does so after every step. Those between members are checked by the simulation itself. */
import { assert } from "../errors.ts";
import { memberOf } from "./membership.ts";
import { type Leading, mayCampaign, type Node } from "./node.ts";

/** What must not go back. */
export interface Past {
  readonly term: number;
  readonly vote: string | undefined;
  readonly commit: number;
}

export const pastOf = ({ term, vote, commit }: Node): Past => ({ term, vote, commit });

/** Throws InvariantError when `node`, after a step, breaks one. */
export function checkInvariants(node: Node, before: Past): void {
  const { log, leading, config } = node;
  const isKept = node.term > before.term || before.vote === undefined || before.vote === node.vote;
  assert(node.term >= before.term && node.commit >= before.commit && isKept, "1: term, commit and vote never go back");
  const held = Math.min(node.commit, node.durable);
  assert(log.base.index <= node.handed && node.handed <= held, "2: what is applied is committed and durable");
  assert(node.commit <= log.last && node.durable <= log.last, "2: nothing is committed or durable that is not held");
  assert(log.lastTerm <= node.term, "3: no entry is of a later term");
  assert((node.role === "leader") === (leading !== undefined), "4: who leads knows its followers");
  assert(!leading || node.leader === config.id, "4: a leader follows nobody");
  const campaigns = node.role === "candidate" || node.role === "pre-candidate";
  assert(!campaigns || mayCampaign(node), "5: who campaigns may vote");
  if (leading) checkLeading(node, leading);
  const isOwn = node.commit === before.commit || log.termAt(node.commit) === node.term;
  assert(!leading || isOwn, "8: a leader commits by an entry of its own term");
}

function checkLeading(node: Node, leading: Leading): void {
  const { log, config } = node;
  const open = log.membershipsAfter(Math.max(node.commit, leading.opening - 1));
  assert(open <= 1, "6: one change of membership at a time");
  for (const peer of leading.peers.values()) {
    assert(peer.match < peer.next && peer.next <= log.last + 1, "7: what a member is sent follows what it holds");
    assert(peer.flights <= config.maxInflight, "7: no more is on its way to a member than may be");
  }
  for (const { id } of log.membership.members)
    assert(id === config.id || leading.peers.has(id), "7: every member is known");
  const hasLeft = log.membershipIndex <= node.commit && !memberOf(log.membership, config.id);
  assert(!hasLeft, "5: who was removed leads no more");
}
