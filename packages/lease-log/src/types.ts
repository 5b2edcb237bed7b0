/** The contract of the replicated log: what a system supplies, and what it gets. */
import type { LeaseLogError } from "./errors.ts";

/** Position of an entry. Epochs come from the Lease, indexes are dense from 1. Ordered by epoch, then index. */
export interface Position {
  readonly epoch: number;
  readonly index: number;
}

export interface Entry extends Position {
  /** What the system proposed; empty for the entry that opens an epoch. */
  readonly command: Uint8Array;
}

/**
 * The system's state, fed by committed entries in order. The log calls one method at a time, but that `apply` and `snapshot` may come
 * while a `flush` is under way.
 * Invariant: the state is a function of the entries up to `applied` alone (commands are deterministic; time and randomness are inside them).
 */
export interface StateMachine {
  /**
   * Last entry whose effect is in the state; {0,0} when empty. After a crash it may be any earlier one, down to that of the last `flush` (or {0,0} in
   * the middle of a `restore`): the log applies the entries behind it again.
   */
  applied(): Position;
  /**
   * Applies entries in order; returns one result per entry, handed to whoever proposed it. A bad command's result says so. Throw only for what this
   * program can't know the meaning of: the log then takes no further part, for this member would come to hold other data than the rest.
   */
  apply(entries: readonly Entry[]): readonly unknown[];
  /** A consistent copy of the state, while writes go on. `at` is the entry it includes. The caller drains or destroys the stream. */
  snapshot(): Promise<{ readonly at: Position; readonly chunks: AsyncIterable<Uint8Array> }>;
  /** Replaces the whole state; atomic: after a crash in the middle the state counts as empty (`applied()` is {0,0}). */
  restore(at: Position, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Makes everything applied durable, so that the log before it can be dropped. */
  flush(): Promise<void>;
}

/** One term of leadership; `@coracle/pod`'s Term satisfies it. */
export interface LeaderTerm {
  readonly epoch: number;
  readonly signal: AbortSignal;
  isValid(): boolean;
  remainingMs(): number;
}

/** The Lease as last observed; `@coracle/pod`'s LeaseRecord satisfies it. */
export interface ArbiterRecord {
  readonly holder: string | undefined;
  readonly epoch: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export type Candidacy =
  | { readonly annotations?: Readonly<Record<string, string | null>>; readonly epochAbove?: number }
  /** `retryMs`: worth asking again that soon. */
  | { readonly abstain: string; readonly retryMs?: number };

/**
 * Who decides on leadership. `@coracle/pod`'s Election satisfies it; the simulator has its own. The election asks
 * `ReplicatedLog.candidacy(record)` before it takes the Lease and writes the annotations that come back in the same PUT.
 */
export interface Arbiter {
  readonly observed: ArbiterRecord | undefined;
  readonly term: LeaderTerm | undefined;
  stepDown(reason: string, handTo?: string): Promise<void>;
  annotate(
    change: (annotations: Readonly<Record<string, string>>) => Readonly<Record<string, string | null>>,
  ): Promise<ArbiterRecord>;
  subscribe(
    listener: (state: { readonly observed: ArbiterRecord | undefined; readonly term: LeaderTerm | undefined }) => void,
  ): () => void;
}

export type ReplicationMode = "async" | "sync";
export type Role = "primary" | "replica";

export interface LogStatus {
  readonly id: string;
  readonly role: Role;
  /** The primary's id as far as known. */
  readonly primary: string | undefined;
  readonly epoch: number;
  readonly mode: ReplicationMode;
  readonly last: Position;
  readonly commitIndex: number;
  readonly applied: Position;
  readonly inSync: readonly string[];
  /** What the primary knows of each replica; empty on a replica. */
  readonly replicas: readonly {
    readonly id: string;
    readonly state: "connecting" | "snapshot" | "streaming";
    readonly durableIndex: number;
    /** It has no room on its disk. */
    readonly isFull: boolean;
    readonly lagEntries: number;
    readonly lagBytes: number;
    /** Since this replica was last known to hold everything; 0 when it does. */
    readonly lagMs: number;
  }[];
  /** On a replica: milliseconds since the primary last confirmed this state as current; Infinity when never. */
  readonly staleMs: number;
  /** Why writes are refused now, when they are. */
  readonly blocked: string | undefined;
}

export interface ProposeOptions {
  /** The caller has gathered what this turn of the event loop brought: the log need not wait for more. */
  readonly isGathered?: boolean;
}

export interface ReplicatedLog {
  start(): Promise<void>;
  /** Drains, hands over if this is the primary, closes the files. Idempotent. */
  stop(): Promise<void>;
  /**
   * Appends a command and resolves with the state machine's result once it is acknowledged by the mode's rule. Rejects with LeaseLogError:
   * `not-primary` (payload: primary's id) when it was certainly not accepted; `indeterminate` when leadership was lost on the way, so it may or may not
   * survive; `too-large`; `overloaded` (nothing accepted; retry later); `blocked` (too few in-sync replicas, nothing accepted).
   */
  propose(command: Uint8Array, options?: ProposeOptions): Promise<unknown>;
  /** Why `propose` would refuse now; undefined when it would not. Cheap on the primary. */
  refusal(): LeaseLogError | undefined;
  /** Whether a read of the local state made now is linearizable without waiting for anything. */
  canRead(): boolean;
  /** Resolves when a read of the local state made now is linearizable; rejects with `not-primary`. Cheap while the term is valid. */
  readBarrier(): Promise<void>;
  /** What the election must ask before it takes the Lease. */
  candidacy(record: ArbiterRecord | undefined): Candidacy;
  /** Catches `to` up, pauses writes, hands the Lease over. Rejects when it can't be done safely; then nothing changed. */
  switchover(to: string): Promise<void>;
  status(): LogStatus;
  /** Role and primary changes, the current one first. */
  subscribe(
    listener: (state: { readonly role: Role; readonly primary: string | undefined; readonly epoch: number }) => void,
  ): () => void;
}

/** Peers as discovery sees them: id (pod name) to address; re-resolved on every dial. */
export interface PeerDirectory {
  peers(): readonly { readonly id: string; readonly host: string; readonly port: number }[];
  subscribe(listener: () => void): () => void;
}
