/**
 * The leader's next step towards the members that the StatefulSet wants: one change at a time, each only while it leaves a majority that is
 * there now. Absence is a hint and no eviction: a StatefulSet scales down from the top, so a pod counts as scaled away only when all of higher
 * ordinals are away as well, and only after a grace period. Where the API tells the wanted number, that decides at once.
 */
import type { Member, MemberChange } from "@coracle/raft";
import type { Seat } from "./types.ts";

export interface FollowView {
  readonly now: number;
  /** The leader's id. */
  readonly self: string;
  readonly members: readonly Member[];
  /** What the leader knows of the others; it counts itself as both. */
  readonly isActive: (id: string) => boolean;
  readonly isCaughtUp: (id: string) => boolean;
  /** Who asked for a seat or for another address lately. */
  readonly wishes: readonly Seat[];
  /** Replicas that the StatefulSet wants, where that is known. */
  readonly wanted: number | undefined;
  /** By pod name: since when discovery has not shown it. */
  readonly absentSince: ReadonlyMap<string, number>;
  readonly ordinalOf: (name: string) => number | undefined;
  readonly graceMs: number;
  /** Pods of this ordinal and above stay learners. */
  readonly maxVoters: number;
}

export type Action =
  | { readonly kind: "change"; readonly change: MemberChange; readonly reason: string }
  /** The leader itself is scaled away. */
  | { readonly kind: "hand-over"; readonly to: string; readonly reason: string };

export function nextAction(view: FollowView): Action | undefined {
  return replaceLostDisk(view) ?? removeScaledAway(view) ?? moveAddress(view) ?? promote(view) ?? admit(view);
}

const isVoter = ({ isLearner }: Member): boolean => !isLearner;

/** Whether the voters that would be left have a majority among those that are there now. */
export function keepsQuorum({ members, self, isActive }: FollowView, without: string): boolean {
  const voters = members.filter((member) => isVoter(member) && member.id !== without);
  const active = voters.filter(({ id }) => id === self || isActive(id));
  return active.length * 2 > voters.length;
}

const remove = (view: FollowView, { id, isLearner }: Member, reason: string): Action | undefined =>
  isLearner || keepsQuorum(view, id) ? { kind: "change", change: { kind: "remove", id }, reason } : undefined;

/** A pod that asks with a new disk has lost the old one. While the old member is still heard, two pods bear the name: then nothing is done. */
function replaceLostDisk(view: FollowView): Action | undefined {
  for (const wish of view.wishes) {
    const old = view.members.find(({ name, id }) => name === wish.name && id !== wish.id);
    if (!old || old.id === view.self || view.isActive(old.id) || isAway(view, wish.name)) continue;
    const action = remove(view, old, `${wish.name} came back with another disk`);
    if (action) return action;
  }
  return undefined;
}

function removeScaledAway(view: FollowView): Action | undefined {
  const away = view.members.filter(({ name }) => isScaledAway(view, name));
  for (const member of away.sort((a, b) => ordinal(view, b) - ordinal(view, a))) {
    const action = member.id === view.self ? handOver(view) : remove(view, member, `${member.name} is scaled away`);
    if (action) return action;
  }
  return undefined;
}

const ordinal = (view: FollowView, { name }: Member): number => view.ordinalOf(name) ?? -1;

/** Known to be beyond the wanted number. */
function isAway({ wanted, ordinalOf }: FollowView, name: string): boolean {
  const own = ordinalOf(name);
  // None wanted means stopped, not dissolved: the members stay for the next start.
  return own !== undefined && wanted !== undefined && wanted > 0 && own >= wanted;
}

export function isScaledAway(view: FollowView, name: string): boolean {
  if (view.wanted !== undefined) return isAway(view, name);
  const own = view.ordinalOf(name);
  if (own === undefined || own === 0) return false;
  const isGone = (member: Member): boolean => {
    const since = view.absentSince.get(member.name);
    return (
      since !== undefined && view.now - since >= view.graceMs && !view.isActive(member.id) && member.id !== view.self
    );
  };
  return view.members.every((member) => ordinal(view, member) < own || isGone(member));
}

function handOver(view: FollowView): Action | undefined {
  const stays = (member: Member): boolean =>
    isVoter(member) && member.id !== view.self && view.isActive(member.id) && !isScaledAway(view, member.name);
  const to = view.members.find(stays);
  return to && { kind: "hand-over", to: to.id, reason: "the leader's pod is scaled away" };
}

function moveAddress(view: FollowView): Action | undefined {
  for (const { id, name, address } of view.wishes) {
    const member = view.members.find((candidate) => candidate.id === id);
    if (member && (member.address !== address || member.name !== name))
      return { kind: "change", change: { kind: "update", id, name, address }, reason: `${name} is at ${address} now` };
  }
  return undefined;
}

function promote(view: FollowView): Action | undefined {
  const [ready] = view.members
    .filter(({ isLearner, id }) => isLearner && view.isActive(id) && view.isCaughtUp(id))
    .filter((member) => ordinal(view, member) < view.maxVoters && !isScaledAway(view, member.name))
    .sort((a, b) => ordinal(view, a) - ordinal(view, b));
  if (!ready) return undefined;
  const voters = view.members.filter(isVoter);
  const active = voters.filter(({ id }) => id === view.self || view.isActive(id)).length + 1;
  if (active * 2 <= voters.length + 1) return undefined;
  return { kind: "change", change: { kind: "promote", id: ready.id }, reason: `${ready.name} has caught up` };
}

function admit(view: FollowView): Action | undefined {
  // A pod of another set, which discovery shows where labels are shared, would vote here and be scaled away there.
  const isInSet = view.members.some(({ id, name }) => id === view.self && view.ordinalOf(name) !== undefined);
  const isNew = ({ id, name }: Seat): boolean =>
    (!isInSet || view.ordinalOf(name) !== undefined) &&
    !view.members.some((member) => member.id === id || member.name === name) &&
    !isAway(view, name);
  const wish = view.wishes.find(isNew);
  return (
    wish && { kind: "change", change: { kind: "add-learner", member: wish }, reason: `${wish.name} asked for a seat` }
  );
}

/** Since when each member's pod has not been shown, given what discovery shows now. */
export function trackAbsence(
  before: ReadonlyMap<string, number>,
  members: readonly Member[],
  shown: ReadonlySet<string>,
  now: number,
): Map<string, number> {
  const absent = members.filter(({ name }) => !shown.has(name));
  return new Map(absent.map(({ name }) => [name, before.get(name) ?? now]));
}
