/** The cluster over HTTP: who is in it, who leads, and how to change that. */
import type { Member, Raft } from "@coracle/raft";
import { WhitewaterError } from "../errors.ts";
import { newDiskId } from "../membership/record-file.ts";
import { type Answer, json } from "./answer.ts";
import { badRequest, type Call, jsonBody } from "./call.ts";
import type { RunningMember } from "./context.ts";

export interface ShownMember {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly role: "leader" | "follower" | "learner";
  /** What the leader says of it; absent elsewhere. */
  readonly matchIndex?: number;
  readonly isActive?: boolean;
}

export function shownMembers(raft: Pick<Raft, "status">): ShownMember[] {
  const { members, leader, progress } = raft.status();
  return members.map(({ id, name, address, isLearner }) => {
    const own = progress.find((each) => each.id === id);
    return {
      id,
      name,
      address,
      role: id === leader ? "leader" : isLearner ? "learner" : "follower",
      ...(own && { matchIndex: own.matchIndex, isActive: own.isActive }),
    };
  });
}

/** Who leads is asked of the leader where it can be: a follower does not know who is active. */
export function cluster({ raft, kv }: RunningMember): Answer {
  const { clusterId, id, term, leader, role, commitIndex, appliedIndex, lastIndex } = raft.status();
  const members = shownMembers(raft);
  return json({
    clusterId,
    leader: members.find((member) => member.id === leader) ?? null,
    term,
    revision: kv.status().revision,
    self: { id, role, commitIndex, appliedIndex, lastIndex },
    members,
  });
}

export const listMembers = ({ raft }: RunningMember): Answer =>
  json({ clusterId: raft.status().clusterId, members: shownMembers(raft) });

/** A member by id or by name. Throws `not-found`. */
export function memberNamed(raft: Pick<Raft, "status">, word: string): Member {
  const { members } = raft.status();
  const member = members.find(({ id }) => id === word) ?? members.find(({ name }) => name === word);
  if (member) return member;
  const known = members.map(({ name }) => name).join(", ");
  throw new WhitewaterError("not-found", `There is no member ${word}. Members: ${known}.`);
}

export async function addMember({ raft }: RunningMember, call: Call): Promise<Answer> {
  const { name, address, id = newDiskId() } = await jsonBody(call);
  if (typeof name !== "string" || !/^[\w][\w.-]{0,252}$/.test(name)) throw badRequest("name: the pod's name.");
  if (typeof address !== "string" || !/^[^\s/]+:\d{1,5}$/.test(address)) throw badRequest("address: host:port.");
  if (typeof id !== "string" || !/^[0-9a-f]{16}$/.test(id)) throw badRequest("id: 16 hex digits.");
  await raft.changeMembers({ kind: "add-learner", member: { id, name, address } }, call.signal);
  return json({ id, name, address, role: "learner" }, 201);
}

export async function removeMember({ raft }: RunningMember, call: Call): Promise<Answer> {
  const { id, name } = memberNamed(raft, decodeURIComponent(call.rest));
  await raft.changeMembers({ kind: "remove", id }, call.signal);
  return json({ removed: id, name });
}

export async function promoteMember({ raft }: RunningMember, call: Call): Promise<Answer> {
  const { id, name } = memberNamed(raft, decodeURIComponent(call.rest));
  await raft.changeMembers({ kind: "promote", id }, call.signal);
  return json({ promoted: id, name });
}

/** Hands leadership over; answers once another leads. */
export async function moveLeader({ raft }: RunningMember, call: Call): Promise<Answer> {
  const { to } = await jsonBody(call);
  if (to !== undefined && typeof to !== "string") throw badRequest("to: a member's name or id.");
  const before = raft.status().leader;
  const wanted = to === undefined ? undefined : memberNamed(raft, to).id;
  const startedAt = performance.now();
  await raft.transferLeadership(wanted, call.signal);
  const { leader, members } = raft.status();
  const nameOf = (id: string | undefined): string | null => members.find((member) => member.id === id)?.name ?? null;
  return json({
    from: nameOf(before),
    to: nameOf(wanted ?? leader),
    pauseMs: Math.round(performance.now() - startedAt),
  });
}
