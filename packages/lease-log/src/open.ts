import { LeaseLogError } from "./errors.ts";
import type { ReplicatedLogOptions } from "./options.ts";
import type { ReplicatedLog } from "./types.ts";

/** A log that is open on disk; `start` connects it. */
export interface OpenReplicatedLog extends ReplicatedLog {
  /** Port on which peers reach this log; known once started. */
  readonly port: number;
  /** Proposes several commands at once, in order; as `propose` for each, with one promise for all. Rejects as soon as one is refused. */
  proposeAll(commands: readonly Uint8Array[]): Promise<readonly unknown[]>;
}

/**
 * Opens the log in `options.dir`, checks it and recovers what a crash left. Rejects with LeaseLogError `corrupt`, `failed` or `invalid-options`.
 * The election should be started after `start` of what is returned, and stopped after its `stop`.
 */
export async function openReplicatedLog(_options: ReplicatedLogOptions): Promise<OpenReplicatedLog> {
  throw new LeaseLogError("failed", "not there yet");
}
