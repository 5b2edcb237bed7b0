/**
 * The decisions of a replicated log, as a function of state, input and time.
 *
 * `step` takes one input and returns everything to be done about it as one Batch; there is no clock, socket, disk, timer or randomness in here. The
 * driver (`../driver`) and the simulator (`../../test`) perform batches, each in its own way. The core knows entries by epoch and
 * index only; their commands never pass through it.
 *
 * Who reads on: `candidacy.ts` says who may take the Lease, `in-sync.ts` how the in-sync set changes, `leader.ts` when an entry is committed,
 * `follower.ts` what a replica accepts, `replicas.ts` how the primary brings a replica up to date.
 */
import type { ArbiterRecord, Candidacy, LogStatus, Position } from "../types.ts";
import { decideCandidacy, isOwnStart, noteReport } from "./candidacy.ts";
import { acknowledge, advance, onAppend, onHeartbeat, onProbe, onSnapshotOffered } from "./follower.ts";
import { onRecorded, reviewInSync } from "./in-sync.ts";
import {
  advanceCommit,
  becomeLeader,
  beginHandover,
  checkAuthority,
  completeHandover,
  hasAuthority,
  propose,
  reconcileReplicas,
  resign,
  takeDisk,
  tickLeader,
} from "./leader.ts";
import { LogIndex } from "./log-shape.ts";
import type { Ack, Message, Refuse } from "./messages.ts";
import { type Leading, type Node, Out, type Step } from "./node.ts";
import { readRecord } from "./record.ts";
import { feed, onAck, onFed, onState, probe } from "./replicas.ts";
import { statusOf } from "./status.ts";
import type { Batch, CoreConfig, Input, Instant, Restored } from "./types.ts";

export class Core {
  readonly #node: Node;

  /** `restored` is what the disk holds; see `Restored`. */
  constructor(config: CoreConfig, restored: Restored, now: number) {
    this.#node = {
      config,
      log: new LogIndex(restored),
      startedAt: now,
      meta: restored.meta,
      durable: restored.last,
      commit: restored.applied,
      applied: restored.applied,
      leading: undefined,
      following: undefined,
      observed: undefined,
      termEpoch: undefined,
      peers: [],
      reports: new Map(),
      askedAt: -Infinity,
      goneSince: undefined,
      isInstalling: false,
      isLeaving: false,
      isFull: false,
      isForeign: false,
      hasSeenData: false,
      promisedUntil: -Infinity,
      consent: undefined,
    };
  }

  step(input: Input, at: Instant): Batch {
    const out = new Out();
    const step: Step = { node: this.#node, out, at };
    checkAuthority(step);
    INPUTS[input.type](step, input as never);
    return out;
  }

  candidacy(record: ArbiterRecord | undefined, now: number): Candidacy {
    return decideCandidacy(this.#node, record, now);
  }

  /**
   * Whether a read of the state made now is linearizable: the state holds every acknowledged write, and nobody else can acknowledge more. `applied` is how far
   * the state really is: it may be behind what batches have asked for, while one waits for the disk.
   */
  canRead(at: Instant, applied: number): boolean {
    const { leading } = this.#node;
    if (applied < this.#node.applied) return false;
    return leading?.hasOpened === true && hasAuthority({ node: this.#node, out: new Out(), at }, leading);
  }

  /** Whether this node may act as the primary now. */
  hasAuthority(at: Instant): boolean {
    const { leading } = this.#node;
    return leading !== undefined && hasAuthority({ node: this.#node, out: new Out(), at }, leading);
  }

  get isLeading(): boolean {
    return this.#node.leading !== undefined;
  }

  /** Of the term in which this node is the primary. */
  get leadingEpoch(): number | undefined {
    return this.#node.leading?.epoch;
  }

  get hasOpened(): boolean {
    return this.#node.leading?.hasOpened ?? false;
  }

  /** Proposals must wait: a switchover is under way. */
  get isPaused(): boolean {
    return this.#node.leading?.handover !== undefined;
  }

  /**
   * The Lease is about to be let go. Not an input: it must hold before the Lease is free, also while a batch waits for the disk. Without it, promises that
   * were given for the case that the API is away would let this node serve reads beside its successor.
   */
  letGo(): void {
    if (this.#node.leading) this.#node.leading.isLettingGo = true;
  }

  /** A node that leaves: no primary counts on it any more. */
  get isReleased(): boolean {
    const { following, leading, config } = this.#node;
    return !leading && following?.inSync !== undefined && !following.inSync.members.includes(config.id);
  }

  /** Why proposals would not be acknowledged now. */
  get blocked(): string | undefined {
    return this.#node.leading?.blocked;
  }

  get last(): number {
    return this.#node.log.last;
  }

  epochAt(index: number): number | undefined {
    return this.#node.log.epochAt(index);
  }

  /** Entries after `after` up to `through`, as counts per epoch. */
  counts(after: number, through: number) {
    return this.#node.log.counts(after, through);
  }

  get base(): Position {
    return this.#node.log.base;
  }

  status(now: number): LogStatus {
    return statusOf(this.#node, now);
  }
}

type Handlers<U extends { readonly type: string }, A extends unknown[]> = {
  readonly [T in U["type"]]: (step: Step, it: Extract<U, { readonly type: T }>, ...more: A) => void;
};

const INPUTS: Handlers<Input, []> = {
  tick: (step) => onTick(step),
  propose: (step, { count }) => propose(step, count),
  durable: (step, { index }) => onDurable(step, index),
  message: (step, { from, message }) => MESSAGES[message.type](step, message as never, from),
  fed: (step, fed) => ifLeading(step, (leading) => onFed(step, leading, fed)),
  arbiter: (step, { observed, termEpoch }) => onArbiter(step, observed, termEpoch),
  recorded: (step, { version, isWritten }) =>
    ifLeading(step, (leading) => afterRecorded(step, leading, version, isWritten)),
  peers: (step, { ids }) => {
    step.node.peers = ids;
    ifLeading(step, (leading) => reconcileReplicas(step, leading));
  },
  "peer-up": (step, { id }) => onPeerUp(step, id),
  "peer-down": (step, { id }) => onPeerDown(step, id),
  "snapshot-sent": (step, { to, session }) => onSnapshotSent(step, to, session),
  "snapshot-offered": (step, { from, epoch }) => onSnapshotOffered(step, from, epoch),
  installed: (step, { at }) => onInstalled(step, at),
  compacted: (step, { base }) => step.node.log.compactTo(base),
  handover: (step, { to }) => beginHandover(step, to),
  room: (step, { isFull }) => {
    step.node.isFull = isFull;
  },
  leave: (step) => {
    step.node.isLeaving = true;
    // What was heard before is of no use: the primary may just be adding this node.
    if (step.node.following) step.node.following.inSync = undefined;
    acknowledge(step, 0);
  },
};

const MESSAGES: Handlers<Message, [from: string]> = {
  append: (step, append, from) => onAppend(step, from, append),
  heartbeat: (step, heartbeat, from) => onHeartbeat(step, from, heartbeat),
  probe: (step, message, from) => onProbe(step, from, message),
  ask: (step, _, from) => step.out.send(from, reportOf(step.node)),
  report: (step, report, from) => noteReport(step, from, report),
  refuse: (step, refusal, from) => onRefuse(step, from, refusal),
  ack: (step, ack, from) => {
    const { leading } = step.node;
    if (leading?.epoch === ack.epoch) afterAck(step, leading, from, ack);
  },
  state: (step, state, from) => {
    const { leading } = step.node;
    const replica = leading?.replicas.get(from);
    if (replica && leading?.epoch === state.epoch) onState(step, leading, replica, state);
  },
};

function ifLeading(step: Step, task: (leading: Leading) => void): void {
  if (step.node.leading) task(step.node.leading);
}

function onDurable(step: Step, index: number): void {
  const { node } = step;
  const durable = Math.min(index, node.log.last);
  // While a snapshot is taken in, the log on disk is no longer the one known here.
  if (durable <= node.durable || node.isInstalling) return;
  node.durable = durable;
  if (node.leading) {
    takeDisk(step, node.leading);
    advanceCommit(step, node.leading);
  } else {
    advance(step);
    acknowledge(step, 0);
  }
}

function reportOf(node: Node): Message {
  const { dataId, epochSeen, isComplete, inSync } = node.meta;
  return {
    type: "report",
    dataId,
    epochSeen,
    isComplete,
    inSync,
    last: node.log.lastPosition,
    isLeading: node.leading !== undefined,
  };
}

function onRefuse(step: Step, from: string, { reason, epoch }: Refuse): void {
  const { leading } = step.node;
  const replica = leading?.replicas.get(from);
  if (!leading || !replica) return;
  if (reason === "epoch" && epoch > leading.epoch) {
    resign(step, `${from} has seen epoch ${epoch}`);
    return;
  }
  if (reason === "foreign" && !replica.isForeign)
    step.out.warnings.push(`${from} holds another cluster's data and is left out`);
  replica.isForeign = reason === "foreign";
  if (replica.state === "streaming") replica.state = "probing";
}

function afterAck(step: Step, leading: Leading, from: string, ack: Ack): void {
  const replica = leading.replicas.get(from);
  if (!replica || !onAck(step, replica, ack)) {
    if (ack.isLeaving) reviewInSync(step, leading);
    return;
  }
  advanceCommit(step, leading);
  if (step.node.leading !== leading) return;
  if (leading.joining?.id === from) reviewInSync(step, leading);
  completeHandover(step, leading);
  if (step.node.leading === leading) feed(step, leading, replica);
}

function afterRecorded(step: Step, leading: Leading, version: number, isWritten: boolean): void {
  onRecorded(step, leading, version, isWritten);
  reconcileReplicas(step, leading);
  advanceCommit(step, leading);
  if (step.node.leading === leading) reviewInSync(step, leading);
}

function onTick(step: Step): void {
  const { node, out, at } = step;
  if (node.leading) {
    tickLeader(step, node.leading);
    return;
  }
  const quietMs = node.config.timing.heartbeatMs * 2;
  const isAlone = at.now - (node.following?.heardAt ?? -Infinity) > quietMs;
  if (!isAlone || at.now - node.askedAt < quietMs) return;
  node.askedAt = at.now;
  for (const peer of node.peers) if (peer !== node.config.id) out.send(peer, { type: "ask" });
}

/** A term is taken up once the Lease as observed shows it, since the record is read from the same object. */
function onArbiter(step: Step, observed: ArbiterRecord | undefined, termEpoch: number | undefined): void {
  const { node } = step;
  node.observed = observed;
  const record = readRecord(observed, node.config.annotation);
  node.goneSince = record ? undefined : (node.goneSince ?? step.at.now);
  if (record && !isOwnStart(node, record)) node.hasSeenData = true;
  if (record?.dataId !== undefined && record.dataId === node.meta.dataId) node.isForeign = false;
  node.termEpoch = termEpoch;
  checkAuthority(step);
  const isNew = termEpoch !== undefined && termEpoch !== node.leading?.epoch;
  const isShown = observed?.epoch === termEpoch && observed?.holder === node.config.id;
  if (isNew && isShown && termEpoch > node.meta.epochSeen) becomeLeader(step, termEpoch);
}

function onPeerUp(step: Step, id: string): void {
  const { leading } = step.node;
  const replica = leading?.replicas.get(id);
  if (!leading || !replica) return;
  replica.downSince = undefined;
  if (replica.state !== "snapshot") probe(step, leading, replica);
}

function onPeerDown(step: Step, id: string): void {
  const replica = step.node.leading?.replicas.get(id);
  if (!replica) return;
  replica.downSince ??= step.at.now;
  if (replica.state === "streaming") replica.state = "probing";
}

/** Whatever came of it, a probe shows where the replica stands now. */
function onSnapshotSent(step: Step, to: string, session: number): void {
  const { leading } = step.node;
  const replica = leading?.replicas.get(to);
  if (replica?.state === "snapshot" && replica.session === session) replica.state = "probing";
}

function onInstalled({ node }: Step, at: Position): void {
  node.isInstalling = false;
  node.log.reset(at);
  node.durable = at.index;
  node.commit = at.index;
  node.applied = at.index;
}
