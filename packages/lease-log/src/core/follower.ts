/** A replica's side: takes up an epoch, takes entries, acknowledges what is durable. */
import { assert } from "../errors.ts";
import { resign } from "./leader.ts";
import type { Append, EpochCount, Heartbeat, Probe } from "./messages.ts";
import { applyCommitted, type Following, hasDefect, type Node, type Step, setMeta } from "./node.ts";
import { isNewer } from "./record.ts";

/** Promise 2: whoever has seen a newer epoch refuses the older. Promise 6 and the data id: only the cluster's own data is fed. */
export function onProbe(step: Step, from: string, probe: Probe): void {
  const { node, out } = step;
  if (probe.epoch < node.meta.epochSeen && !hasDefect(node, "accept-older-epoch")) {
    out.send(from, { type: "refuse", reason: "epoch", epoch: node.meta.epochSeen });
    return;
  }
  if (node.meta.dataId !== undefined && node.meta.dataId !== probe.dataId) {
    if (!node.isForeign)
      out.warnings.push(
        `the data here belongs to cluster ${node.meta.dataId}, the primary's to ${probe.dataId}: mount the right volume, or empty this one to copy from the primary`,
      );
    node.isForeign = true;
    out.send(from, { type: "refuse", reason: "foreign", epoch: node.meta.epochSeen });
    return;
  }
  node.isForeign = false;
  if (node.leading && probe.epoch > node.leading.epoch) resign(step, `${from} leads epoch ${probe.epoch}`);
  if (node.leading) return;
  if (node.following?.epoch !== probe.epoch || node.following.leader !== from) {
    setMeta(step, { epochSeen: probe.epoch, dataId: probe.dataId });
    node.following = follow(from, probe.epoch, step.at.now);
  }
  // One that comes late: the primary counts nothing of that session any more, and would wait for this replica in the newer one.
  if (probe.session < node.following.session) return;
  node.following.session = probe.session;
  node.following.matched = 0;
  if (!node.isInstalling) sendState(step, node.following);
}

function follow(leader: string, epoch: number, now: number): Following {
  return {
    leader,
    epoch,
    session: 0,
    matched: 0,
    commit: 0,
    heardAt: now,
    completeAt: undefined,
    inSync: undefined,
    asOf: -Infinity,
    next: undefined,
  };
}

function sendState({ node, out }: Step, following: Following): void {
  const { epoch, session } = following;
  const { applied, isLeaving } = node;
  out.send(following.leader, { type: "state", epoch, session, shape: node.log.shape(), applied, isLeaving });
}

/** The primary that this message comes from, if it is the one that is followed; otherwise the sender is told why not. */
function followed({ node, out, at }: Step, from: string, epoch: number): Following | undefined {
  if (node.following?.epoch === epoch && node.following.leader === from) {
    node.following.heardAt = at.now;
    return node.following;
  }
  const reason = epoch < node.meta.epochSeen ? "epoch" : "unprobed";
  if (!node.leading || epoch !== node.leading.epoch)
    out.send(from, { type: "refuse", reason, epoch: node.meta.epochSeen });
  return undefined;
}

export function onAppend(step: Step, from: string, append: Append): void {
  const { node } = step;
  const following = followed(step, from, append.epoch);
  if (!following || node.isInstalling) return;
  const fit = findFit(node, append);
  if (fit === "mismatch") {
    sendState(step, following);
    return;
  }
  if (fit.truncateAfter !== undefined) truncate(step, fit.truncateAfter);
  const count = countOf(append.entries);
  takeEntries(step, append, fit.skip, count);
  following.matched = Math.max(following.matched, append.prev.index + count);
  learnCommit(step, following, append.commit, append.echo);
  advance(step);
  // New entries are acknowledged by the `durable` input that follows them.
  if (fit.skip === count) acknowledge(step, 0);
}

/**
 * Where the message's entries meet the log: how many of them are here already, and what must go first. A mismatch also when the conflict lies
 * within what is applied: such a replica (a former primary in `async`) can only be put right by a snapshot, which the primary sees from the state.
 */
function findFit(
  node: Node,
  { prev, entries }: Append,
): { skip: number; truncateAfter: number | undefined } | "mismatch" {
  const { log } = node;
  if (prev.index > log.last) return "mismatch";
  if (prev.index >= log.base.index && log.epochAt(prev.index) !== prev.epoch) return "mismatch";
  let index = prev.index;
  let isBaseChecked = prev.index >= log.base.index;
  for (const { epoch, count } of entries) {
    const end = index + count;
    while (index < end) {
      index++;
      if (index > log.last)
        return isBaseChecked ? { skip: index - 1 - prev.index, truncateAfter: undefined } : "mismatch";
      const here = log.epochAt(index);
      if (here === undefined) continue;
      if (here !== epoch) {
        const canTruncate = isBaseChecked && index - 1 >= node.applied;
        return canTruncate ? { skip: index - 1 - prev.index, truncateAfter: index - 1 } : "mismatch";
      }
      isBaseChecked = true;
    }
  }
  return isBaseChecked ? { skip: index - prev.index, truncateAfter: undefined } : "mismatch";
}

function truncate({ node, out }: Step, after: number): void {
  assert(after >= node.applied, "what is applied is never truncated");
  node.log.truncateAfter(after);
  node.durable = Math.min(node.durable, after);
  out.truncateAfter = after;
}

function takeEntries({ node, out }: Step, append: Append, skip: number, count: number): void {
  if (skip === count) return;
  let passed = 0;
  for (const run of append.entries) {
    const fresh = Math.min(run.count, Math.max(0, passed + run.count - skip));
    if (fresh > 0) node.log.append(run.epoch, fresh);
    passed += run.count;
  }
  out.append = { epoch: append.epoch, opens: false, skip, count: count - skip };
}

export function onHeartbeat(step: Step, from: string, heartbeat: Heartbeat): void {
  const { node } = step;
  const following = followed(step, from, heartbeat.epoch);
  if (!following) return;
  learnCommit(step, following, heartbeat.commit, heartbeat.echo);
  advance(step);
  learnInSync(step, following, heartbeat);
  acknowledge(step, node.isInstalling ? 0 : confirm(step, heartbeat));
}

/**
 * A disk that was behind is complete once it holds what was committed when a primary said so: later commits wait for it while the record names
 * it, and while it does not, the disk can't lead. The commit index of a primary that has not opened its epoch may be behind what was
 * acknowledged before, hence the opening entry: the primary's log up to there holds all of that. What it said to an earlier process, before this disk was
 * emptied, does not count.
 */
function learnInSync(step: Step, following: Following, { inSync, commit, openIndex, echo }: Heartbeat): void {
  if (isOwnTime(step, echo)) following.completeAt ??= Math.max(commit, openIndex);
  following.inSync = inSync;
  setMeta(step, { inSync: isNewer(inSync, step.node.meta.inSync) ? inSync : step.node.meta.inSync });
  reviewComplete(step, following);
}

function reviewComplete(step: Step, following: Following): void {
  const { node } = step;
  if (node.meta.isComplete || following.completeAt === undefined || node.isInstalling) return;
  if (Math.min(following.matched, node.durable) >= following.completeAt) setMeta(step, { isComplete: true });
}

/**
 * Failsafe: promises not to take the Lease for a while. Refused for as long as an acquisition that this node agreed to may still be on
 * its way to the API server, since that could land after the promise.
 */
function confirm({ node, at }: Step, { confirm, epoch }: Heartbeat): number {
  if (confirm.until === 0) return 0;
  const { consent } = node;
  const mayBeTaking = consent && consent.epoch >= epoch && at.now - consent.at < CONSENT_MS;
  if (mayBeTaking || node.termEpoch !== undefined) return 0;
  node.promisedUntil = Math.max(node.promisedUntil, at.now + confirm.forMs);
  return confirm.until;
}

/** An acquisition that was agreed to is assumed to have reached the API server, or to have failed, within this time. */
const CONSENT_MS = 60_000;

/** Whether the primary has heard this very process: clocks begin anywhere, so that the times of another are out of range. */
function isOwnTime({ node, at }: Step, echo: number): boolean {
  return node.startedAt <= echo && echo <= at.now;
}

/** Promise 5: `echo` is a time of this node's clock that the primary had seen before it said `commit`. */
function learnCommit(step: Step, following: Following, commit: number, echo: number): void {
  following.commit = Math.max(following.commit, commit);
  if (isOwnTime(step, echo) && !following.next) following.next = { commit, at: echo };
}

/** Applies what is committed, the same as the primary's and durable here. */
export function advance(step: Step): void {
  const { node } = step;
  const { following } = node;
  if (!following || node.isInstalling) return;
  reviewComplete(step, following);
  applyCommitted(step, Math.min(following.commit, following.matched, node.durable));
  if (following.next && node.applied >= following.next.commit) {
    following.asOf = Math.max(following.asOf, following.next.at);
    following.next = undefined;
  }
}

export function acknowledge({ node, out, at }: Step, confirms: number): void {
  const { following } = node;
  if (!following) return;
  const { epoch, session } = following;
  const { isLeaving, isFull } = node;
  const { isComplete } = node.meta;
  const matched = Math.min(following.matched, node.durable);
  out.send(following.leader, {
    type: "ack",
    epoch,
    session,
    matched,
    sentAt: at.now,
    isLeaving,
    isFull,
    isComplete,
    confirms,
  });
}

/** From here on this disk is not to be trusted until the snapshot is in: it destroys what it held. */
export function onSnapshotOffered(step: Step, from: string, epoch: number): void {
  const { node, out } = step;
  const { following } = node;
  if (following?.leader !== from || following.epoch !== epoch || node.isInstalling) return;
  // Offered late: the primary has gone on with the log since, and may count on what is here.
  if (following.matched > 0) return;
  setMeta(step, { isComplete: false });
  following.matched = 0;
  following.completeAt = undefined; // What was committed since was held here, and is held no more.
  node.isInstalling = true;
  out.install = true;
}

function countOf(entries: readonly EpochCount[]): number {
  return entries.reduce((sum, { count }) => sum + count, 0);
}
