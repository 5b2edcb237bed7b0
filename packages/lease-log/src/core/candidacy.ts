/** Who may take the Lease. Asked by the election right before its versioned PUT of the same object, so that the answer and the record can't drift apart. */
import type { ArbiterRecord, Candidacy } from "../types.ts";
import { comparePositions } from "./log-shape.ts";
import type { InSyncSet, Report } from "./messages.ts";
import { hasDefect, type Node } from "./node.ts";
import { type DataRecord, formatRecord, isNewer, readRecord } from "./record.ts";
import type { Instant } from "./types.ts";

/** A report is of use for this long; replicas without a primary are asked several times in it. */
const REPORT_MS = 2000;

/** Peers that are up answer within moments: where only their word is missing, it is worth asking again that soon. */
const ANSWER_MS = 100;

/** Does not change the node but for noting its consent. */
export function decideCandidacy(node: Node, observed: ArbiterRecord | undefined, now: number): Candidacy {
  const record = readRecord(observed, node.config.annotation);
  const isLetGo = observed !== undefined && observed.holder === undefined;
  const promisedMs = isLetGo ? 0 : node.promisedUntil - now;
  if (promisedMs > 0) return { abstain: "this replica promised the primary to wait", retryMs: promisedMs };
  const abstain = unfit(node) ?? (record ? unfitFor(node, record, now) : undefined);
  if (abstain !== undefined) return { abstain };
  const answer: Candidacy = record ? { epochAbove: node.meta.epochSeen } : withoutRecord(node, now);
  if (!("abstain" in answer)) node.consent = { epoch: observed?.epoch ?? 0, at: now };
  return answer;
}

function unfit(node: Node): string | undefined {
  if (node.isLeaving) return "this node is stopping";
  if (node.isInstalling) return "a snapshot is being taken in";
  if (node.isForeign) return `the data here is of another cluster (${node.meta.dataId})`;
  return undefined;
}

function unfitFor(node: Node, record: DataRecord, now: number): string | undefined {
  const { meta, config } = node;
  if (isOwnStart(node, record)) return undefined;
  if (meta.dataId === undefined)
    return "this disk is empty, and the record names data: it is copied first. If all disks are lost for good, delete the Lease to start empty";
  if (record.dataId !== meta.dataId)
    return `the data here is of another cluster (${meta.dataId}, the record names ${record.dataId})`;
  if (!meta.isComplete && !hasDefect(node, "lead-incomplete")) return "this disk does not hold all the data yet";
  if (!record.members.includes(config.id) && !hasDefect(node, "promote-anyone"))
    return `not in sync (in sync: ${record.members.join(", ")})`;
  return config.mode === "async" ? fresherOf(node, record.members, now) : undefined;
}

/**
 * This node wrote the record to start an empty cluster, and came no further than to its opening entry: nobody has had anything acknowledged of that data yet,
 * whatever this log may hold.
 */
export function isOwnStart({ meta, config }: Pick<Node, "meta" | "config">, record: DataRecord): boolean {
  const isAlone = record.members.length === 1 && record.members[0] === config.id;
  return meta.dataId === undefined && record.dataId === meta.freshDataId && isAlone;
}

/** In `async` the members differ in what they hold: the one with the most leads. */
function fresherOf(node: Node, members: readonly string[], now: number): string | undefined {
  for (const [id, report] of recentReports(node, now)) {
    if (members.includes(id) && isFresher(report, node)) return `${id} holds more`;
  }
  return undefined;
}

function isFresher(report: Report, node: Node): boolean {
  return (
    report.isComplete && report.dataId === node.meta.dataId && comparePositions(report.last, node.log.lastPosition) > 0
  );
}

/**
 * No record. Either this is the first boot, or the Lease was deleted while there is data.
 *
 * With data here: the newest in-sync set that any reachable member of a known set knows must be reachable as a whole, and the one that holds the most
 * leads. Why that is enough: a primary makes each set durable at home before it writes it into the record, so from any old member a chain of
 * "who could have come after you" leads to the newest set; a gap in the chain shows as a member that does not answer, and then nobody leads.
 */
function withoutRecord(node: Node, now: number): Candidacy {
  const reports = recentReports(node, now);
  const leading = [...reports].find(([, report]) => report.isLeading);
  if (leading) return { abstain: `there is no record, but ${leading[0]} is the primary` };
  return node.meta.dataId === undefined
    ? firstBoot(node, reports, now)
    : recovery(node, recentReports(node, now, node.goneSince));
}

function firstBoot(node: Node, reports: ReadonlyMap<string, Report>, now: number): Candidacy {
  const { config } = node;
  if (node.hasSeenData)
    return { abstain: "the Lease was deleted, and this disk is empty: to start anew, restart all members" };
  const holder = [...reports].find(([, report]) => report.dataId !== undefined);
  if (holder) return { abstain: `this disk is empty, but ${holder[0]} holds data` };
  const silent = node.peers.filter((peer) => peer !== config.id && !reports.has(peer));
  if (silent.length > 0 && now - node.startedAt < config.timing.bootstrapWaitMs) {
    return { abstain: `waiting for ${silent.join(", ")} to say whether they hold data`, retryMs: ANSWER_MS };
  }
  return {
    epochAbove: epochAbove(node, reports),
    annotations: rebuilt(node, node.meta.freshDataId, { epoch: 0, version: 0, members: [config.id] }),
  };
}

function recovery(node: Node, reports: ReadonlyMap<string, Report>): Candidacy {
  const { meta, config } = node;
  if (!meta.isComplete || !meta.inSync)
    return { abstain: "there is no record, and this disk does not hold all the data" };
  const known = newestKnown(node, reports);
  if (!known.members.includes(config.id))
    return { abstain: `there is no record, and last in sync were ${known.members.join(", ")}` };
  for (const member of known.members) {
    if (member === config.id) continue;
    const report = reports.get(member);
    if (!report)
      return { abstain: `there is no record, and ${member}, which was in sync, does not answer`, retryMs: ANSWER_MS };
    if (report.dataId !== meta.dataId || !report.isComplete)
      return { abstain: `there is no record, and ${member}, which was in sync, has lost its data` };
    if (isFresher(report, node)) return { abstain: `there is no record, and ${member} holds more` };
  }
  return {
    epochAbove: epochAbove(node, reports),
    annotations: rebuilt(node, meta.dataId ?? meta.freshDataId, known),
  };
}

/** Same data only; of equally new sets the union, as one of them may be the other's change under way. */
function newestKnown(node: Node, reports: ReadonlyMap<string, Report>): InSyncSet {
  let newest = node.meta.inSync as InSyncSet;
  for (const { dataId, inSync } of reports.values()) {
    if (!inSync || dataId !== node.meta.dataId || isNewer(newest, inSync)) continue;
    newest = isNewer(inSync, newest)
      ? inSync
      : { ...newest, members: [...new Set([...newest.members, ...inSync.members])] };
  }
  return newest;
}

function rebuilt(node: Node, dataId: string, set: InSyncSet): Record<string, string> {
  return { [node.config.annotation]: formatRecord(dataId, node.config.mode, set) };
}

function epochAbove(node: Node, reports: ReadonlyMap<string, Report>): number {
  return Math.max(node.meta.epochSeen, ...[...reports.values()].map((report) => report.epochSeen));
}

/** Those too old to count go with the next that comes: nothing is kept of members that left. */
export function noteReport({ node, at }: ReportStep, from: string, report: Report): void {
  for (const [id, { at: heardAt }] of node.reports) if (at.now - heardAt > REPORT_MS) node.reports.delete(id);
  node.reports.set(from, { report, at: at.now });
}

interface ReportStep {
  readonly node: Pick<Node, "reports">;
  readonly at: Pick<Instant, "now">;
}

function recentReports(node: Node, now: number, since = -Infinity): Map<string, Report> {
  const recent = new Map<string, Report>();
  for (const [id, { report, at }] of node.reports) if (at >= since && now - at <= REPORT_MS) recent.set(id, report);
  return recent;
}
