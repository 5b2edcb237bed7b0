/** The facade that gRPC, HTTP and the command line share. */
import type {
  Compare,
  DeleteRangeRequest,
  KeyValue,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../proto/kv.ts";
import type { Draft } from "../proto/message.ts";

export type { Compare, KeyValue, RequestOp };

/** Every answer says at which revision of the store it was given. */
export interface Header {
  readonly revision: number;
}

export interface RangeResult {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  /** There is more in the range than `limit` allowed. */
  readonly more: boolean;
  /** Keys in the range, whatever the limit. */
  readonly count: number;
}

export interface PutResult {
  readonly header: Header;
  readonly prevKv?: KeyValue | undefined;
}

export interface DeleteRangeResult {
  readonly header: Header;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

/** One per operation, in order; the member that is set tells which kind it was. */
export interface OpResult {
  readonly responseRange?: RangeResult;
  readonly responsePut?: PutResult;
  readonly responseDeleteRange?: DeleteRangeResult;
  readonly responseTxn?: TxnResult;
}

export interface TxnResult {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly OpResult[];
}

export interface LeaseResult {
  readonly header: Header;
  readonly id: bigint;
  readonly ttl: number;
}

export interface LeaseTimeToLive extends LeaseResult {
  readonly grantedTtl: number;
  readonly keys: readonly string[];
}

export interface Alarm {
  readonly memberId: bigint;
  /** 1: no space; 2: corrupt. */
  readonly alarm: number;
}

export interface WatchOptions {
  readonly key: string;
  /** As in a range: empty for one key, `\0` for everything from `key` on. */
  readonly rangeEnd?: string;
  /** 0 or absent: from now on. */
  readonly startRevision?: number;
  readonly noPut?: boolean;
  readonly noDelete?: boolean;
  readonly prevKv?: boolean;
}

export interface WatchEvent {
  readonly type: "put" | "delete";
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue | undefined;
}

/** What a watcher is told: a batch holds whole revisions, in order. */
export interface WatchSink {
  /**
   * False when no more is wanted for now: nothing is sent, and nothing queued, until `Watcher.resume`; what happened meanwhile is then read from the
   * store's history.
   */
  events(events: readonly WatchEvent[], revision: number): boolean;
  /** History before `compactRevision` is gone, so that the watch would miss events; it has ended. */
  compacted(compactRevision: number): void;
}

export interface Watcher {
  resume(): void;
  /** Everything up to the store's revision has been sent. */
  isCurrent(): boolean;
  cancel(): void;
}

export interface KvStatus {
  readonly revision: number;
  readonly compactRevision: number;
  readonly keys: number;
  readonly leases: number;
  readonly watchers: number;
  /** What the quota counts: keys, values and 64 bytes for each revision kept. */
  readonly sizeBytes: number;
  readonly quotaBytes: number;
}

/**
 * Requests take etcd's fields, each of which may be left out; keys are strings of one character per byte (`keyOf` makes them of text). Rejects with
 * WhitewaterError, whose codes are the rows of `refusals`, and with nothing else but RaftError's `indeterminate` turned into code `timeout`.
 */
export interface Kv {
  /** Linearizable unless `serializable`. */
  range(request: Draft<RangeRequest>, signal?: AbortSignal, encoded?: Uint8Array): Promise<RangeResult>;
  /** `encoded`: the request as it came in, which spares encoding it for the log; only with a request that was decoded from it. */
  put(request: Draft<PutRequest>, signal?: AbortSignal, encoded?: Uint8Array): Promise<PutResult>;
  deleteRange(
    request: Draft<DeleteRangeRequest>,
    signal?: AbortSignal,
    encoded?: Uint8Array,
  ): Promise<DeleteRangeResult>;
  txn(request: Draft<TxnRequest>, signal?: AbortSignal, encoded?: Uint8Array): Promise<TxnResult>;
  compact(revision: number, signal?: AbortSignal): Promise<Header>;
  /** `id` 0n or absent: chosen here. The TTL granted is at least 2 s. */
  leaseGrant(request: { readonly ttl: number; readonly id?: bigint }, signal?: AbortSignal): Promise<LeaseResult>;
  leaseRevoke(id: bigint, signal?: AbortSignal): Promise<Header>;
  /** `ttl` 0: there is no such lease. */
  leaseKeepAlive(id: bigint, signal?: AbortSignal): Promise<LeaseResult>;
  /** `ttl` -1: there is no such lease. */
  leaseTimeToLive(id: bigint, withKeys: boolean, signal?: AbortSignal): Promise<LeaseTimeToLive>;
  leases(signal?: AbortSignal): Promise<{ readonly header: Header; readonly ids: readonly bigint[] }>;
  /** Throws `future-revision` never: a watch may start ahead of the store. */
  watch(options: WatchOptions, sink: WatchSink): Watcher;
  alarms(): readonly Alarm[];
  setAlarm(alarm: Alarm, isActive: boolean, signal?: AbortSignal): Promise<readonly Alarm[]>;
  /** Of what is visible at `revision` (0: now) and the history since the last compaction: the same on every member. */
  hash(
    revision: number,
  ): Promise<{ readonly hash: number; readonly revision: number; readonly compactRevision: number }>;
  /** A whole copy of the store for a backup: as a file, `whitewater snapshot restore` reads it. */
  snapshot(): { readonly revision: number; readonly sizeBytes: number; readonly chunks: AsyncIterable<Uint8Array> };
  status(): KvStatus;
  /** Ends leases' clocks and watches. Idempotent. */
  stop(): void;
}
