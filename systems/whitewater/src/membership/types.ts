/**
 * How the pods of a StatefulSet become exactly one cluster, and how its membership follows the set from then on.
 *
 * A disk is born with an id, and a member's id is its disk's: so a lost disk is a new member, and a seat that was promised to a disk can never be
 * taken by another one. The first cluster is agreed on as in Paxos, but by all of the first N disks rather than by a majority: each promises,
 * each accepts the roster, each writes that down before it answers. Any disk that comes later finds the record of it on some other disk, unless
 * all N were lost together. Once a cluster exists, nobody forms one any more: whoever has no seat asks for one there.
 *
 * Invariants:
 * 1. A disk belongs to one cluster at most, for ever.
 * 2. A cluster is formed only after every one of the first N disks has accepted its roster, by disks that have promised nothing newer since.
 * 3. A disk that belongs to a cluster promises and accepts nothing any more.
 * 4. A disk takes a seat only in a cluster that a member of it showed in a round that began after the disk's own last promise.
 */

/** Somebody's place in a cluster. `id` is that of the disk. */
export interface Seat {
  readonly id: string;
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
}

export interface Roster {
  readonly clusterId: string;
  /** The first members. */
  readonly seats: readonly Seat[];
}

/** Ordered by round, then by the proposer's disk. */
export interface Ballot {
  readonly round: number;
  readonly disk: string;
}

export interface Vote {
  readonly ballot: Ballot;
  readonly roster: Roster;
}

/** All that a disk remembers of it. */
export interface DiskRecord {
  readonly disk: string;
  readonly promised: Ballot;
  readonly accepted?: Vote;
  /** The cluster that this disk belongs to, by its first roster. */
  readonly cluster?: Roster;
}

export type Ask =
  | { readonly kind: "standing" }
  | { readonly kind: "prepare"; readonly ballot: Ballot }
  | { readonly kind: "accept"; readonly vote: Vote }
  /** All have accepted it. */
  | { readonly kind: "form"; readonly vote: Vote }
  /** Wants a seat in the cluster that the asked one belongs to, or a new address for the one it has. */
  | { readonly kind: "join" };

export interface Question {
  readonly from: Seat;
  readonly ask: Ask;
}

/** Whether the one who asks is a member: `removed` (was one, and never is again under this id) and `absent` only when a majority has just confirmed it. */
export type Verdict = "member" | "removed" | "absent" | "unknown";

/** Where somebody stands, after having done what was asked. */
export interface Report {
  readonly self: Seat;
  /** How many form the first cluster, as this pod was told. */
  readonly size: number;
  readonly promised: Ballot;
  readonly accepted?: Vote;
  readonly cluster?: Roster & { readonly hasLeader: boolean; readonly you: Verdict };
  /** Whom it knows of, for pods whose list of peers is old. */
  readonly known: readonly Omit<Seat, "id">[];
}

export const NO_BALLOT: Ballot = { round: 0, disk: "" };

/** Promises are asked of those that form the first cluster; the others are only asked where they stand. */
export const askOf = (name: string, ask: Ask, first: readonly string[]): Ask =>
  ask.kind === "join" || first.includes(name) ? ask : { kind: "standing" };

export const compareBallots = (a: Ballot, b: Ballot): number =>
  a.round - b.round || Number(a.disk > b.disk) - Number(a.disk < b.disk);
