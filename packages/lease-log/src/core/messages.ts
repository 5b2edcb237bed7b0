/** What replicas tell each other. Positions and counts only: the driver adds the entries' bytes to an append. */
import type { Position } from "../types.ts";

/** Who holds every acknowledged write, as of one change of the record; newer by (epoch, version). */
export interface InSyncSet {
  readonly epoch: number;
  readonly version: number;
  readonly members: readonly string[];
}

/** `count` entries of one epoch in a row. */
export interface EpochCount {
  readonly epoch: number;
  readonly count: number;
}

/** Shape of a log without its commands: `runs` say at which index each epoch begins, after `base`. */
export interface LogShape {
  readonly base: Position;
  readonly runs: readonly { readonly epoch: number; readonly first: number }[];
  readonly last: number;
}

/** Primary to replica: begins a session. A replica takes up an epoch only by this one, as it names the data. */
export interface Probe {
  readonly type: "probe";
  readonly epoch: number;
  readonly session: number;
  readonly dataId: string;
}

/** Replica to primary, answering a probe or an append that did not fit. */
export interface StateMessage {
  readonly type: "state";
  readonly epoch: number;
  readonly session: number;
  readonly shape: LogShape;
  readonly applied: number;
  readonly isLeaving: boolean;
}

/** Replica to whoever claims an epoch that it can't follow. */
export interface Refuse {
  readonly type: "refuse";
  /** `epoch`: a newer one was seen here; `foreign`: the data here belongs to another cluster; `unprobed`: probe first. */
  readonly reason: "epoch" | "foreign" | "unprobed";
  readonly epoch: number;
}

/** Primary to replica: entries after `prev`. */
export interface Append {
  readonly type: "append";
  readonly epoch: number;
  readonly prev: Position;
  readonly entries: readonly EpochCount[];
  readonly commit: number;
  /** The last `sentAt` that the primary has got from this replica in this session; 0 when none. */
  readonly echo: number;
}

/** Replica to primary: everything up to `matched` is the same here and durable. */
export interface Ack {
  readonly type: "ack";
  readonly epoch: number;
  readonly session: number;
  readonly matched: number;
  /** The replica's own clock. */
  readonly sentAt: number;
  readonly isLeaving: boolean;
  /** There is no room on its disk: it can take no writes as a primary. */
  readonly isFull: boolean;
  /** See `Meta.isComplete`. */
  readonly isComplete: boolean;
  /** `until` of the failsafe request that this confirms; 0 for none. */
  readonly confirms: number;
}

/** Primary to replica, regularly. */
export interface Heartbeat {
  readonly type: "heartbeat";
  readonly epoch: number;
  readonly commit: number;
  /** Index of the entry that opened the epoch: all that was acknowledged in older epochs is before it. */
  readonly openIndex: number;
  readonly inSync: InSyncSet;
  readonly echo: number;
  /** Failsafe: asks for the promise not to take the Lease for `forMs`. The primary, by its own clock, counts on it up to `until`; 0 asks for nothing. */
  readonly confirm: { readonly forMs: number; readonly until: number };
}

/** To anyone, while no primary is heard of. */
export interface Ask {
  readonly type: "ask";
}

export interface Report {
  readonly type: "report";
  readonly dataId: string | undefined;
  readonly epochSeen: number;
  readonly last: Position;
  readonly isComplete: boolean;
  readonly isLeading: boolean;
  readonly inSync: InSyncSet | undefined;
}

export type Message = Probe | StateMessage | Refuse | Append | Ack | Heartbeat | Ask | Report;
