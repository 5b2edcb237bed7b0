/** Asks around until this pod has its seat: the driver of `formation` and `returning`. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@coracle/pod";
import { WhitewaterError } from "../errors.ts";
import type { AddressBook } from "./address-book.ts";
import { nextStep } from "./formation.ts";
import { judgeReturn } from "./returning.ts";
import type { Standing } from "./standing.ts";
import { type Ask, askOf, type Question, type Report, type Roster, type Seat } from "./types.ts";

const PAUSE_MS = 100;
const MAX_PAUSE_MS = 1000;
const MAX_FIRST_ANSWER_MS = 2000;

export interface SettleOptions {
  readonly standing: Standing;
  readonly book: AddressBook;
  readonly size: number;
  /** Names of the pods that form the first cluster. */
  readonly first: readonly string[];
  /** Names of all other pods that must answer before a first cluster is formed. */
  readonly others: () => readonly string[];
  /** Rejects when nobody answers there in time. */
  readonly ask: (address: string, question: Question, signal: AbortSignal) => Promise<Report>;
  readonly clusterIdOf: (seats: readonly Seat[]) => string;
  /** Removes the log and the data of a member that its cluster has removed. */
  readonly empty: () => Promise<void>;
  readonly logger: Logger;
  /** Told why nothing goes on, for the readiness probe. */
  readonly waits: (reason: string) => void;
}

/** Resolves with the cluster's first roster once this disk belongs to it. Rejects with `wrong-cluster` when the peers have formed another one. */
export async function settle(options: SettleOptions, signal: AbortSignal): Promise<Roster> {
  const { standing } = options;
  await comeBack(options, signal);
  let ask: Ask = { kind: "standing" };
  let waits = "";
  for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS)) {
    const record = standing.record;
    const reports = await round(options, ask, signal);
    if (standing.record.cluster) return standing.record.cluster;
    const { size, first, clusterIdOf } = options;
    const view = { self: standing.seat, record: standing.record, asked: { ask, record }, size, first, clusterIdOf };
    const step = nextStep({ ...view, others: options.others(), reports });
    const isRepeated = ask.kind === "join";
    ask = step.kind === "ask" ? step.ask : { kind: "standing" };
    if (step.kind === "sit") await standing.sit(step.roster);
    if (step.kind === "renew") await standing.renew();
    const reason = reasonOf(step.kind === "wait" ? step.reason : step.kind === "ask" ? step.ask.kind : step.kind);
    if (reason !== waits) options.logger.info("no seat yet", { step: reason });
    waits = reason;
    options.waits(reason);
    // Whoever is asked to promise, accept or form is waited for by the others.
    if (step.kind === "wait" || (isRepeated && ask.kind === "join")) await delay(pauseMs, undefined, { signal });
  }
}

const reasonOf = (step: string): string =>
  ({
    join: "asks the cluster for a seat",
    prepare: "proposes a cluster",
    accept: "proposes a cluster",
    renew: "takes a new id",
  })[step] ?? step;

/** A disk that belongs to a cluster: is it still wanted there? */
async function comeBack(options: SettleOptions, signal: AbortSignal): Promise<void> {
  const { standing, logger } = options;
  const { cluster } = standing.record;
  if (!cluster) return;
  await somebodyToAsk(options, signal);
  if (!(await isRemoved(options, signal))) return;
  logger.warn("the cluster has removed this member; its disk is emptied, and joins as a new one", { ...standing.seat });
  await options.empty();
  await standing.renew();
}

/** Whether the cluster says that this disk is no member of it any more. Rejects with `wrong-cluster` when the peers have formed another one. */
export async function isRemoved(options: SettleOptions, signal: AbortSignal): Promise<boolean> {
  const { standing } = options;
  const { cluster } = standing.record;
  if (!cluster) return false;
  const reports = await round(options, { kind: "standing" }, signal);
  reports.delete(standing.seat.name);
  const judgement = judgeReturn(cluster, [...reports.values()]);
  if (judgement.kind === "refuse") throw new WhitewaterError("wrong-cluster", judgement.reason);
  return judgement.kind === "rejoin";
}

/** Discovery needs a moment for its first answer; without any, the members may be starting all at once, as this one does. */
async function somebodyToAsk({ book }: SettleOptions, signal: AbortSignal): Promise<void> {
  for (let left = MAX_FIRST_ANSWER_MS / PAUSE_MS; left > 0 && book.contacts().length === 0; left--)
    await delay(PAUSE_MS, undefined, { signal });
}

/** One question to everybody at the same time, itself included. Who does not answer is not in the result. */
async function round(options: SettleOptions, ask: Ask, signal: AbortSignal): Promise<Map<string, Report>> {
  const { standing, book, first } = options;
  const reports = new Map<string, Report>();
  const names = new Map(first.flatMap((name) => book.addressesOf(name).map((address) => [address, name])));
  const askOne = async (address: string): Promise<void> => {
    // Who an address belongs to is known for sure only by the answer; promises go to those only that are known.
    const question = { from: standing.seat, ask: askOf(names.get(address) ?? "", ask, first) };
    const report = await options.ask(address, question, signal).catch(() => undefined);
    if (!report) return;
    reports.set(report.self.name, report);
    book.hear(report.self);
    for (const whereabouts of report.known) book.hearsay(whereabouts);
  };
  await standing.ask(askOf(standing.seat.name, ask, first));
  await Promise.all(book.contacts().map(askOne));
  reports.set(standing.seat.name, await standing.report(standing.seat.id));
  return reports;
}
