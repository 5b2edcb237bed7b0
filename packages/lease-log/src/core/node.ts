/** The state of one node's core, and the batch that a step fills. Plain data: the modules beside this one hold the rules. */
import type { Arbiter, Position } from "../types.ts";
import type { LogIndex } from "./log-shape.ts";
import type { InSyncSet, Message, Report } from "./messages.ts";
import type { Batch, CoreConfig, CoreDefect, Feed, Instant, Meta } from "./types.ts";

/** What the primary knows of one replica. */
export interface Replica {
  readonly id: string;
  state: "probing" | "streaming" | "snapshot";
  /** Raised by each probe; answers to older ones do not count. */
  session: number;
  probedAt: number;
  /** Next entry to send. */
  next: number;
  /** Durable there, in this session. */
  match: number;
  isFeeding: boolean;
  /** An append must go out even when it is empty: it establishes the match. */
  needsCheck: boolean;
  inFlight: { readonly through: number; readonly sizeBytes: number }[];
  inFlightBytes: number;
  heardAt: number;
  progressAt: number;
  /** The furthest match of any session in this term, and when it was reached: a new session begins at 0, which is no progress. */
  furthest: number;
  advancedAt: number;
  downSince: number | undefined;
  /** Since when it has lacked something; undefined while it has everything. */
  behindSince: number | undefined;
  isLeaving: boolean;
  isFull: boolean;
  isForeign: boolean;
  isComplete: boolean;
  echo: number;
  toldCommit: number;
  toldAt: number;
  /** Until then, by this node's clock, it does not take the Lease. */
  confirmedUntil: number;
}

export interface Leading {
  readonly epoch: number;
  readonly openIndex: number;
  readonly since: number;
  readonly dataId: string;
  readonly replicas: Map<string, Replica>;
  /** The record as last acknowledged. */
  recorded: InSyncSet;
  /** A write of the record that is under way. */
  pending: InSyncSet | undefined;
  /** Members of writes whose outcome is unknown; they may be in the record. */
  uncertain: readonly string[];
  /** About to be added: commits wait for it already. */
  joining: { readonly id: string; readonly since: number } | undefined;
  /** Replicas that every commit waits for: members of the record as it is or may be, and the joining one; without this node. */
  awaited: readonly string[];
  /** The opening entry is committed: the state here holds every acknowledged write. */
  hasOpened: boolean;
  blocked: string | undefined;
  handover: { readonly to: string; readonly deadline: number } | undefined;
  /** How long a term lasts that was just renewed, as far as seen. */
  termMs: number;
  /** The Lease is being let go: the end of the term is the end of this node's authority, whoever has confirmed it. */
  isLettingGo: boolean;
}

/** The primary that this node follows. */
export interface Following {
  readonly leader: string;
  readonly epoch: number;
  session: number;
  /** The log is the primary's up to here. */
  matched: number;
  commit: number;
  heardAt: number;
  /** Once everything up to here is durable, this disk is complete; undefined until a heartbeat says it. */
  completeAt: number | undefined;
  /** The last in-sync set that the primary told. */
  inSync: InSyncSet | undefined;
  /** On this node's clock: the state was current then. */
  asOf: number;
  /** Becomes `asOf` once applied this far. */
  next: { readonly commit: number; readonly at: number } | undefined;
}

/**
 * Invariants: (1) `applied <= commit <= durable <= log.last`; (2) no entry at or before `applied` is ever truncated; (3) at most one of `leading`
 * and `following` is set; (4) `meta.epochSeen` is at least the epoch of either; (5) nothing is acknowledged for an epoch below it.
 */
export interface Node {
  readonly config: CoreConfig;
  readonly log: LogIndex;
  readonly startedAt: number;
  meta: Meta;
  durable: number;
  commit: number;
  applied: number;
  leading: Leading | undefined;
  following: Following | undefined;
  observed: Arbiter["observed"];
  termEpoch: number | undefined;
  peers: readonly string[];
  reports: Map<string, { readonly report: Report; readonly at: number }>;
  askedAt: number;
  /** When this node saw that the record is gone: what others said before that may be from before another won a term. */
  goneSince: number | undefined;
  isInstalling: boolean;
  isLeaving: boolean;
  /** This disk has no room: told to the primary, which does not hand over to such a replica. */
  isFull: boolean;
  /** The last primary that was heard has another cluster's data; forgotten once the own one's is heard, or the Lease names the own data. */
  isForeign: boolean;
  /** An empty disk has seen a record that names data: it does not start another cluster if that record goes. Forgotten by a restart. */
  hasSeenData: boolean;
  promisedUntil: number;
  /** The last time this node agreed to take the Lease: a PUT may be on its way. */
  consent: { readonly epoch: number; readonly at: number } | undefined;
}

/** Collects the effects of a step. */
export class Out implements Batch {
  meta: Meta | undefined;
  truncateAfter: number | undefined;
  append: Batch["append"];
  readonly sends: { to: string; message: Message }[] = [];
  readonly feeds: Feed[] = [];
  applyTo: number | undefined;
  record: InSyncSet | undefined;
  readonly snapshots: { to: string; session: number; epoch: number }[] = [];
  install = false;
  stepDown: Batch["stepDown"];
  lost: string | undefined;
  handoverFailed: string | undefined;
  readonly warnings: string[] = [];

  send(to: string, message: Message): void {
    this.sends.push({ to, message });
  }
}

export interface Step {
  readonly node: Node;
  readonly out: Out;
  readonly at: Instant;
}

export function hasDefect(node: Node, defect: CoreDefect): boolean {
  return node.config.defects?.includes(defect) ?? false;
}

/** Changes the durable meta; a no-op change costs nothing. */
export function setMeta({ node, out }: Step, change: Partial<Meta>): void {
  const isSame = (key: keyof Meta) =>
    change[key] === node.meta[key] || JSON.stringify(change[key]) === JSON.stringify(node.meta[key]);
  if ((Object.keys(change) as (keyof Meta)[]).every(isSame)) return;
  const changed = { ...node.meta, ...change };
  node.meta = changed;
  out.meta = changed;
}

/** Raises `applied` to `commit`, and asks for it. */
export function applyCommitted({ node, out }: Step, commit: number): void {
  if (commit <= node.commit) return;
  node.commit = commit;
  node.applied = commit;
  out.applyTo = commit;
}

export function positionAt(node: Node, index: number): Position {
  return { epoch: node.log.epochAt(index) ?? 0, index };
}
