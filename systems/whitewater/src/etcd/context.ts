/** What the services share. */
import type { Member, Raft } from "@coracle/raft";
import type { Kv } from "../kv/types.ts";
import type { Header } from "../proto/kv.ts";

export interface EtcdContext {
  readonly kv: Kv;
  readonly raft: EtcdRaft;
  /** `revision` absent: the store's. */
  readonly header: (revision?: number) => Header;
  readonly clientUrls: (member: Member) => readonly string[];
  readonly maxRequestBytes: number;
  readonly maxWatches: number;
  /** How often an idle watch that asked for it is told where it stands. */
  readonly progressIntervalMs: number;
  /** A stream that asked for a leader ends after this long without one. */
  readonly leaderlessMs: number;
  readonly onFault: (error: unknown) => void;
}

export type EtcdRaft = Pick<Raft, "status" | "subscribe" | "changeMembers" | "transferLeadership" | "readBarrier">;

export const idOf = (hex: string): bigint => BigInt(`0x${hex}`);
export const hexOf = (id: bigint): string => id.toString(16).padStart(16, "0");
