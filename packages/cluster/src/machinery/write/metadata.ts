/** The fields of metadata that the server keeps for itself. */
import { randomUUID } from "node:crypto";
import { jsonEqual } from "../json.ts";
import { generateName } from "../names.ts";
import type { ResourceRow } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import type { Draft } from "./identity.ts";

/** RFC 3339 in whole seconds, as `metav1.Time` is written. */
export const timestamp = (now: number): string => `${new Date(now).toISOString().slice(0, 19)}Z`;

/** Metadata of a new object: nothing that only the server may say survives from the body. */
export function beginMetadata(row: ResourceRow, draft: Draft, now: number): void {
  const { metadata } = draft;
  if (!metadata.name && metadata.generateName) metadata.name = generateName(metadata.generateName);
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp(now);
  delete metadata.resourceVersion;
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  if (row.strategy.hasGeneration) metadata.generation = 1;
  else delete metadata.generation;
  dropEmpty(metadata);
}

const serverFields = [
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generateName",
  "generation",
  "resourceVersion",
] as const;

/** Metadata of a replaced object: the server's fields come from the old one. */
export function carryMetadata(draft: Draft, old: ApiObject): void {
  const { metadata } = draft as { metadata: Record<string, unknown> };
  for (const field of serverFields) {
    const value = old.metadata?.[field];
    if (value === undefined) delete metadata[field];
    else metadata[field] = value;
  }
  delete metadata.selfLink;
  dropEmpty(metadata);
}

/** Kubernetes omits empty maps and lists of metadata. */
function dropEmpty(metadata: object): void {
  for (const [field, value] of Object.entries(metadata)) {
    const isEmpty = value === null || (typeof value === "object" && Object.keys(value as object).length === 0);
    if (isEmpty) delete (metadata as Record<string, unknown>)[field];
  }
}

/** Whether anything but metadata and status differs: what a generation counts. */
export function differsInSpec(a: ApiObject, b: ApiObject): boolean {
  const { metadata: _m, status: _s, ...restOfA } = a;
  const { metadata: _n, status: _t, ...restOfB } = b;
  return !jsonEqual(restOfA, restOfB);
}
