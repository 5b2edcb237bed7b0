/** The contract of a Raft group's member: what a system supplies, and what it gets. */
import type { Duplex } from "node:stream";
import type { RaftError } from "./errors.ts";

/** A member as the log records it. */
export interface Member {
  /** Never used again once removed: a lost disk comes back under a new id. 16 hex digits. */
  readonly id: string;
  /** The pod's name; at most one member bears it at a time. */
  readonly name: string;
  /** `host:port`, resolved at each attempt to connect, so that pods may change their addresses. */
  readonly address: string;
  /** Receives the log but neither votes nor counts. */
  readonly isLearner: boolean;
}

export interface Entry {
  readonly index: number;
  readonly term: number;
  /** What a system proposed; empty for the entry that opens a term and for changes of membership. */
  readonly command: Uint8Array;
}

/** The system's state, fed by committed entries in order, one method at a time. A function of the entries alone. */
export interface StateMachine {
  /** Last index whose effect is in the state: 0 when empty, and after a restart that of the last snapshot at most. */
  applied(): number;
  /**
   * One result per entry, handed to its proposer on this member. Must not fail on any command: a bad command's result says so. A promise of them where it takes
   * longer than heartbeats should wait; until it settles nothing else is applied or restored, and readers must see no half of an entry.
   */
  apply(entries: readonly Entry[]): readonly unknown[] | Promise<readonly unknown[]>;
  /** A consistent copy of the state at `applied()`, while writes go on; may be asked for while an `apply` is under way. */
  snapshot(): { readonly index: number; readonly chunks: AsyncIterable<Uint8Array> };
  /** Replaces the whole state. */
  restore(index: number, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** The members changed; called in log order, before entries after the change are applied, and after `restore`. */
  membersChanged?(members: readonly Member[], index: number): void;
}

export type MemberChange =
  | { readonly kind: "add-learner"; readonly member: Omit<Member, "isLearner"> }
  | { readonly kind: "promote"; readonly id: string }
  | { readonly kind: "remove"; readonly id: string }
  /** Same member at another address or under another name. */
  | { readonly kind: "update"; readonly id: string; readonly name: string; readonly address: string };

export interface RaftStatus {
  readonly id: string;
  readonly clusterId: string;
  readonly role: "follower" | "pre-candidate" | "candidate" | "leader" | "learner" | "removed";
  readonly term: number;
  readonly leader: string | undefined;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly members: readonly Member[];
  /** As far as known to be committed; `members` may be a change ahead, which may yet be undone. */
  readonly committed: {
    readonly members: readonly Member[];
    /** The last 256 ids that were members and never are again. */
    readonly removed: readonly string[];
  };
  /** At the leader: what it knows of each other member. */
  readonly progress: readonly {
    readonly id: string;
    readonly state: "probe" | "replicate" | "snapshot";
    readonly matchIndex: number;
    readonly isActive: boolean;
  }[];
  readonly logBytes: number;
  readonly snapshotIndex: number;
}

export interface Raft {
  /** Resolves once the log is read and the member takes part; not when there is a leader. */
  start(): Promise<void>;
  /** Hands leadership over if it has it, closes everything. Idempotent. */
  stop(): Promise<void>;
  /**
   * Resolves with the state machine's result once this member has applied the entry; a follower forwards it to the leader, and a change of leader is waited
   * for (`timing.requestMs`). Takes effect once at most. Rejects with RaftError: `no-leader`, `overloaded`, `disk-full`, `too-large`, `removed`, `stopped` when
   * it certainly has no effect, `indeterminate` when it may yet have one.
   */
  propose(command: Uint8Array, signal?: AbortSignal): Promise<unknown>;
  /** Resolves when a read of the local state made now is linearizable (ReadIndex, asked of the leader; concurrent calls share a round). */
  readBarrier(signal?: AbortSignal): Promise<void>;
  /** One at a time, only while it cannot cost the quorum: `unsafe` says what would be lost, `busy` that another is under way. Forwarded to the leader. */
  changeMembers(change: MemberChange, signal?: AbortSignal): Promise<void>;
  /** To the named voter, or the most caught-up one. Resolves when another leads; rejects with `not-transferred`. */
  transferLeadership(to?: string, signal?: AbortSignal): Promise<void>;
  /** A connection that another member opened on a listener that is shared with the system: after its protocol upgrade. */
  accept(socket: Duplex, head: Uint8Array): void;
  /** Asks another member a question of the system's own (such as a forwarded membership wish); answered by its `onRequest`. */
  request(id: string, method: string, payload: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
  refusal(): RaftError | undefined;
  status(): RaftStatus;
  /** Role, term, leader or membership changed; the current state first. */
  subscribe(listener: (status: RaftStatus) => void): () => void;
}
