/** What a pod without a seat does next, once it has heard whoever answers. */
import { hasSeat } from "./acceptor.ts";
import {
  type Ask,
  compareBallots,
  type DiskRecord,
  NO_BALLOT,
  type Report,
  type Roster,
  type Seat,
  type Verdict,
  type Vote,
} from "./types.ts";

export interface FormationView {
  readonly self: Seat;
  readonly record: DiskRecord;
  /** What was asked in this round, and the record as it was when the round began. */
  readonly asked: { readonly ask: Ask; readonly record: DiskRecord };
  readonly size: number;
  /** The pods that form the first cluster, lowest ordinal first. */
  readonly first: readonly string[];
  /** Other pods that discovery shows. */
  readonly others: readonly string[];
  /** By name, of this round, the own one included. */
  readonly reports: ReadonlyMap<string, Report>;
  /** The id of the cluster that these disks would form. */
  readonly clusterIdOf: (seats: readonly Seat[]) => string;
}

export type Step =
  /** Write down that this disk belongs to the cluster; then start. */
  | { readonly kind: "sit"; readonly roster: Roster }
  /** The cluster admitted this disk and has removed it before it sat. It is empty, so that it may take another id at once. */
  | { readonly kind: "renew" }
  /** Ask everybody this next. */
  | { readonly kind: "ask"; readonly ask: Ask }
  | { readonly kind: "wait"; readonly reason: string };

export function nextStep(view: FormationView): Step {
  const reports = [...view.reports.values()];
  const stranger = reports.find((report) => isOfAnotherSet(view.self, report.self))?.self.name;
  const shown = reports.flatMap(({ self, cluster }) => (cluster && !isOfAnotherSet(view.self, self) ? [cluster] : []));
  const [cluster] = shown;
  if (!cluster && stranger !== undefined)
    return wait(
      `${stranger} is of another StatefulSet with the same labels; give this one labels and a Service of its own`,
    );
  if (!cluster) return formFirst(view);
  const other = shown.find(({ clusterId }) => clusterId !== cluster.clusterId);
  if (other)
    return wait(
      `peers belong to two clusters, ${cluster.clusterId} and ${other.clusterId}; one must be removed by hand`,
    );
  return enter(view, cluster, new Set(shown.map(({ you }) => you)));
}

/**
 * Discovery goes by labels, which two StatefulSets may share by mistake. Their pods must not become one cluster: whichever is scaled or deleted
 * would take the other's majority along. Nor may there be two behind one Service. Names without an ordinal belong to no set.
 */
function isOfAnotherSet(self: Seat, other: Seat): boolean {
  const [own, others] = [self, other].map(({ name }) => /^(.*)-\d+$/.exec(name)?.[1]);
  return own !== undefined && others !== undefined && own !== others;
}

function enter(view: FormationView, roster: Roster, verdicts: ReadonlySet<Verdict>): Step {
  const { record, asked, self } = view;
  const isRemoved = verdicts.has("removed");
  const isSeated = verdicts.has("member") || hasSeat(roster, self.id);
  if (!isSeated && !isRemoved) return { kind: "ask", ask: { kind: "join" } };
  // Invariant 4: an answer from before the last promise may be of a disk that is gone.
  if (asked.record !== record) return wait("asks again after its own promise");
  if (mayStillForm(view, roster)) return wait(`has accepted another cluster, ${record.accepted?.roster.clusterId}`);
  if (isRemoved) return { kind: "renew" };
  return { kind: "sit", roster: { clusterId: roster.clusterId, seats: roster.seats } };
}

/** Whether the roster that this disk accepted could be formed by its proposer in spite of the other cluster. */
function mayStillForm({ record: { accepted }, reports }: FormationView, { clusterId }: Roster): boolean {
  if (!accepted || accepted.roster.clusterId === clusterId) return false;
  const proposer = [...reports.values()].find(({ self }) => self.id === accepted.ballot.disk);
  return proposer?.cluster?.clusterId !== clusterId;
}

function formFirst(view: FormationView): Step {
  const { first, others, reports, self, size } = view;
  const missing = [...first, ...others].filter((name) => !reports.has(name));
  if (missing.length > 0) return wait(`no cluster yet: waits for an answer of ${missing.join(", ")}`);
  const founders = first.map((name) => reports.get(name) as Report);
  const stranger = founders.find((report) => report.size !== size);
  if (stranger)
    return wait(`${stranger.self.name} forms the first cluster out of ${stranger.size} pods, this one of ${size}`);
  if (first[0] !== self.name) return wait(`no cluster yet: waits for ${first[0]} to propose it`);
  return propose(view, founders);
}

/** Promise, accept, form: each only after all have answered the one before. */
function propose({ asked: { ask }, self, clusterIdOf }: FormationView, founders: readonly Report[]): Step {
  if (ask.kind === "accept" && founders.every(({ accepted }) => accepted && isSame(accepted, ask.vote)))
    return { kind: "ask", ask: { kind: "form", vote: ask.vote } };
  if (ask.kind === "prepare" && founders.every(({ promised }) => compareBallots(promised, ask.ballot) === 0))
    return {
      kind: "ask",
      ask: { kind: "accept", vote: { ballot: ask.ballot, roster: rosterOf(founders, clusterIdOf) } },
    };
  const highest =
    founders
      .map(({ promised }) => promised)
      .sort(compareBallots)
      .at(-1) ?? NO_BALLOT;
  return { kind: "ask", ask: { kind: "prepare", ballot: { round: highest.round + 1, disk: self.id } } };
}

const isSame = (a: Vote, b: Vote): boolean => compareBallots(a.ballot, b.ballot) === 0;

/**
 * The newest roster that any of them accepted, for it may have been formed already; a lost disk keeps its seat in it until the cluster replaces
 * it. Without a majority of its disks, though, it could never serve, and no disk that belongs to it is left: then a new one.
 */
function rosterOf(founders: readonly Report[], clusterIdOf: FormationView["clusterIdOf"]): Roster {
  const disks = new Set(founders.map(({ self }) => self.id));
  const canServe = ({ roster: { seats } }: Vote): boolean =>
    seats.filter(({ id }) => disks.has(id)).length * 2 > seats.length;
  const [newest] = founders
    .flatMap(({ accepted }) => accepted ?? [])
    .filter(canServe)
    .sort((a, b) => compareBallots(b.ballot, a.ballot));
  if (newest) return newest.roster;
  const seats = founders.map(({ self }) => self);
  return { clusterId: clusterIdOf(seats), seats };
}

const wait = (reason: string): Step => ({ kind: "wait", reason });
