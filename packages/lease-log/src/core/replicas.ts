/** The primary's view of each replica: sessions, sending, acknowledgements. */
import type { Ack, StateMessage } from "./messages.ts";
import { type Leading, positionAt, type Replica, type Step } from "./node.ts";

/** Snapshots sent at once: each is a copy of the whole state through one process. */
const MAX_SNAPSHOTS = 2;
/** Without progress for this long, what is in flight counts as lost. */
const RESEND_MS = 1000;
/** A promise is asked for so much longer than it is counted on: clocks may run at rates that differ by 10 % either way. */
const CLOCK_MARGIN = 1.25;

export function newReplica(id: string, now: number): Replica {
  return {
    id,
    state: "probing",
    session: 0,
    probedAt: -Infinity,
    next: 1,
    match: 0,
    isFeeding: false,
    needsCheck: true,
    inFlight: [],
    inFlightBytes: 0,
    heardAt: now,
    progressAt: now,
    furthest: 0,
    advancedAt: now,
    downSince: undefined,
    behindSince: now,
    isLeaving: false,
    isFull: false,
    isForeign: false,
    isComplete: false,
    echo: 0,
    toldCommit: 0,
    toldAt: -Infinity,
    confirmedUntil: 0,
  };
}

/** Begins a session anew: nothing that was sent or acknowledged in an older one counts. */
export function probe({ out, at }: Step, leading: Leading, replica: Replica): void {
  const { epoch, dataId } = leading;
  replica.state = "probing";
  replica.session++;
  replica.probedAt = at.now;
  replica.match = 0;
  replica.echo = 0;
  replica.isFeeding = false;
  replica.inFlight = [];
  replica.inFlightBytes = 0;
  out.send(replica.id, { type: "probe", epoch, session: replica.session, dataId });
}

/** Promise 4: from the common prefix by log; by snapshot when that is no longer kept, or when more than it was applied there. */
export function onState(step: Step, leading: Leading, replica: Replica, state: StateMessage): void {
  const { node, out, at } = step;
  heard(replica, at.now, state.isLeaving);
  replica.isForeign = false; // It takes this data: it was emptied since, or holds the same.
  if (state.session !== replica.session || replica.state === "snapshot") return;
  const prefix = node.log.commonPrefix(state.shape);
  if (prefix !== undefined && prefix >= state.applied) {
    replica.state = "streaming";
    replica.next = prefix + 1;
    replica.match = 0;
    replica.needsCheck = true;
    replica.progressAt = at.now;
    replica.isFeeding = false;
    replica.inFlight = [];
    replica.inFlightBytes = 0;
    feed(step, leading, replica);
    return;
  }
  const busy = [...leading.replicas.values()].filter((other) => other.state === "snapshot").length;
  if (busy >= MAX_SNAPSHOTS) return;
  replica.state = "snapshot";
  replica.match = 0;
  out.snapshots.push({ to: replica.id, session: replica.session, epoch: leading.epoch });
}

/** Sends what the window allows. One feed at a time: the driver says how far it came. */
export function feed({ node, out }: Step, leading: Leading, replica: Replica): void {
  if (replica.state !== "streaming" || replica.isFeeding) return;
  const isNeeded = replica.needsCheck || replica.next <= node.log.last;
  if (!isNeeded || replica.inFlightBytes >= node.config.replicaWindowBytes) return;
  if (replica.next - 1 < node.log.base.index) {
    replica.state = "probing"; // What it needs was dropped meanwhile.
    return;
  }
  replica.isFeeding = true;
  replica.toldCommit = node.commit;
  const after = positionAt(node, replica.next - 1);
  const { epoch } = leading;
  const { id: to, session, echo } = replica;
  out.feeds.push({ to, session, epoch, after, through: node.log.last, commit: node.commit, echo });
}

export function onFed(
  step: Step,
  leading: Leading,
  input: { to: string; session: number; through: number; sizeBytes: number; isSent: boolean },
): void {
  const replica = leading.replicas.get(input.to);
  if (!replica || replica.session !== input.session || replica.state !== "streaming") return;
  replica.isFeeding = false;
  if (!input.isSent) {
    replica.state = "probing";
    return;
  }
  if (replica.inFlight.length === 0) replica.progressAt = step.at.now;
  replica.needsCheck = false;
  replica.next = input.through + 1;
  replica.inFlight.push({ through: input.through, sizeBytes: input.sizeBytes });
  replica.inFlightBytes += input.sizeBytes;
  feed(step, leading, replica);
}

/** Returns whether the match advanced. */
export function onAck({ node, at }: Step, replica: Replica, ack: Ack): boolean {
  heard(replica, at.now, ack.isLeaving);
  if (ack.session !== replica.session) return false;
  replica.echo = ack.sentAt;
  replica.isComplete = ack.isComplete;
  replica.isFull = ack.isFull;
  replica.confirmedUntil = Math.max(replica.confirmedUntil, ack.confirms);
  if (replica.state !== "streaming") return false;
  const hasProgress = ack.matched > replica.match;
  if (hasProgress) {
    replica.match = Math.min(ack.matched, node.log.last);
    replica.progressAt = at.now;
  }
  if (replica.match > replica.furthest) {
    replica.furthest = replica.match;
    replica.advancedAt = at.now;
  }
  while (replica.inFlight[0] && replica.inFlight[0].through <= replica.match) {
    replica.inFlightBytes -= replica.inFlight.shift()?.sizeBytes ?? 0;
  }
  if (replica.match >= node.log.last) replica.behindSince = undefined;
  else replica.behindSince ??= at.now;
  return hasProgress;
}

/** Regular care of one replica: probes, heartbeats, lost sends. */
export function tend(step: Step, leading: Leading, replica: Replica): void {
  const { node, at } = step;
  const { heartbeatMs } = node.config.timing;
  const isStuck = replica.inFlight.length > 0 && at.now - replica.progressAt > RESEND_MS;
  if (replica.state === "streaming" && isStuck) replica.state = "probing";
  const pauseMs = replica.isForeign ? heartbeatMs * 20 : heartbeatMs;
  if (replica.state === "probing" && at.now - replica.probedAt >= pauseMs) probe(step, leading, replica);
  feed(step, leading, replica);
  const isDue = at.now - replica.toldAt >= heartbeatMs;
  if (isDue || (replica.state === "streaming" && replica.toldCommit < node.commit)) heartbeat(step, leading, replica);
}

function heartbeat({ node, out, at }: Step, leading: Leading, replica: Replica): void {
  replica.toldAt = at.now;
  replica.toldCommit = node.commit;
  // Each time, not only once renewals fail: that the API does not answer shows when half the time to ask is gone. What is promised lasts as long as a
  // term, so that it bears the same delays. Of a promise that is not used nothing is felt: a Lease outlasts its holder's term by more than this.
  const until = node.config.failsafe ? at.now + leading.termMs : 0;
  const forMs = leading.termMs * CLOCK_MARGIN;
  out.send(replica.id, {
    type: "heartbeat",
    epoch: leading.epoch,
    commit: node.commit,
    openIndex: leading.openIndex,
    inSync: leading.recorded,
    echo: replica.echo,
    confirm: { forMs, until },
  });
}

function heard(replica: Replica, now: number, isLeaving: boolean): void {
  replica.heardAt = now;
  replica.downSince = undefined;
  replica.isLeaving = isLeaving;
}
