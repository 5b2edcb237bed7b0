/** The entries of `metadata.managedFields`: who owns which fields. Entries are never changed, only replaced. */
import type { ManagedFieldsEntry } from "kubernetes-types/meta/v1.js";
import { jsonEqual } from "../json.ts";
import type { ApiObject } from "../types.ts";
import { type Fields, isEmptySet, isFields, noFields, subtract, union } from "./fields.ts";

export type Operation = "Apply" | "Update";

export interface Owner {
  readonly manager: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  readonly subresource?: string;
}

export interface Entry extends Owner {
  readonly time?: string;
  readonly fields: Fields;
}

/** More managers than these that only update are folded into one, so that the list is bounded. */
const maxUpdaters = 10;
const foldedManager = "ancient-changes";
const maxManagerLength = 128;

/** The readable entries of an object; what is malformed counts as nobody's. */
export function entriesOf(object: ApiObject | undefined): readonly Entry[] {
  const entries = object?.metadata?.managedFields;
  return Array.isArray(entries) ? entries.flatMap(decode) : [];
}

function decode(entry: ManagedFieldsEntry): Entry[] {
  const { manager = "unknown", operation, apiVersion = "", subresource, time, fieldsV1 } = entry;
  if ((operation !== "Apply" && operation !== "Update") || !isFields(fieldsV1)) return [];
  const owner = { manager, operation, apiVersion, ...(subresource && { subresource }) } as const;
  return [{ ...owner, ...(time && { time }), fields: fieldsV1 }];
}

export const encode = ({ fields, manager, operation, apiVersion, time, subresource }: Entry): ManagedFieldsEntry => ({
  manager,
  operation,
  apiVersion,
  ...(time && { time }),
  fieldsType: "FieldsV1",
  fieldsV1: fields as object,
  ...(subresource && { subresource }),
});

export const ownerOf = (
  manager: string | undefined,
  operation: Operation,
  apiVersion: string,
  subresource: string | undefined,
): Owner => ({
  manager: (manager ?? "unknown").slice(0, maxManagerLength),
  operation,
  apiVersion,
  ...(subresource && { subresource }),
});

export const isSameOwner = (a: Owner, b: Owner): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  a.apiVersion === b.apiVersion &&
  a.subresource === b.subresource;

/** The owner's fields; none when it has no entry. */
export const fieldsOwnedBy = (entries: readonly Entry[], owner: Owner): Fields =>
  entries.find((entry) => isSameOwner(entry, owner))?.fields ?? noFields;

/** Gives the owner exactly these fields; its time moves only when they change. */
export function withFields(entries: readonly Entry[], owner: Owner, fields: Fields, time: string): readonly Entry[] {
  const old = entries.find((entry) => isSameOwner(entry, owner));
  const others = entries.filter((entry) => entry !== old);
  if (isEmptySet(fields)) return others;
  if (old && jsonEqual(old.fields, fields)) return entries;
  return foldUpdaters([...others, { ...owner, time, fields }]);
}

/** Takes fields away from everybody but the owner. */
export function takeFromOthers(entries: readonly Entry[], owner: Owner, fields: Fields): readonly Entry[] {
  if (isEmptySet(fields)) return entries;
  return entries
    .map((entry) => (isSameOwner(entry, owner) ? entry : { ...entry, fields: subtract(entry.fields, fields) }))
    .filter((entry) => !isEmptySet(entry.fields));
}

function foldUpdaters(entries: readonly Entry[]): readonly Entry[] {
  const updaters = entries.filter(({ operation, subresource }) => operation === "Update" && !subresource);
  const spent = updaters.slice(0, Math.max(0, updaters.length - maxUpdaters));
  const [first] = spent;
  if (!first) return entries;
  const fields = spent.reduce((sum, entry) => union(sum, entry.fields), noFields);
  return [{ ...first, manager: foldedManager, fields }, ...entries.filter((entry) => !spent.includes(entry))];
}
