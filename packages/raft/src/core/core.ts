/**
 * Raft's decisions, as a function of state, input and a generator.
 *
 * `step` takes one input and returns everything to be done about it as one Batch; there is no clock, socket, disk, timer or randomness in here. The
 * driver (`../driver`) and the simulator (`../../test/sim`) perform batches, each in its own way. Sections are those of "In Search of an Understandable
 * Consensus Algorithm" (Ongaro and Ousterhout, 2014), and of Ongaro's thesis where it says so.
 *
 * Who reads on: `election.ts` says who leads, `leader.ts` when an entry is committed, `replication.ts` how others' logs come to equal the leader's,
 * `follower.ts` what a follower accepts, `reads.ts` when a read is linearizable, `change.ts` how the membership changes, `transfer.ts` how a leader leaves.
 */
import type { RaftStatus } from "../types.ts";
import { onChange } from "./change.ts";
import {
  becomeFollower,
  campaign,
  isSticky,
  onLeaderLost,
  onVote,
  onVoteReply,
  resetTimer,
  tickElection,
} from "./election.ts";
import { acknowledge, onAppend, onHeartbeat, onSnapshot } from "./follower.ts";
import { advanceCommit, isHeard, onHeartbeatReply, propose, tickLeader } from "./leader.ts";
import { RaftLog } from "./log.ts";
import { memberOf } from "./membership.ts";
import type { Message } from "./messages.ts";
import {
  committedMembership,
  handOver,
  isBroken,
  isGone,
  type Leading,
  mayCampaign,
  type Node,
  Out,
  type Step,
  send,
} from "./node.ts";
import { onRead } from "./reads.ts";
import { onAppendReject, onAppendReply, onPeerUp, onSnapshotSent } from "./replication.ts";
import { onTransfer } from "./transfer.ts";
import type { Batch, CoreConfig, Input, LogEntry, Membership, Restored, SnapshotMeta } from "./types.ts";

export class Core {
  readonly #node: Node;

  constructor(config: CoreConfig, { hardState, base, entries, applied }: Restored) {
    const log = new RaftLog(base, entries);
    this.#node = {
      config,
      log,
      role: "follower",
      ...hardState,
      persisted: hardState,
      leader: undefined,
      commit: applied,
      durable: log.last,
      handed: applied,
      writes: [],
      nextWrite: 1,
      ticks: 0,
      elapsed: 0,
      timeout: 0,
      hasLostLeader: false,
      votes: new Map(),
      leading: undefined,
      ack: undefined,
      isToldRemoved: false,
    };
    resetTimer(this.#node);
  }

  step(input: Input): Batch {
    const node = this.#node;
    const step: Step = { node, out: new Out() };
    const { role, term, leader, log } = node;
    const { membershipIndex } = log;
    INPUTS[input.type](step, input as never);
    persist(step);
    step.out.isChanged =
      node.role !== role || node.term !== term || node.leader !== leader || log.membershipIndex !== membershipIndex;
    return step.out;
  }

  get isLeading(): boolean {
    return this.#node.leading !== undefined;
  }

  get leader(): string | undefined {
    return this.#node.leader;
  }

  get term(): number {
    return this.#node.term;
  }

  get base(): SnapshotMeta {
    return this.#node.log.base;
  }

  get commit(): number {
    return this.#node.commit;
  }

  get last(): number {
    return this.#node.log.last;
  }

  get logBytes(): number {
    return this.#node.log.sizeBytes;
  }

  get membership(): Membership {
    return this.#node.log.membership;
  }

  get committedMembership(): Membership {
    return committedMembership(this.#node);
  }

  membershipAt(index: number): Membership {
    return this.#node.log.membershipAt(index);
  }

  termAt(index: number): number | undefined {
    return this.#node.log.termAt(index);
  }

  entries(from: number, to: number, maxBytes?: number): readonly LogEntry[] {
    return this.#node.log.slice(from, to, maxBytes);
  }

  /** For checks; not to be changed. */
  get state(): Node {
    return this.#node;
  }

  get role(): RaftStatus["role"] {
    const node = this.#node;
    const { id } = node.config;
    if (node.role !== "follower") return node.role;
    if (node.isToldRemoved || isGone(node, id)) return "removed";
    return mayCampaign(node) ? "follower" : "learner";
  }

  progress(): RaftStatus["progress"] {
    const node = this.#node;
    return [...(node.leading?.peers ?? [])].map(([id, peer]) => {
      return { id, state: peer.state, matchIndex: peer.match, isActive: isHeard(node, peer) };
    });
  }
}

type Handlers<U extends { readonly type: string }, A extends unknown[]> = {
  readonly [T in U["type"]]: (step: Step, it: Extract<U, { readonly type: T }>, ...more: A) => void;
};

const INPUTS: Handlers<Input, []> = {
  tick: (step) => {
    step.node.ticks++;
    if (step.node.leading) tickLeader(step, step.node.leading);
    else tickElection(step);
  },
  message: (step, { from, message }) => onMessage(step, from, message),
  propose: (step, { commands, term }) => {
    step.out.refused = propose(step, commands, term ?? step.node.term);
  },
  change: (step, { change }) => {
    step.out.refused = onChange(step, change);
  },
  transfer: (step, { to }) => {
    step.out.refused = onTransfer(step, to);
  },
  read: (step, { id }) => {
    step.out.refused = onRead(step, id);
  },
  durable: (step, { write }) => onDurable(step, write),
  "peer-up": (step, { id }) => ifLeading(step, (leading) => onPeerUp(step, leading, id)),
  "peer-down": (step, { id }) => onPeerDown(step, id),
  snapshot: (step, { from, term, meta }) => {
    if (term < step.node.term) return;
    if (term > step.node.term) becomeFollower(step, term, from);
    onSnapshot(step, from, meta);
  },
  "snapshot-sent": (step, { to, index, isTaken }) =>
    ifLeading(step, (leading) => onSnapshotSent(step, leading, to, index, isTaken)),
  compact: (step, { index }) => step.node.log.compactTo(Math.min(index, step.node.handed)),
};

const MESSAGES: Handlers<Message, [from: string]> = {
  vote: (step, vote, from) => onVote(step, from, vote),
  "vote-reply": (step, reply, from) => onVoteReply(step, from, reply),
  append: (step, append, from) => onAppend(step, from, append),
  "append-reply": (step, { match }, from) => ifLeading(step, (leading) => onAppendReply(step, leading, from, match)),
  "append-reject": (step, reject, from) => ifLeading(step, (leading) => onAppendReject(step, leading, from, reject)),
  heartbeat: (step, heartbeat, from) => onHeartbeat(step, from, heartbeat),
  "heartbeat-reply": (step, { round }, from) =>
    ifLeading(step, (leading) => onHeartbeatReply(step, leading, from, round)),
  "timeout-now": (step) => {
    if (mayCampaign(step.node)) campaign(step, false, true);
  },
  stale: () => {},
  removed: (step, _, from) => {
    const { node } = step;
    if (!memberOf(node.log.membership, from) || node.leading) return;
    becomeFollower(step, node.term, undefined);
    node.isToldRemoved = true;
  },
};

function ifLeading({ node }: Step, task: (leading: Leading) => void): void {
  if (node.leading) task(node.leading);
}

/** "Rules for servers": a later term ends whatever this member was; an earlier one is answered with this one's. */
function onMessage(step: Step, from: string, message: Message): void {
  const { node } = step;
  if (message.type === "vote" && isGone(node, from)) {
    send(step, from, { type: "removed", term: node.term });
    return;
  }
  if (message.type === "vote" && message.term > node.term && !message.isTransfer && isSticky(node)) return;
  if (message.term < node.term) {
    onStale(step, from, message);
    return;
  }
  if (message.term > node.term && !isHypothetical(message)) {
    const isLeaders = message.type === "append" || message.type === "heartbeat";
    becomeFollower(step, message.term, isLeaders ? from : undefined);
  }
  const peer = node.leading?.peers.get(from);
  if (peer) {
    peer.heardAt = node.ticks;
    peer.isDown = false;
  }
  MESSAGES[message.type](step, message as never, from);
}

/** A term that nobody is in yet. */
const isHypothetical = (message: Message): boolean =>
  (message.type === "vote" && message.isPre) || (message.type === "vote-reply" && message.isPre && message.isGranted);

function onStale(step: Step, from: string, message: Message): void {
  const { term } = step.node;
  if (message.type === "vote") send(step, from, { type: "vote-reply", term, isPre: message.isPre, isGranted: false });
  else if (message.type === "append" || message.type === "heartbeat") send(step, from, { type: "stale", term });
  else if (message.type === "removed") MESSAGES.removed(step, message, from);
}

function onDurable(step: Step, write: number): void {
  const { node } = step;
  while (node.writes[0] && node.writes[0].write <= write)
    node.durable = Math.max(node.durable, (node.writes.shift() as { last: number }).last);
  handOver(step);
  if (node.leading) advanceCommit(step, node.leading);
  else acknowledge(step, false);
}

function onPeerDown({ node }: Step, id: string): void {
  const peer = node.leading?.peers.get(id);
  if (peer) {
    peer.isDown = true;
    if (peer.state !== "snapshot") peer.probe();
  }
  if (node.role === "follower" && node.leader === id) onLeaderLost(node);
}

function persist({ node, out }: Step): void {
  const { term, vote, persisted } = node;
  if (term === persisted.term && vote === persisted.vote) return;
  node.persisted = { term, vote };
  out.hardState = isBroken(node, "vote-without-persisting") ? { term, vote: undefined } : node.persisted;
}
