import type { WireLimits, WireTls } from "@coracle/wire";
import { LeaseLogError } from "../errors.ts";
import {
  DEFAULT_LIMITS,
  DEFAULT_TIMING,
  type LogClock,
  type LogLimits,
  type LogMetrics,
  type LogSink,
  type LogTiming,
  type ReplicatedLogOptions,
  resolveNumbers,
} from "../options.ts";
import type { Arbiter, PeerDirectory, ReplicationMode, StateMachine } from "../types.ts";
import { silent, systemClock } from "./clock.ts";

/** The options with every default filled in. */
export interface Settings {
  readonly id: string;
  readonly dir: string;
  readonly arbiter: Arbiter;
  readonly peers: PeerDirectory;
  readonly stateMachine: StateMachine;
  readonly mode: ReplicationMode;
  readonly minInSync: number;
  readonly host: string;
  readonly port: number;
  readonly cluster: string;
  readonly tls: WireTls | undefined;
  readonly failsafe: boolean;
  readonly isFull: () => boolean;
  readonly annotation: string;
  readonly clock: LogClock;
  readonly random: () => number;
  readonly logger: LogSink;
  readonly metrics: LogMetrics;
  readonly timing: LogTiming;
  readonly limits: LogLimits;
  readonly wire: Partial<WireLimits>;
}

/** Throws LeaseLogError `invalid-options`. */
export function resolveSettings(options: ReplicatedLogOptions): Settings {
  const { minInSync = 1 } = options;
  if (!Number.isInteger(minInSync) || minInSync < 1) {
    throw new LeaseLogError("invalid-options", `minInSync must be a whole number above 0, not ${minInSync}`);
  }
  if (options.mode !== "sync" && options.mode !== "async") {
    throw new LeaseLogError("invalid-options", `mode must be "sync" or "async", not ${JSON.stringify(options.mode)}`);
  }
  return {
    id: options.id,
    dir: options.dir,
    arbiter: options.arbiter,
    peers: options.peers,
    stateMachine: options.stateMachine,
    mode: options.mode,
    minInSync,
    host: options.host,
    port: options.port,
    cluster: options.cluster ?? "default",
    tls: options.tls,
    failsafe: options.failsafe ?? true,
    isFull: options.isFull ?? (() => false),
    annotation: options.annotation ?? "coracle.dev/in-sync",
    clock: offset(options.clock ?? systemClock, options.random ?? Math.random),
    random: options.random ?? Math.random,
    logger: options.logger ?? silent,
    metrics: options.metrics ?? {},
    timing: resolveNumbers(DEFAULT_TIMING, options.timing, "timing"),
    limits: resolveNumbers(DEFAULT_LIMITS, options.limits, "limits"),
    wire: options.wire ?? {},
  };
}

/** Peers send back this clock's times; by a beginning of its own they are told from those of an earlier process. Below 2^40 they are exact to a microsecond. */
function offset(clock: LogClock, random: () => number): LogClock {
  const offsetMs = Math.floor(random() * 2 ** 40);
  return { now: () => clock.now() + offsetMs, every: clock.every.bind(clock), after: clock.after.bind(clock) };
}
