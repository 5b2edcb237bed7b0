/** The primary's side: opens its epoch, commits, keeps or loses its authority. */
import { isOwnStart } from "./candidacy.ts";
import { recomputeAwaited, reviewInSync } from "./in-sync.ts";
import type { InSyncSet } from "./messages.ts";
import { applyCommitted, hasDefect, type Leading, type Step, setMeta } from "./node.ts";
import { readRecord } from "./record.ts";
import { feed, newReplica, probe, tend } from "./replicas.ts";

/** Takes up a term that was won. The record is inherited as it stands in the same object; it is changed by writes only. */
export function becomeLeader(step: Step, epoch: number): void {
  const { node, out, at } = step;
  const record = readRecord(node.observed, node.config.annotation);
  const problem = whyNot(step, epoch, record);
  if (problem !== undefined || !record) {
    out.stepDown = { reason: problem ?? "the Lease has no record of the data", to: undefined };
    return;
  }
  const recorded: InSyncSet = { epoch, version: 0, members: record.members };
  const former = node.following?.leader;
  node.following = undefined;
  setMeta(
    step,
    isOwnStart(node, record) ? { epochSeen: epoch } : { epochSeen: epoch, isComplete: true, inSync: recorded },
  );
  node.log.append(epoch, 1);
  out.append = { epoch, opens: true, skip: 0, count: 1 };
  const leading: Leading = {
    epoch,
    openIndex: node.log.last,
    since: at.now,
    dataId: record.dataId,
    replicas: new Map(),
    recorded,
    pending: undefined,
    uncertain: [],
    joining: undefined,
    awaited: [],
    hasOpened: false,
    blocked: undefined,
    handover: undefined,
    termMs: at.termLeftMs,
    isLettingGo: false,
  };
  node.leading = leading;
  recomputeAwaited(step, leading);
  reconcileReplicas(step, leading);
  suspect(step, leading, former);
}

/**
 * The disk of a first boot is its cluster's from the moment at which the opening entry is on it, and not before: a disk that calls itself complete and holds
 * nothing has lost its log, and never leads.
 */
export function takeDisk(step: Step, leading: Leading): void {
  const { node } = step;
  if (node.meta.dataId !== undefined || node.durable < leading.openIndex) return;
  setMeta(step, { dataId: leading.dataId, isComplete: true, inSync: leading.recorded });
}

/**
 * The primary before this one has been silent for a whole Lease, or has let go of it: until it is heard it counts as down, so that writes do not
 * wait for it once more. One that is well answers the first probe.
 */
function suspect({ at }: Step, leading: Leading, former: string | undefined): void {
  const replica = former === undefined ? undefined : leading.replicas.get(former);
  if (replica) replica.downSince = at.now;
}

/** Checked again now that the term is won: much may have happened since this node agreed to take it. */
function whyNot({ node }: Step, epoch: number, record: ReturnType<typeof readRecord>): string | undefined {
  const { meta, config } = node;
  const isFirst = record !== undefined && isOwnStart(node, record);
  if (epoch <= meta.epochSeen) return `epoch ${epoch} is not above ${meta.epochSeen}, seen here`;
  if (node.isLeaving || node.isInstalling) return "this node is not ready to lead";
  if (!isFirst && record?.dataId !== meta.dataId) return "the record is of other data than this disk's";
  if (!isFirst && !meta.isComplete && !hasDefect(node, "lead-incomplete"))
    return "this disk does not hold all the data";
  if (!record?.members.includes(config.id) && !hasDefect(node, "promote-anyone"))
    return "the record does not name this node";
  return undefined;
}

/** Known peers and members of the record get a replica; others that went away are forgotten. */
export function reconcileReplicas(step: Step, leading: Leading): void {
  const { node, at } = step;
  const wanted = new Set([...node.peers, ...leading.awaited]);
  wanted.delete(node.config.id);
  for (const id of leading.replicas.keys()) if (!wanted.has(id)) leading.replicas.delete(id);
  for (const id of wanted) {
    if (leading.replicas.has(id)) continue;
    const replica = newReplica(id, at.now);
    leading.replicas.set(id, replica);
    probe(step, leading, replica);
  }
}

/** Ceases to lead; entries that are not committed stay in the log, for the next primary to keep or replace. */
export function resign({ node, out }: Step, reason: string, handTo?: string): void {
  const { leading } = node;
  if (!leading) return;
  node.leading = undefined;
  out.lost = reason;
  if (leading.handover && handTo === undefined) out.handoverFailed = reason;
  if (node.termEpoch === leading.epoch) out.stepDown = { reason, to: handTo };
}

/**
 * Whether this node may still act as the primary: its term is valid, or (failsafe, promise 7) every other member that the record may name
 * has promised not to take the Lease. Alone in the record it needs nobody's promise. Never once the Lease is let go, or known to be gone or another's.
 */
export function hasAuthority({ node, at }: Step, leading: Leading): boolean {
  if (at.termLeftMs > 0 && node.termEpoch === leading.epoch) return true;
  if (hasDefect(node, "read-without-authority")) return true;
  const { observed } = node;
  const isStillHeld = observed?.holder === node.config.id && observed.epoch === leading.epoch;
  if (!node.config.failsafe || !isStillHeld || leading.isLettingGo) return false;
  return leading.awaited.every((id) => (leading.replicas.get(id)?.confirmedUntil ?? 0) > at.now);
}

/** At the start of each step: a primary without authority does nothing more as one. */
export function checkAuthority(step: Step): void {
  const { leading } = step.node;
  if (leading && !hasAuthority(step, leading)) resign(step, "the term ended");
}

/**
 * Commit index = the lowest durable index over everyone that commits wait for; in `async`, what is durable here. Counted only from the opening entry on:
 * then the record's members agree on everything before it, too.
 */
export function advanceCommit(step: Step, leading: Leading): void {
  const { node } = step;
  let lowest = node.durable;
  if (node.config.mode === "sync" && !hasDefect(node, "commit-without-waiting")) {
    if (leading.recorded.members.length < node.config.minInSync) return;
    for (const id of leading.awaited) lowest = Math.min(lowest, leading.replicas.get(id)?.match ?? 0);
  }
  if (lowest < leading.openIndex || lowest <= node.commit) return;
  leading.hasOpened = true;
  applyCommitted(step, lowest);
  completeHandover(step, leading);
}

export function propose(step: Step, count: number): void {
  const { node, out } = step;
  const { leading } = node;
  if (!leading) {
    out.lost = "not the primary";
    return;
  }
  node.log.append(leading.epoch, count);
  out.append = { epoch: leading.epoch, opens: false, skip: 0, count };
  for (const replica of leading.replicas.values()) {
    replica.behindSince ??= step.at.now;
    feed(step, leading, replica);
  }
}

export function beginHandover(step: Step, to: string): void {
  const { node, out, at } = step;
  const { leading } = node;
  const problem = whyNotTo(step, to);
  if (!leading || problem !== undefined) {
    out.handoverFailed = problem ?? "this node is not the primary";
    return;
  }
  leading.handover = { to, deadline: at.now + node.config.timing.switchoverMs };
  completeHandover(step, leading);
}

function whyNotTo({ node, at }: Step, to: string): string | undefined {
  const { leading } = node;
  if (!leading) return "this node is not the primary";
  if (to === node.config.id) return `${to} is the primary already`;
  if (leading.handover) return `a switchover to ${leading.handover.to} is under way`;
  if (at.termLeftMs <= 0) return "the Kubernetes API is away";
  if (!leading.recorded.members.includes(to)) return `${to} is not in sync`;
  const replica = leading.replicas.get(to);
  if (replica?.state !== "streaming" || replica.isLeaving) return `${to} is not connected`;
  return undefined;
}

/** Hands over once the successor holds everything and everything is answered: nothing is left that could be in doubt. */
export function completeHandover(step: Step, leading: Leading): void {
  const { node } = step;
  const { handover } = leading;
  if (!handover || node.commit < node.log.last) return;
  if ((leading.replicas.get(handover.to)?.match ?? 0) < node.log.last) return;
  resign(step, "switchover", handover.to);
}

export function tickLeader(step: Step, leading: Leading): void {
  const { node, out, at } = step;
  leading.termMs = Math.max(leading.termMs, at.termLeftMs);
  for (const replica of leading.replicas.values()) tend(step, leading, replica);
  reviewInSync(step, leading);
  advanceCommit(step, leading);
  if (node.leading === leading && leading.handover && at.now > leading.handover.deadline) {
    out.handoverFailed = `${leading.handover.to} did not catch up in time`;
    leading.handover = undefined;
  }
}
