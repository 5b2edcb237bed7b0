/**
 * Changes of the in-sync set. Each is a compare-and-swap on the Lease before it takes effect: a member is added after it holds every commit, and commits
 * wait for it from before the write on; a member is removed by a write that is acknowledged before commits stop waiting for it. While a write is under way,
 * or its outcome is unknown, commits wait for the members of both sets. So the record always names only replicas that hold every commit.
 */
import type { InSyncSet } from "./messages.ts";
import { hasDefect, type Leading, type Replica, type Step, setMeta } from "./node.ts";

/** A replica that lacks no more than this may join: commits then wait for it, about a round trip. */
const JOIN_LAG_ENTRIES = 4096;
/** How long commits wait for a joining replica before it is given up. */
const JOIN_MS = 1000;
/** A replica without any progress for this long does not join, or gives up joining. */
const STUCK_MS = 500;

export function recomputeAwaited({ node }: Step, leading: Leading): void {
  const { recorded, pending, uncertain, joining } = leading;
  const ids = new Set([
    ...recorded.members,
    ...(pending?.members ?? []),
    ...uncertain,
    ...(joining ? [joining.id] : []),
  ]);
  ids.delete(node.config.id);
  leading.awaited = hasDefect(node, "add-without-waiting") ? recorded.members.filter((id) => ids.has(id)) : [...ids];
}

/** Looks for a change that is due and begins to write it. One at a time, and none without a valid term: it could not be written, so nobody joins either. */
export function reviewInSync(step: Step, leading: Leading): void {
  const { node, at } = step;
  leading.blocked = blockedReason(step, leading);
  // Before the opening entry of a first boot is on this disk, there is nothing that others could join.
  if (leading.pending || node.meta.dataId === undefined) return;
  if (at.termLeftMs <= 0) {
    stopJoining(step, leading);
    return;
  }
  reviewJoining(step, leading);
  const { id } = node.config;
  const kept = keepMinimum(
    step,
    leading,
    leading.recorded.members.filter((member) => member === id || mayStay(step, leading, member)),
  );
  const joined = joinable(step, leading);
  const members = joined === undefined ? kept : [...kept, joined];
  if (joined === undefined && kept.length === leading.recorded.members.length) return;
  writeRecord(step, leading, members);
}

function writeRecord(step: Step, leading: Leading, members: readonly string[]): void {
  const version = leading.recorded.version + 1 + (leading.uncertain.length > 0 ? 1 : 0);
  leading.pending = { epoch: leading.epoch, version, members };
  leading.joining = undefined;
  recomputeAwaited(step, leading);
  // Known here, durably, before it can be in the record: whoever finds no record asks the last known members, and must not miss one.
  const union = [...new Set([...leading.recorded.members, ...leading.uncertain, ...members])];
  setMeta(step, { inSync: { epoch: leading.epoch, version, members: union } });
  step.out.record = leading.pending;
}

export function onRecorded(step: Step, leading: Leading, version: number, isWritten: boolean): void {
  const { pending } = leading;
  if (pending?.version !== version) return;
  leading.pending = undefined;
  if (isWritten) {
    leading.recorded = pending;
    leading.uncertain = [];
    setMeta(step, { inSync: pending });
  } else leading.uncertain = [...new Set([...leading.uncertain, ...pending.members])];
  recomputeAwaited(step, leading);
}

function mayStay(step: Step, leading: Leading, member: string): boolean {
  const { node, at } = step;
  const replica = leading.replicas.get(member);
  if (!replica || replica.isForeign) return false;
  const { timing } = node.config;
  if (node.config.mode === "async")
    return !isKnown(replica, at.now, timing.replicaTimeoutMs) || isWithinLag(step, replica);
  if (replica.isLeaving || replica.state === "snapshot") return false;
  const silentMs = at.now - replica.heardAt;
  const isDown = replica.downSince !== undefined && at.now - replica.downSince >= timing.downTimeoutMs;
  if (isDown || silentMs >= timing.replicaTimeoutMs) return false;
  const isHoldingUp =
    replica.match < node.commit || (replica.behindSince !== undefined && replica.match < node.durable);
  return !isHoldingUp || at.now - Math.max(replica.progressAt, leading.since) < timing.slowReplicaMs;
}

function isWithinLag({ node }: Step, replica: Replica): boolean {
  return replica.state !== "snapshot" && node.log.last - replica.match <= node.config.maxLagEntries;
}

/** Whether what is known of a replica says something about its lag. */
function isKnown(replica: Replica, now: number, timeoutMs: number): boolean {
  return replica.state !== "probing" || now - replica.heardAt >= timeoutMs;
}

/**
 * Never below `minInSync`: nothing is acknowledged with fewer, so dropping a member would win nothing, while keeping it lets it take over.
 * The dead ones that hold the most are kept.
 */
function keepMinimum({ node }: Step, leading: Leading, healthy: readonly string[]): readonly string[] {
  const missing =
    node.config.mode === "sync" ? Math.min(node.config.minInSync, leading.recorded.members.length) - healthy.length : 0;
  if (missing <= 0) return healthy;
  const matchOf = (id: string) => leading.replicas.get(id)?.match ?? -1;
  const dropped = leading.recorded.members
    .filter((member) => !healthy.includes(member))
    .sort((a, b) => matchOf(b) - matchOf(a));
  return [...healthy, ...dropped.slice(0, missing)];
}

/** Chooses who may join next, and gives up one that does not come. */
function reviewJoining(step: Step, leading: Leading): void {
  const { node, at } = step;
  if (leading.joining) {
    const isTooLate = at.now - leading.joining.since > JOIN_MS;
    if (!isTooLate && isCandidate(step, leading, leading.replicas.get(leading.joining.id))) return;
    stopJoining(step, leading);
  }
  const next = [...leading.replicas.values()].find((replica) => isCandidate(step, leading, replica));
  if (!next) return;
  leading.joining = { id: next.id, since: at.now };
  if (node.config.mode === "sync") recomputeAwaited(step, leading);
}

function stopJoining(step: Step, leading: Leading): void {
  if (!leading.joining) return;
  leading.joining = undefined;
  recomputeAwaited(step, leading);
}

function isCandidate({ node, at }: Step, leading: Leading, replica: Replica | undefined): boolean {
  if (
    replica?.state !== "streaming" ||
    replica.needsCheck ||
    !replica.isComplete ||
    replica.isLeaving ||
    replica.isForeign
  )
    return false;
  if (leading.recorded.members.includes(replica.id) || replica.downSince !== undefined) return false;
  if (at.now - replica.heardAt >= node.config.timing.replicaTimeoutMs || isStuck(replica, at.now)) return false;
  const maxLag = node.config.mode === "sync" ? JOIN_LAG_ENTRIES : node.config.maxLagEntries / 2;
  return node.log.last - replica.match <= maxLag;
}

/**
 * A replica that lacks something and has made no progress on it, such as one whose disk is full. Commits wait for who is joining: were it chosen
 * again as soon as it is given up, they would wait for ever.
 */
function isStuck({ behindSince, advancedAt }: Replica, now: number): boolean {
  return behindSince !== undefined && now - Math.max(behindSince, advancedAt) >= STUCK_MS;
}

/**
 * The joining replica once it holds every commit, also those of earlier epochs that this primary does not yet know to be commits: its opening entry comes
 * after all of them. In `async` commits wait for nobody, so being within the bound is enough.
 */
function joinable({ node }: Step, leading: Leading): string | undefined {
  const { joining } = leading;
  if (!joining) return undefined;
  const match = leading.replicas.get(joining.id)?.match ?? -1;
  return node.config.mode === "async" || match >= Math.max(node.commit, leading.openIndex) ? joining.id : undefined;
}

function blockedReason({ node, at }: Step, leading: Leading): string | undefined {
  const { mode, minInSync, id, timing } = node.config;
  if (mode === "async") return undefined;
  const responding = leading.recorded.members.filter((member) => {
    const replica = leading.replicas.get(member);
    return member === id || (replica !== undefined && at.now - replica.heardAt < timing.replicaTimeoutMs);
  });
  if (responding.length >= minInSync) return undefined;
  return `${responding.length} of ${minInSync} in-sync replicas respond (${describe(leading.recorded)})`;
}

function describe(set: InSyncSet): string {
  return `in sync: ${set.members.join(", ")}`;
}
