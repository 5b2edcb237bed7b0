/**
 * Primary-replica replication that Kubernetes arbitrates: a Lease names the primary, its epoch and, in an annotation, the replicas that hold every acknowledged write.
 *
 * ```ts
 * const log = await openReplicatedLog({ id, dir, arbiter: election, peers, stateMachine, mode: "sync", host: "0.0.0.0", port: 7000 });
 * await log.start();
 * await election.start(); // made with `candidacy: (record) => log.candidacy(record)`
 * const result = await log.propose(command);
 * ```
 */

export { LeaseLogError, type LeaseLogErrorCode } from "./errors.ts";
export { type OpenReplicatedLog, openReplicatedLog } from "./open.ts";
export type { LogClock, LogLimits, LogMetrics, LogSink, LogTiming, ReplicatedLogOptions } from "./options.ts";
export type {
  Arbiter,
  ArbiterRecord,
  Candidacy,
  Entry,
  LeaderTerm,
  LogStatus,
  PeerDirectory,
  Position,
  ProposeOptions,
  ReplicatedLog,
  ReplicationMode,
  Role,
  StateMachine,
} from "./types.ts";
