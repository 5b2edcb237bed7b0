/** The state of one member, and the batch that a step fills. */

import type { RaftLog } from "./log.ts";
import { isVoter } from "./membership.ts";
import type { Message } from "./messages.ts";
import type { Progress } from "./progress.ts";
import type {
  Batch,
  CoreConfig,
  CoreDefect,
  HardState,
  LogEntry,
  Membership,
  Position,
  Refusal,
  SnapshotMeta,
} from "./types.ts";

export type CoreRole = "follower" | "pre-candidate" | "candidate" | "leader";

/**
 * Invariants, checked by `invariants.ts`:
 * (1) `term` and `commit` never go down, and `vote` changes only with the term or from undefined;
 * (2) base <= handed <= min(commit, durable) and commit, durable <= last;
 * (3) terms in the log never go down and never exceed `term`;
 * (4) `leading` exists exactly while the role is leader, and then `leader` is this member;
 * (5) who campaigns is a voter of the membership in force, or of the one before where that is not known to be committed;
 * (6) of what a leader appended, at most one membership lies beyond `commit`;
 * (7) the leader's knowledge of others keeps within `progress.ts`' invariants, and none is ahead of the log;
 * (8) a leader moves `commit` to entries of its own term only.
 */
export interface Node {
  readonly config: CoreConfig;
  readonly log: RaftLog;
  role: CoreRole;
  term: number;
  vote: string | undefined;
  /** What the disk knows of the two. */
  persisted: HardState;
  /** Of this term, as far as known. */
  leader: string | undefined;
  commit: number;
  /** Entries up to here are on this member's disk. */
  durable: number;
  /** How far the driver was told to apply. */
  handed: number;
  /** Appends begun and not yet durable: after write `write`, the log is durable up to `last`. */
  writes: { readonly write: number; last: number }[];
  nextWrite: number;
  /** Ticks since the start, and since the leader was heard or an election begun. */
  ticks: number;
  elapsed: number;
  /** `elapsed` at which an election begins. */
  timeout: number;
  /** The connection to the leader ended: its process has probably died. Neither patience nor loyalty makes sense then. */
  hasLostLeader: boolean;
  votes: Map<string, boolean>;
  leading: Leading | undefined;
  /** To whom the durable part of the log is acknowledged, and how far it is known to match theirs. */
  ack: { readonly to: string; through: number; sent: number } | undefined;
  /** A member said that this one was removed. */
  isToldRemoved: boolean;
}

export interface Leading {
  readonly peers: Map<string, Progress>;
  /** Index of the entry that opened the term: once it is committed, so is everything before. */
  readonly opening: number;
  uncommittedBytes: number;
  heartbeatElapsed: number;
  transfer: { readonly to: string; readonly deadline: number; isTold: boolean } | undefined;
  /** The round of heartbeats under way, and the last that a majority answered. */
  round: number;
  confirmedRound: number;
  /** Reads that arrived before the opening was committed. */
  early: number[];
  /** Reads that wait for `round` to be confirmed, in order of rounds. */
  reads: { readonly id: number; readonly index: number; readonly round: number }[];
}

/** A batch under construction. */
export class Out implements Batch {
  hardState: HardState | undefined = undefined;
  install: SnapshotMeta | undefined = undefined;
  append: { readonly write: number; readonly entries: readonly LogEntry[] } | undefined = undefined;
  readonly sends: { readonly to: string; readonly message: Message }[] = [];
  readonly snapshots: string[] = [];
  applyTo: number | undefined = undefined;
  accepted: Position | undefined = undefined;
  refused: Refusal | undefined = undefined;
  readonly reads: { readonly id: number; readonly index: number }[] = [];
  readonly lostReads: number[] = [];
  transferFailed: string | undefined = undefined;
  isChanged = false;
}

export interface Step {
  readonly node: Node;
  readonly out: Out;
}

export function send({ out }: Step, to: string, message: Message): void {
  out.sends.push({ to, message });
}

export const refusal = (code: Refusal["code"], message: string): Refusal => ({ code, message });

export const isBroken = ({ config }: Node, defect: CoreDefect): boolean => config.defects?.includes(defect) ?? false;

/**
 * A voter; or one whose removal is not known to be committed. It may be the only one that holds that change, so that nobody else can win; it asks those
 * whom the change names, and does not count itself (thesis 4.2.2). What was the case before the change is committed, as there is one change at a time.
 */
export function mayCampaign({ config, log, commit }: Node): boolean {
  if (isVoter(log.membership, config.id)) return true;
  return log.membershipIndex > commit && isVoter(log.membershipAt(log.membershipIndex - 1), config.id);
}

/** The newest that is known to be committed. */
export const committedMembership = ({ log, commit }: Node): Membership =>
  log.membershipAt(Math.max(commit, log.base.index));

/** The id was removed, and that is committed. */
export const isGone = (node: Node, id: string): boolean => committedMembership(node).removed.includes(id);

/** Appends to the log and to the batch; what is replaced is cut. At most once per step. */
export function appendEntries({ node, out }: Step, entries: readonly LogEntry[]): void {
  const first = entries[0];
  if (!first) return;
  const { log } = node;
  if (first.index <= log.last) cut(node, first.index - 1);
  log.append(entries);
  const write = node.nextWrite++;
  node.writes.push({ write, last: log.last });
  out.append = { write, entries };
}

/** A write that was begun before the cut says nothing about what will stand at its indexes. */
function cut(node: Node, index: number): void {
  node.log.truncateAfter(index);
  node.durable = Math.min(node.durable, index);
  for (const write of node.writes) write.last = Math.min(write.last, index);
}

/** Commits up to `index`, and hands what is also durable here to the state machine. */
export function commitTo(step: Step, index: number): void {
  step.node.commit = Math.max(step.node.commit, index);
  handOver(step);
}

export function handOver({ node, out }: Step): void {
  const through = Math.min(node.commit, node.durable);
  if (through <= node.handed) return;
  node.handed = through;
  out.applyTo = through;
}
