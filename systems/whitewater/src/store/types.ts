/** What the store offers besides being Raft's state machine. */
import type { StateMachine } from "@coracle/raft";
import type { Alarm, RangeResult, TxnResult } from "../kv/types.ts";
import type { RangeRequest, TxnRequest } from "../proto/kv.ts";
import type { LeaseEvents } from "./apply.ts";
import type { Lease } from "./leases.ts";
import type { KeyVersion } from "./version.ts";

export interface StoreListener extends LeaseEvents {
  /** Changes of one or more whole revisions, in order. */
  changed(versions: readonly KeyVersion[]): void;
  /** The whole state is another. */
  restored(): void;
}

/** Reads are of this member's state as it is when they begin, and promises where they take long; they throw, or reject with, Refused. */
export interface Store extends StateMachine {
  readonly revision: number;
  /** -1: never compacted. */
  readonly compactRevision: number;
  readonly liveKeys: number;
  readonly sizeBytes: number;
  range(request: RangeRequest): RangeResult | Promise<RangeResult>;
  /** Of a transaction that only reads. */
  readTxn(request: TxnRequest): TxnResult | Promise<TxnResult>;
  /** Changes from `revision` on: all when `isWhole`, otherwise about `limit` of them or 4 MiB, to the end of a revision. */
  history(revision: number, limit: number): { readonly found: readonly KeyVersion[]; readonly isWhole: boolean };
  lease(id: bigint): Lease | undefined;
  leases(): Iterable<Lease>;
  readonly leaseCount: number;
  alarms(): readonly Alarm[];
  /** 0: now. */
  hash(revision: number): number | Promise<number>;
  /** Resolves when no command is half performed: leases and their keys have no revisions to be read at. */
  whole(): Promise<void>;
  subscribe(listener: StoreListener): () => void;
  /** Memory of the past is given back in small steps after a compaction; resolves when that is done. */
  settled(): Promise<void>;
}
