/** Ownership after an ordinary write: who writes a field owns it, whoever owned it before. */
import { apiVersionOf, type ResourceRow } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { timestamp } from "../write/metadata.ts";
import { differenceOf } from "./compare.ts";
import { subtract, union } from "./fields.ts";
import { type Entry, encode, entriesOf, fieldsOwnedBy, ownerOf, takeFromOthers, withFields } from "./managers.ts";
import { ownable } from "./ownable.ts";

export interface Author {
  readonly manager: string | undefined;
  readonly subresource: string | undefined;
  readonly now: number;
}

/** Sets the draft's managedFields from the difference to `old`. */
export function trackUpdate(row: ResourceRow, old: ApiObject | undefined, draft: ApiObject, author: Author): void {
  const { manager, subresource, now } = author;
  const { added, modified, removed } = differenceOf(
    old ? ownable(row, old, subresource) : {},
    ownable(row, draft, subresource),
    row.shape,
  );
  const owner = ownerOf(manager, "Update", apiVersionOf(row), subresource);
  const before = startingEntries(old, draft);
  const written = union(added, modified);
  const own = subtract(union(fieldsOwnedBy(before, owner), written), removed);
  const others = takeFromOthers(before, owner, union(modified, removed));
  setEntries(draft, withFields(others, owner, own, timestamp(now)));
}

/** A writer may send ownership of its own making (kubectl does, to hand fields over); `[{}]` asks to forget it all. */
function startingEntries(old: ApiObject | undefined, draft: ApiObject): readonly Entry[] {
  const sent = draft.metadata?.managedFields;
  const isReset = sent?.length === 1 && Object.keys(sent[0]!).length === 0;
  if (isReset) return [];
  const entries = entriesOf(draft);
  return entries.length > 0 ? entries : entriesOf(old);
}

export function setEntries(draft: ApiObject, entries: readonly Entry[]): void {
  draft.metadata ??= {};
  if (entries.length > 0) draft.metadata.managedFields = entries.map(encode);
  else delete draft.metadata.managedFields;
}
