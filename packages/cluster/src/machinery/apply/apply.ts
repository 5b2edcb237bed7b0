/**
 * Server-side apply: the author says which fields it wants and owns exactly those. What it named last time and names no longer goes, unless
 * somebody else owns it too. Changing a field of somebody else is a conflict unless forced.
 */
import { dropNulls, isObject, type JsonObject } from "../json.ts";
import { apiVersionOf, type ResourceRow } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { timestamp } from "../write/metadata.ts";
import { badRequest } from "../write/refusals.ts";
import { differenceOf, fieldsOf } from "./compare.ts";
import { refuseConflicts } from "./conflicts.ts";
import { subtract, union } from "./fields.ts";
import { entriesOf, fieldsOwnedBy, isSameOwner, ownerOf, takeFromOthers, withFields } from "./managers.ts";
import { mergeConfig, prune } from "./merge.ts";
import { ownable } from "./ownable.ts";
import { setEntries } from "./track.ts";

export interface ApplyOptions {
  readonly manager: string;
  readonly force: boolean;
  readonly subresource: string | undefined;
  readonly now: number;
}

/** Checks the form of a configuration and cleans it. Throws BadRequest. */
export function readConfig(row: ResourceRow, body: unknown): ApiObject {
  if (!isObject(body)) throw badRequest("an applied configuration is an object");
  const config = body as ApiObject;
  if (!config.apiVersion || !config.kind)
    throw badRequest("invalid object type: /, Kind=: apiVersion and kind must be set in an applied configuration");
  if (config.metadata?.managedFields) throw badRequest("metadata.managedFields must be nil");
  if (!row.isCustom) dropNulls(config);
  return config;
}

/** A fresh draft: `live` (undefined for an object that is not there yet) with the configuration applied. Throws Conflict or BadRequest. */
export function applyConfig(
  row: ResourceRow,
  live: ApiObject | undefined,
  config: ApiObject,
  options: ApplyOptions,
): ApiObject {
  const { manager, force, subresource, now } = options;
  const shape = row.shape;
  const owner = ownerOf(manager, "Apply", apiVersionOf(row), subresource);
  const entries = entriesOf(live);
  const applied = fieldsOf(ownable(row, config, subresource), shape);
  const merged = mergeConfig(live ?? {}, config, shape) as JsonObject;
  const others = entries.filter((entry) => !isSameOwner(entry, owner));
  const kept = others.reduce((sum, entry) => union(sum, entry.fields), applied);
  prune(merged, subtract(fieldsOwnedBy(entries, owner), applied), kept, shape);
  const before = live ? ownable(row, live, subresource) : {};
  const { added, modified, removed } = differenceOf(before, ownable(row, merged as ApiObject, subresource), shape);
  if (!force) refuseConflicts(entries, owner, union(added, modified));
  const left = takeFromOthers(entries, owner, union(union(added, modified), removed));
  const draft = merged as ApiObject;
  setEntries(draft, withFields(left, owner, applied, timestamp(now)));
  return draft;
}
