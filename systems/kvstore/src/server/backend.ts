/** What the Redis server needs from the replica it runs in. */
import type { LogStatus, ReplicatedLog } from "@coracle/lease-log";
import type { DiskGuard } from "../store/disk.ts";
import type { Store } from "../store/store.ts";

/** Whether and how a replica answers reads: never, whatever it has, or only while its state is at most `maxStalenessMs` old. */
export type ReplicaReads = "never" | "stale" | "bounded";

export interface Backend {
  readonly store: Store;
  readonly log: Pick<ReplicatedLog, "propose" | "refusal" | "canRead" | "readBarrier" | "status" | "switchover">;
  readonly disk: Pick<DiskGuard, "refusal" | "freeBytes">;
  readonly reads: ReplicaReads;
  readonly maxStalenessMs: number;
  /** Where clients reach a member: `host:port` by its stable name. */
  clientAddress(id: string): string | undefined;
}

/** Why this member refuses writes, as a primary or because it is none. */
export const writesBlocked = ({ log, disk, store }: Pick<Backend, "log" | "disk" | "store">): string | undefined =>
  log.status().blocked ?? disk.refusal(false) ?? store.problem?.message;

export const isPrimary = (status: LogStatus): boolean => status.role === "primary";
