/** Questions, reports and records as they come from outside: checked field by field, and bounded. */
import { WhitewaterError } from "../errors.ts";
import type { Ask, Ballot, DiskRecord, Question, Report, Roster, Seat, Verdict, Vote } from "./types.ts";

const MAX_SEATS = 1000;
const MAX_TEXT = 300;

type Fields = Readonly<Record<string, unknown>>;

const bad = (what: string): never => {
  throw new WhitewaterError("malformed", `A peer's message makes no sense: ${what}.`);
};

const fieldsOf = (value: unknown, what: string): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : bad(`${what} is no object`);

const text = (value: unknown, what: string): string =>
  typeof value === "string" && value.length <= MAX_TEXT ? value : bad(`${what} is no short text`);

const name = (value: unknown, what: string): string =>
  /^[\w][\w.:[\]-]*$/.test(text(value, what)) ? (value as string) : bad(`${what} is no name`);

const count = (value: unknown, what: string): number =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : bad(`${what} is no number`);

function list<T>(value: unknown, what: string, parse: (item: unknown) => T): readonly T[] {
  return Array.isArray(value) && value.length <= MAX_SEATS ? value.map(parse) : bad(`${what} is no short list`);
}

const whereabouts = (value: unknown): Omit<Seat, "id"> => {
  const { name: pod, address } = fieldsOf(value, "whereabouts");
  return { name: name(pod, "name"), address: name(address, "address") };
};

export const parseSeat = (value: unknown): Seat => ({
  id: name(fieldsOf(value, "seat").id, "id"),
  ...whereabouts(value),
});

const ballot = (value: unknown): Ballot => {
  const { round, disk } = fieldsOf(value, "ballot");
  return { round: count(round, "round"), disk: text(disk, "disk") };
};

const roster = (value: unknown): Roster => {
  const { clusterId, seats } = fieldsOf(value, "roster");
  return { clusterId: name(clusterId, "clusterId"), seats: list(seats, "seats", parseSeat) };
};

const vote = (value: unknown): Vote => {
  const fields = fieldsOf(value, "vote");
  return { ballot: ballot(fields.ballot), roster: roster(fields.roster) };
};

const asks: Readonly<Record<string, (fields: Fields) => Ask>> = {
  standing: () => ({ kind: "standing" }),
  join: () => ({ kind: "join" }),
  prepare: (fields) => ({ kind: "prepare", ballot: ballot(fields.ballot) }),
  accept: (fields) => ({ kind: "accept", vote: vote(fields.vote) }),
  form: (fields) => ({ kind: "form", vote: vote(fields.vote) }),
};

/** Throws WhitewaterError `malformed`, as the others here. */
export function parseQuestion(value: unknown): Question {
  const { from, ask } = fieldsOf(value, "question");
  const fields = fieldsOf(ask, "ask");
  const parse = asks[text(fields.kind, "kind")];
  return { from: parseSeat(from), ask: parse ? parse(fields) : bad("an unknown question") };
}

const verdicts: readonly Verdict[] = ["member", "removed", "absent", "unknown"];

const clusterOf = (value: unknown): NonNullable<Report["cluster"]> => {
  const { hasLeader, you } = fieldsOf(value, "cluster");
  return {
    ...roster(value),
    hasLeader: hasLeader === true,
    you: verdicts.find((verdict) => verdict === you) ?? bad("an unknown verdict"),
  };
};

export function parseReport(value: unknown): Report {
  const { self, size, promised, accepted, cluster, known } = fieldsOf(value, "report");
  return {
    self: parseSeat(self),
    size: count(size, "size"),
    promised: ballot(promised),
    known: list(known, "known", whereabouts),
    ...(accepted !== undefined && { accepted: vote(accepted) }),
    ...(cluster !== undefined && { cluster: clusterOf(cluster) }),
  };
}

export function parseRecord(value: unknown): DiskRecord {
  const { disk, promised, accepted, cluster } = fieldsOf(value, "record");
  return {
    disk: name(disk, "disk"),
    promised: ballot(promised),
    ...(accepted !== undefined && { accepted: vote(accepted) }),
    ...(cluster !== undefined && { cluster: roster(cluster) }),
  };
}
