/** What a member is told, and the bounds it keeps. */
import type { Duplex } from "node:stream";
import type { WireLimits, WirePeer, WireTls } from "@coracle/wire";
import { RaftError } from "./errors.ts";
import type { Member, StateMachine } from "./types.ts";

export interface LogSink {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Hooks, called as things happen; must not throw. Times in milliseconds. */
export interface RaftMetrics {
  /** A group of commands was applied here that were proposed here; `ms` is the longest wait among them. */
  proposed?(count: number, ms: number): void;
  readBarrier?(ms: number): void;
  applied?(count: number): void;
  /** Entries that were made durable by one write. */
  appended?(count: number, ms: number): void;
  snapshotWritten?(index: number, sizeBytes: number, ms: number): void;
  snapshotSent?(to: string, sizeBytes: number, ms: number): void;
  snapshotReceived?(from: string, sizeBytes: number, ms: number): void;
  /** This member began an election. */
  campaigned?(term: number): void;
}

export interface RaftTiming {
  /** Length of a tick, in which the other two are counted; default 50. */
  readonly tickMs: number;
  /** Default 100. */
  readonly heartbeatMs: number;
  /** Without a word from a leader for this to twice this, drawn at random, a voter asks for an election; default 400. */
  readonly electionMs: number;
  /** How long a call waits for a leader, and for its outcome; default 5000. */
  readonly requestMs: number;
}

export interface RaftLimits {
  /** Longest command; default 16 MiB. */
  readonly maxCommandBytes: number;
  /** Proposals that wait here; default 65 536, and their bytes, default 128 MiB. `overloaded` beyond. */
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  /** Entries at the leader that no majority holds yet; default 128 MiB. */
  readonly maxUncommittedBytes: number;
  /** Longest append, or one entry; default 1 MiB. Appends in flight to one follower: default 256, and their bytes, default 8 MiB. */
  readonly maxAppendBytes: number;
  readonly maxInflight: number;
  readonly maxInflightBytes: number;
  /**
   * A snapshot is written once the log since the last has this many bytes or entries; defaults 32 MiB and 100 000. Each member does it somewhat earlier, by
   * up to two fifths, so that not all do it at once. Where the last snapshot was larger, the log may grow to its size, up to four times these.
   */
  readonly snapshotBytes: number;
  readonly snapshotEntries: number;
  /** Entries kept behind a snapshot, so that a follower that was away for a moment catches up by log; default 10 000. */
  readonly retainEntries: number;
  readonly segmentBytes: number;
  /** A learner may be promoted that lacks no more entries than this; default 1000. */
  readonly promoteLagEntries: number;
  readonly maxMembers: number;
  readonly maxReads: number;
}

export interface RaftOptions {
  /** This member's id: 16 hex digits, never used by another member nor for another disk. */
  readonly id: string;
  /** Members of another cluster are refused, and so are their disks. */
  readonly clusterId: string;
  /** Folder of log and snapshots; created when missing. One process at a time. */
  readonly dir: string;
  readonly stateMachine: StateMachine;
  /**
   * The first members, when this one is among them and its folder is empty: the same list, in any order, at each. Without it, an empty folder waits to be
   * added by a leader (`changeMembers`). Ignored where the folder holds a member.
   */
  readonly bootstrap?: readonly Omit<Member, "isLearner">[] | undefined;
  /** Where to listen for members; undefined: connections are handed in by `accept`. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined;
  /** Makes a connection to a member's address; default: TCP, or TLS where `tls` is given. */
  readonly connect?: ((peer: WirePeer, signal: AbortSignal) => Promise<Duplex>) | undefined;
  readonly tls?: WireTls | undefined;
  /** Answers `request` of another member. */
  readonly onRequest?:
    | ((from: string, method: string, payload: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>)
    | undefined;
  readonly timing?: Partial<RaftTiming> | undefined;
  readonly limits?: Partial<RaftLimits> | undefined;
  readonly wire?: Partial<WireLimits> | undefined;
  readonly logger?: LogSink | undefined;
  readonly metrics?: RaftMetrics | undefined;
  /** 0 <= x < 1. */
  readonly random?: (() => number) | undefined;
}

export const DEFAULT_TIMING: RaftTiming = { tickMs: 50, heartbeatMs: 100, electionMs: 400, requestMs: 5000 };

export const DEFAULT_LIMITS: RaftLimits = {
  maxCommandBytes: 16 << 20,
  maxPending: 65_536,
  maxPendingBytes: 128 << 20,
  maxUncommittedBytes: 128 << 20,
  maxAppendBytes: 1 << 20,
  maxInflight: 256,
  maxInflightBytes: 8 << 20,
  snapshotBytes: 32 << 20,
  snapshotEntries: 100_000,
  retainEntries: 10_000,
  segmentBytes: 16 << 20,
  promoteLagEntries: 1000,
  maxMembers: 32,
  maxReads: 65_536,
};

export interface Settings {
  readonly id: string;
  readonly clusterId: string;
  readonly dir: string;
  readonly stateMachine: StateMachine;
  readonly bootstrap: readonly Member[] | undefined;
  readonly listen: RaftOptions["listen"];
  readonly connect: RaftOptions["connect"];
  readonly tls: WireTls | undefined;
  readonly onRequest: NonNullable<RaftOptions["onRequest"]>;
  readonly timing: RaftTiming;
  readonly limits: RaftLimits;
  readonly wire: Partial<WireLimits>;
  readonly logger: LogSink;
  readonly metrics: RaftMetrics;
  readonly random: () => number;
}

const silent: LogSink = { debug() {}, info() {}, warn() {}, error() {} };

/** Throws RaftError `invalid`. */
export function resolveSettings(options: RaftOptions): Settings {
  const { id, clusterId, dir, stateMachine, listen, connect, tls } = options;
  if (!ID.test(id)) throw invalid(`the id "${id}" is not 16 hex digits`);
  if (clusterId === "" || dir === "") throw invalid("clusterId and dir must be given");
  return {
    id,
    clusterId,
    dir,
    stateMachine,
    listen,
    connect,
    tls,
    bootstrap: options.bootstrap && checkedBootstrap(options.bootstrap, id),
    onRequest: options.onRequest ?? ((_, method) => Promise.reject(invalid(`there is no method "${method}"`))),
    timing: resolveNumbers(DEFAULT_TIMING, options.timing, "timing"),
    limits: resolveNumbers(DEFAULT_LIMITS, options.limits, "limits"),
    wire: options.wire ?? {},
    logger: options.logger ?? silent,
    metrics: options.metrics ?? {},
    random: options.random ?? Math.random,
  };
}

const ID = /^[0-9a-f]{16}$/;

const invalid = (message: string): RaftError => new RaftError("invalid", message);

/** In one order at all members, whatever the order given: their first entries must be identical. */
function checkedBootstrap(members: readonly Omit<Member, "isLearner">[], id: string): readonly Member[] {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (new Set(sorted.map((member) => member.id)).size !== sorted.length) throw invalid("two first members share an id");
  if (!sorted.some((member) => member.id === id)) throw invalid(`${id} is not among the first members`);
  return sorted.map(({ id, name, address }) => ({ id, name, address, isLearner: false }));
}

/** `given` over `defaults`; an explicit undefined counts as absent, an unknown key or a number that is not positive is refused. */
function resolveNumbers<T extends object>(defaults: T, given: Partial<T> | undefined, what: string): T {
  const resolved = { ...defaults };
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (!(key in defaults)) throw invalid(`${what}: there is no option "${key}"`);
    if (typeof value !== "number" || !(value > 0))
      throw invalid(`${what}.${key} must be a number above 0, not ${String(value)}`);
    Object.assign(resolved, { [key]: value });
  }
  return resolved;
}
