/** The core's configuration, inputs and effects. See `core.ts` for how they fit together. */
import type { RaftErrorCode } from "../errors.ts";
import type { Member, MemberChange } from "../types.ts";
import type { Message } from "./messages.ts";

/** Ordered by term, then index: "more up to date" of section 5.4.1. Indexes are dense from 1; {0,0} stands before the first entry. */
export interface Position {
  readonly index: number;
  readonly term: number;
}

/** Who belongs to the group. Takes effect when it is appended, committed or not (thesis 4.1), and is undone when it is truncated. */
export interface Membership {
  readonly members: readonly Member[];
  /** Ids that were members once, newest last, at most `MAX_REMOVED`: they are told when they come back, and can't be added again. */
  readonly removed: readonly string[];
}

/** A command, a membership, or neither: the entry that opens a term. */
export interface LogEntry extends Position {
  readonly command?: Uint8Array;
  readonly membership?: Membership;
}

/**
 * Invariants: (1) `term` never goes down; (2) within a term, `vote` changes once, from undefined to a name. Both hold across crashes, since it is
 * durable before anything is sent that follows from it.
 */
export interface HardState {
  readonly term: number;
  readonly vote: string | undefined;
}

/** What a snapshot stands for: the state after the entry at this position, and the membership as of it. */
export interface SnapshotMeta extends Position {
  readonly membership: Membership;
}

export interface CoreConfig {
  readonly id: string;
  /** Ticks without a leader before an election; drawn anew from `electionTicks <= x < 2 * electionTicks` each time. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** 0 <= x < 1; the only randomness. */
  readonly random: () => number;
  /** Entries' bytes in one append; one entry may exceed it. */
  readonly maxAppendBytes: number;
  /** Appends and their bytes on the way to one follower before the leader waits for it. */
  readonly maxInflight: number;
  readonly maxInflightBytes: number;
  /** Bytes of entries that are appended and not committed: beyond, proposals are refused with `overloaded`. */
  readonly maxUncommittedBytes: number;
  /** Reads that wait for a round; beyond, they are refused with `overloaded`. */
  readonly maxReads: number;
  /** A learner that lacks no more entries than this counts as caught up. */
  readonly promoteLagEntries: number;
  readonly maxMembers: number;
  /** Deliberate defects, for the test that shows that the simulation finds them. Empty in production. */
  readonly defects?: readonly CoreDefect[];
}

/** Ways to break the core on purpose. */
export type CoreDefect =
  | "vote-without-persisting"
  | "vote-for-anyone"
  | "vote-twice"
  | "commit-older-term"
  | "ack-before-durable"
  | "read-without-quorum"
  | "read-before-opening"
  | "two-changes-at-once"
  | "append-without-matching";

/** What the disk held at start; all of it is durable. */
export interface Restored {
  readonly hardState: HardState;
  /** Position before the first entry, and the membership there. */
  readonly base: SnapshotMeta;
  readonly entries: readonly LogEntry[];
  /** Last index that is in the state machine, or will be without the core's doing: the snapshot's. */
  readonly applied: number;
}

export type Input =
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly from: string; readonly message: Message }
  /** Several at once share an append. Answered by `accepted` or `refused`; refused too when `term` is given and not the current one. */
  | { readonly type: "propose"; readonly commands: readonly Uint8Array[]; readonly term?: number }
  | { readonly type: "change"; readonly change: MemberChange }
  /** To the named voter, or the best one. Done when another leads; `transferFailed` otherwise. */
  | { readonly type: "transfer"; readonly to: string | undefined }
  /** Answered by `reads` or `lostReads`, later; or `refused`. */
  | { readonly type: "read"; readonly id: number }
  /** The append of this number, and all before it, are durable. */
  | { readonly type: "durable"; readonly write: number }
  /** A connection to a peer came up: what was sent before may be lost. Or it ended, as it does when a process dies. */
  | { readonly type: "peer-up"; readonly id: string }
  | { readonly type: "peer-down"; readonly id: string }
  /** A snapshot that the leader of `term` sent is complete, checked and durable here. The batch says `install` when it is to be used. */
  | { readonly type: "snapshot"; readonly from: string; readonly term: number; readonly meta: SnapshotMeta }
  /** How the sending of a snapshot ended. */
  | { readonly type: "snapshot-sent"; readonly to: string; readonly index: number; readonly isTaken: boolean }
  /** The state up to `index` is durable in a snapshot: entries up to there may be forgotten. */
  | { readonly type: "compact"; readonly index: number };

export interface Refusal {
  readonly code: RaftErrorCode;
  readonly message: string;
}

/**
 * What one step asks for. The driver does the fields in the order given here.
 *
 * Durability: `hardState` and `install` must be durable before anything after them is done and before the next step is taken. `append` only has to
 * be begun, after those: sends go out in parallel with it, as no message claims that an entry is durable before a `durable` input said so (thesis
 * 10.2.1). Where a batch has both, one sync of hard state and entries together will do.
 */
export interface Batch {
  readonly hardState: HardState | undefined;
  /** Replace log and state by the snapshot that was handed in; the log's base is there now, and no entry of before counts. */
  readonly install: SnapshotMeta | undefined;
  /** Write these; the first one's index may be one that is held already: it and all after it are replaced. Answer with `durable`. */
  readonly append: { readonly write: number; readonly entries: readonly LogEntry[] } | undefined;
  readonly sends: readonly { readonly to: string; readonly message: Message }[];
  /** Send the newest snapshot to these; answer with `snapshot-sent`. */
  readonly snapshots: readonly string[];
  /** Apply entries up to this index; they are committed, and durable here. */
  readonly applyTo: number | undefined;
  /** Where what was proposed begins. */
  readonly accepted: Position | undefined;
  readonly refused: Refusal | undefined;
  /** Once the state holds `index`, these reads may be served. */
  readonly reads: readonly { readonly id: number; readonly index: number }[];
  /** Nothing can be said about these: ask the new leader. */
  readonly lostReads: readonly number[];
  readonly transferFailed: string | undefined;
  /** Role, term, leader or membership changed. */
  readonly isChanged: boolean;
}
