/** The core's inputs and effects. See `core.ts` for how they fit together. */
import type { Arbiter, Position, ReplicationMode } from "../types.ts";
import type { InSyncSet, Message } from "./messages.ts";

/** What a replica keeps durable beside its log. */
export interface Meta {
  /** Which cluster's data this is; undefined on an empty disk. Never changes once set. */
  readonly dataId: string | undefined;
  /**
   * The data id that this node gives a new cluster if it is the one to start it. Durable before it can be in the record: a node that crashes between
   * the acquisition and its first write finds its own name in the record, and knows that there is no data yet.
   */
  readonly freshDataId: string;
  /** Highest epoch acknowledged; never goes down. */
  readonly epochSeen: number;
  /** Whether this disk holds all that it has ever acknowledged. False on an empty disk and while a snapshot is taken in: it never leads then. */
  readonly isComplete: boolean;
  /** The last in-sync set known here; a superset of the record's while this replica is changing it as primary. */
  readonly inSync: InSyncSet | undefined;
}

export interface CoreTiming {
  readonly heartbeatMs: number;
  readonly replicaTimeoutMs: number;
  readonly downTimeoutMs: number;
  readonly slowReplicaMs: number;
  readonly bootstrapWaitMs: number;
  readonly switchoverMs: number;
}

export interface CoreConfig {
  readonly id: string;
  readonly mode: ReplicationMode;
  readonly minInSync: number;
  readonly failsafe: boolean;
  readonly annotation: string;
  readonly timing: CoreTiming;
  readonly replicaWindowBytes: number;
  readonly maxLagEntries: number;
  /** Deliberate defects, for the test that shows that the simulation finds them. Empty in production. */
  readonly defects?: readonly CoreDefect[];
}

/** Ways to break the core on purpose. */
export type CoreDefect =
  | "commit-without-waiting"
  | "promote-anyone"
  | "add-without-waiting"
  | "lead-incomplete"
  | "read-without-authority"
  | "accept-older-epoch";

export interface Restored {
  readonly meta: Meta;
  readonly base: Position;
  readonly runs: readonly { readonly epoch: number; readonly first: number }[];
  readonly last: number;
  readonly applied: number;
}

/** When a step happens: this process's monotonic clock, and how long the Lease's term is still good for (0 without one). */
export interface Instant {
  readonly now: number;
  readonly termLeftMs: number;
}

export type Input =
  | { readonly type: "tick" }
  | { readonly type: "propose"; readonly count: number }
  /** The log is durable up to `index`. */
  | { readonly type: "durable"; readonly index: number }
  | { readonly type: "message"; readonly from: string; readonly message: Message }
  /** Answers a feed: entries up to `through` were sent, or none (`isSent` false) because there is no connection. */
  | {
      readonly type: "fed";
      readonly to: string;
      readonly session: number;
      readonly through: number;
      readonly sizeBytes: number;
      readonly isSent: boolean;
    }
  | { readonly type: "arbiter"; readonly observed: Arbiter["observed"]; readonly termEpoch: number | undefined }
  /** The record was written as asked, or its outcome is not known. */
  | { readonly type: "recorded"; readonly version: number; readonly isWritten: boolean }
  | { readonly type: "peers"; readonly ids: readonly string[] }
  | { readonly type: "peer-up"; readonly id: string }
  | { readonly type: "peer-down"; readonly id: string }
  | { readonly type: "snapshot-sent"; readonly to: string; readonly session: number; readonly isTaken: boolean }
  /** A primary offers its state. The batch says `install` when it is to be taken. */
  | { readonly type: "snapshot-offered"; readonly from: string; readonly epoch: number }
  /** State machine and log now stand at `at`, durably; {0,0} when the installation failed and both were emptied. */
  | { readonly type: "installed"; readonly at: Position }
  /** The log's records before `base` were dropped. */
  | { readonly type: "compacted"; readonly base: Position }
  | { readonly type: "handover"; readonly to: string }
  /** Whether this disk has room. */
  | { readonly type: "room"; readonly isFull: boolean }
  /** This node will stop: do without it. */
  | { readonly type: "leave" };

export interface Feed {
  readonly to: string;
  readonly session: number;
  readonly epoch: number;
  readonly after: Position;
  /** Send entries up to here at most; none when it equals `after.index`: an empty append that checks the match. */
  readonly through: number;
  readonly commit: number;
  readonly echo: number;
}

/**
 * What one step asks for. The driver does the fields in the order given here.
 *
 * Durability: `meta` and `truncateAfter` must be durable before anything after them is done and before the next step is taken. `append` only has to
 * be begun: sends and feeds go out in parallel with it, as no message claims that an entry is durable before a `durable` input said so.
 */
export interface Batch {
  readonly meta: Meta | undefined;
  /** Drop the log's entries after this index. */
  readonly truncateAfter: number | undefined;
  /** Append the proposals of this input (`from` is undefined; an epoch's opening entry, when `opens`), or the message's entries from the `skip`-th on. */
  readonly append:
    | { readonly epoch: number; readonly opens: boolean; readonly skip: number; readonly count: number }
    | undefined;
  readonly sends: readonly { readonly to: string; readonly message: Message }[];
  readonly feeds: readonly Feed[];
  /** Apply entries up to this index; they are durable here. Answer their proposals. */
  readonly applyTo: number | undefined;
  /** Write this set into the Lease's annotation, compare-and-swap; answer with `recorded`. */
  readonly record: InSyncSet | undefined;
  /** Send a snapshot; answer with `snapshot-sent`. */
  readonly snapshots: readonly { readonly to: string; readonly session: number; readonly epoch: number }[];
  /** Take the snapshot that is offered; answer with `installed`. */
  readonly install: boolean;
  readonly stepDown: { readonly reason: string; readonly to: string | undefined } | undefined;
  /** This node ceased to be primary, or the proposals were refused: nothing waiting here will be acknowledged. */
  readonly lost: string | undefined;
  /** The handover was given up. */
  readonly handoverFailed: string | undefined;
  readonly warnings: readonly string[];
}
