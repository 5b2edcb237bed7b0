/** The record: what the Lease's annotation says about the data. */
import type { ArbiterRecord, ReplicationMode } from "../types.ts";
import type { InSyncSet } from "./messages.ts";

export interface DataRecord extends InSyncSet {
  /** Made up once, when a cluster first starts. */
  readonly dataId: string;
}

export function formatRecord(dataId: string, mode: ReplicationMode, set: InSyncSet): string {
  return JSON.stringify({ dataId, mode, epoch: set.epoch, version: set.version, members: [...set.members].sort() });
}

/** Undefined when there is none, or when it makes no sense: then the rule for a lost record holds. */
export function readRecord(record: ArbiterRecord | undefined, annotation: string): DataRecord | undefined {
  const text = record?.annotations[annotation];
  if (text === undefined) return undefined;
  try {
    const { dataId, epoch, version, members } = JSON.parse(text) as Record<string, unknown>;
    if (typeof dataId !== "string" || !Number.isInteger(epoch) || !Number.isInteger(version)) return undefined;
    if (!Array.isArray(members) || !members.every((member) => typeof member === "string")) return undefined;
    return { dataId, epoch: epoch as number, version: version as number, members };
  } catch {
    return undefined;
  }
}

export function isNewer(a: InSyncSet, b: InSyncSet | undefined): boolean {
  return b === undefined || a.epoch > b.epoch || (a.epoch === b.epoch && a.version > b.version);
}
