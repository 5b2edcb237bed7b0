/** What members say to each other. Every message carries its sender's term, but for a pre-vote's: that is the term it would begin. */
import type { LogEntry } from "./types.ts";

/** RequestVote (section 5.2), or the question that comes before it (thesis 9.6), which changes nobody's term. */
export interface Vote {
  readonly type: "vote";
  readonly term: number;
  readonly isPre: boolean;
  /** The leader itself asked for this election: stickiness does not apply. */
  readonly isTransfer: boolean;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** `term`: that of the request when granted, the sender's own when not, so that one who is behind learns it from a pre-vote too. */
export interface VoteReply {
  readonly type: "vote-reply";
  readonly term: number;
  readonly isPre: boolean;
  readonly isGranted: boolean;
}

/** AppendEntries (section 5.3). */
export interface Append {
  readonly type: "append";
  readonly term: number;
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: readonly LogEntry[];
  readonly commit: number;
}

/** The follower's log equals the leader's up to `match`, durably. */
export interface AppendReply {
  readonly type: "append-reply";
  readonly term: number;
  readonly match: number;
}

/** The follower has nothing that matches at `prevIndex`; the last position that could match is at or before `hint`. */
export interface AppendReject {
  readonly type: "append-reject";
  readonly term: number;
  readonly prevIndex: number;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** Keeps followers following, and asks them to confirm that they do: `round` is echoed (section 8, ReadIndex). */
export interface Heartbeat {
  readonly type: "heartbeat";
  readonly term: number;
  /** Never beyond what the follower is known to hold. */
  readonly commit: number;
  readonly round: number;
}

export interface HeartbeatReply {
  readonly type: "heartbeat-reply";
  readonly term: number;
  readonly round: number;
}

/** Begin an election at once (thesis 3.10). */
export interface TimeoutNow {
  readonly type: "timeout-now";
  readonly term: number;
}

/** The sender is in a later term than the message that it answers. Without it, a member that pre-vote keeps from winning would stay stuck ahead. */
export interface Stale {
  readonly type: "stale";
  readonly term: number;
}

/** The receiver was removed from the group, which it may have missed. */
export interface Removed {
  readonly type: "removed";
  readonly term: number;
}

export type Message =
  | Vote
  | VoteReply
  | Append
  | AppendReply
  | AppendReject
  | Heartbeat
  | HeartbeatReply
  | TimeoutNow
  | Stale
  | Removed;
