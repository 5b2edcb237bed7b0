import type { WireLimits, WireTls } from "@coracle/wire";
import { LeaseLogError } from "./errors.ts";
import type { Arbiter, PeerDirectory, Position, ReplicationMode, StateMachine } from "./types.ts";

/** Structured log lines; a pino logger fits. */
export interface LogSink {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Monotonic milliseconds and timers; the default is the process's own. Where it begins does not matter: each log adds an offset of its own. */
export interface LogClock {
  now(): number;
  /** Runs `task` every `ms` until the returned function is called. Does not keep the process alive. */
  every(ms: number, task: () => void): () => void;
  /** Runs `task` once after `ms` unless the returned function was called. */
  after(ms: number, task: () => void): () => void;
}

/** Hooks for metrics; all optional, called synchronously, must be cheap and must not throw. */
export interface LogMetrics {
  /** `count` proposals were acknowledged; the oldest of them had waited `waitMs`. */
  committed?(count: number, waitMs: number): void;
  becamePrimary?(epoch: number): void;
  lostPrimary?(epoch: number, reason: string): void;
  inSyncChanged?(members: readonly string[]): void;
  snapshotSent?(to: string, at: Position, sizeBytes: number, tookMs: number): void;
  snapshotInstalled?(from: string, at: Position, sizeBytes: number, tookMs: number): void;
}

export interface LogTiming {
  /** Interval of the core's clock; default 50 ms. */
  readonly tickMs: number;
  /** Interval of a primary's heartbeats; default 250 ms. */
  readonly heartbeatMs: number;
  /** An in-sync replica silent for this long is removed from the set, so that writes go on; default 2 s. */
  readonly replicaTimeoutMs: number;
  /** The same for a replica whose connection is refused or broken; default 250 ms. */
  readonly downTimeoutMs: number;
  /** An in-sync replica that answers but has made no progress for this long while writes wait for it is removed; default 5 s. */
  readonly slowReplicaMs: number;
  /** How long a first boot waits for peers that do not answer before it starts an empty cluster; default 3 s. */
  readonly bootstrapWaitMs: number;
  /** How long a switchover may pause writes; default 2 s. */
  readonly switchoverMs: number;
  /**
   * In `async`, how long what is new may wait to be sent to replicas together with what follows; it is what a crash of the primary may lose beyond what
   * is on its way already. Default 10 ms.
   */
  readonly asyncSendMs: number;
  /** Interval of state machine flushes, after which the log is shortened; default 20 s. */
  readonly compactMs: number;
}

export interface LogLimits {
  /** Longest command; default 16 MiB. */
  readonly maxCommandBytes: number;
  /** Proposals accepted and not yet acknowledged; default 65 536. `overloaded` beyond. */
  readonly maxPendingEntries: number;
  /** Their bytes; default 128 MiB. */
  readonly maxPendingBytes: number;
  /** Bytes sent to one replica and not yet acknowledged by it; default 8 MiB. */
  readonly replicaWindowBytes: number;
  /** Longest frame of entries; default 1 MiB, or one entry. */
  readonly batchBytes: number;
  /** Newest entries kept in memory for replicas; default 32 MiB. */
  readonly cacheBytes: number;
  /** Log kept on disk behind the flushed state, so that a replica that was away catches up without a snapshot; default 256 MiB. */
  readonly retainBytes: number;
  /** In `async`, how many entries a replica may lack and still be named as a successor; default 10 000. */
  readonly maxLagEntries: number;
}

export interface ReplicatedLogOptions {
  /** Own name: the pod's. */
  readonly id: string;
  /** Folder of the log and the meta file; created when missing. One process at a time. */
  readonly dir: string;
  readonly arbiter: Arbiter;
  readonly peers: PeerDirectory;
  readonly stateMachine: StateMachine;
  readonly mode: ReplicationMode;
  /** Members of the in-sync set, the primary included, without which `sync` acknowledges nothing; default 1. */
  readonly minInSync?: number | undefined;
  /** Where to listen for peers. */
  readonly host: string;
  /** 0 takes a free port; see `port` of what is returned. */
  readonly port: number;
  /** Peers of another name are refused; default `default`. */
  readonly cluster?: string | undefined;
  readonly tls?: WireTls | undefined;
  /** Go on while the Kubernetes API is away and every in-sync replica confirms; default true. */
  readonly failsafe?: boolean | undefined;
  /** The Lease annotation that holds the in-sync set; default `coracle.dev/in-sync`. */
  readonly annotation?: string | undefined;
  /**
   * Whether the system refuses writes for lack of room on a disk of its own. Asked at each tick: a primary that stays full hands over to an in-sync replica
   * that is not. (That the log itself finds no room is known here.)
   */
  readonly isFull?: (() => boolean) | undefined;
  readonly clock?: LogClock | undefined;
  /** 0 <= x < 1. */
  readonly random?: (() => number) | undefined;
  readonly logger?: LogSink | undefined;
  readonly metrics?: LogMetrics | undefined;
  readonly timing?: Partial<LogTiming> | undefined;
  readonly limits?: Partial<LogLimits> | undefined;
  readonly wire?: Partial<WireLimits> | undefined;
}

export const DEFAULT_TIMING: LogTiming = {
  tickMs: 50,
  heartbeatMs: 250,
  replicaTimeoutMs: 2000,
  downTimeoutMs: 250,
  slowReplicaMs: 5000,
  bootstrapWaitMs: 3000,
  switchoverMs: 2000,
  asyncSendMs: 10,
  compactMs: 20_000,
};

export const DEFAULT_LIMITS: LogLimits = {
  maxCommandBytes: 16 << 20,
  maxPendingEntries: 65_536,
  maxPendingBytes: 128 << 20,
  replicaWindowBytes: 8 << 20,
  batchBytes: 1 << 20,
  cacheBytes: 32 << 20,
  retainBytes: 256 << 20,
  maxLagEntries: 10_000,
};

/** `given` over `defaults`; an explicit undefined counts as absent, an unknown key or a number that is not positive is refused. */
export function resolveNumbers<T extends object>(defaults: T, given: Partial<T> | undefined, what: string): T {
  const resolved = { ...defaults };
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (!(key in defaults)) throw new LeaseLogError("invalid-options", `${what}: there is no option "${key}"`);
    if (typeof value !== "number" || !(value > 0)) {
      throw new LeaseLogError("invalid-options", `${what}.${key} must be a number above 0, not ${String(value)}`);
    }
    Object.assign(resolved, { [key]: value });
  }
  return resolved;
}
