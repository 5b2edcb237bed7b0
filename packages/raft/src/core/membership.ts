/** Who counts, and how a membership becomes the next one: one member at a time (thesis 4.1), so that any two majorities meet. */
import type { Member, MemberChange } from "../types.ts";
import type { Membership, Refusal } from "./types.ts";

/** Removed ids remembered. */
export const MAX_REMOVED = 256;

export const NOBODY: Membership = { members: [], removed: [] };

export const memberOf = ({ members }: Membership, id: string): Member | undefined =>
  members.find((member) => member.id === id);

export const votersOf = ({ members }: Membership): readonly string[] =>
  members.filter((member) => !member.isLearner).map((member) => member.id);

export const isVoter = (membership: Membership, id: string): boolean => memberOf(membership, id)?.isLearner === false;

export const majorityOf = (count: number): number => Math.floor(count / 2) + 1;

/** The highest value that a majority of voters has reached; 0 without voters. */
export function quorumOf(membership: Membership, reachedBy: (id: string) => number): number {
  const values = votersOf(membership).map(reachedBy);
  values.sort((a, b) => b - a);
  return values[majorityOf(values.length) - 1] ?? 0;
}

export function hasQuorum(membership: Membership, isCounted: (id: string) => boolean): boolean {
  const voters = votersOf(membership);
  return voters.length > 0 && voters.filter(isCounted).length >= majorityOf(voters.length);
}

/** The membership after the change; undefined when nothing would change; a refusal when it makes no sense. Whether it is safe now is not asked here. */
export function changed(
  membership: Membership,
  change: MemberChange,
  maxMembers: number,
): Membership | undefined | Refusal {
  switch (change.kind) {
    case "add-learner":
      return added(membership, change.member, maxMembers);
    case "promote":
      return edited(membership, change.id, (member) => ({ ...member, isLearner: false }));
    case "update":
      return updated(membership, change);
    case "remove":
      return without(membership, change.id);
  }
}

export const isRefusal = (value: Membership | Refusal | undefined): value is Refusal =>
  value !== undefined && "code" in value;

const invalid = (message: string): Refusal => ({ code: "invalid", message });

function added(membership: Membership, { id, name, address }: Omit<Member, "isLearner">, maxMembers: number) {
  const { members, removed } = membership;
  const present = memberOf(membership, id);
  if (present) {
    if (present.name === name && present.address === address) return undefined;
    return invalid(`${id} is a member already, as ${present.name} at ${present.address}`);
  }
  if (removed.includes(id)) return invalid(`${id} was removed; a member comes back under a new id`);
  const namesake = members.find((member) => member.name === name);
  if (namesake) return invalid(`the name ${name} is borne by ${namesake.id}; remove that one first`);
  if (members.length >= maxMembers) return invalid(`the group has ${members.length} members, which is the limit`);
  return { removed, members: [...members, { id, name, address, isLearner: true }] };
}

function updated(membership: Membership, { id, name, address }: Extract<MemberChange, { kind: "update" }>) {
  const namesake = membership.members.find((member) => member.name === name && member.id !== id);
  if (namesake) return invalid(`the name ${name} is borne by ${namesake.id}`);
  return edited(membership, id, (member) => ({ ...member, name, address }));
}

function edited(membership: Membership, id: string, edit: (member: Member) => Member) {
  const present = memberOf(membership, id);
  if (!present) return invalid(`${id} is not a member`);
  const next = edit(present);
  const isSame = next.name === present.name && next.address === present.address && next.isLearner === present.isLearner;
  if (isSame) return undefined;
  return { ...membership, members: membership.members.map((member) => (member === present ? next : member)) };
}

function without(membership: Membership, id: string) {
  const { members, removed } = membership;
  if (!memberOf(membership, id)) return undefined;
  const left = members.filter((member) => member.id !== id);
  if (left.every((member) => member.isLearner)) return invalid("the last voter can't be removed");
  return { members: left, removed: [...removed, id].slice(-MAX_REMOVED) };
}
