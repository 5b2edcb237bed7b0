import { StatusError } from "../errors.ts";
import { type Fields, formatPath, intersect, isEmptySet, membersOf } from "./fields.ts";
import { type Entry, isSameOwner, type Owner } from "./managers.ts";

interface Conflict {
  readonly manager: string;
  readonly path: string;
}

/** Applying managers go by name alone; the others say with which version they wrote. */
function describe({ manager, operation, apiVersion, subresource }: Owner): string {
  const name = JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : "");
  return operation === "Apply" ? name : `${name} using ${apiVersion}`;
}

/** Throws Conflict when the changed fields belong to others. */
export function refuseConflicts(entries: readonly Entry[], owner: Owner, changed: Fields): void {
  const conflicts = entries
    .filter((entry) => !isSameOwner(entry, owner))
    .flatMap((entry) => conflictsWith(entry, changed));
  if (conflicts.length === 0) return;
  const causes = conflicts.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${manager}`,
    field: path,
  }));
  throw new StatusError("Conflict", message(conflicts), { causes });
}

function conflictsWith(entry: Entry, changed: Fields): Conflict[] {
  const shared = intersect(entry.fields, changed);
  if (isEmptySet(shared)) return [];
  return [...membersOf(shared)].map((path) => ({ manager: describe(entry), path: formatPath(path) }));
}

function message(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (only && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${only.manager}: ${only.path}`;
  const managers = [...new Set(conflicts.map(({ manager }) => manager))].sort();
  const lines = managers.flatMap((manager) => [
    `conflicts with ${manager}:`,
    ...conflicts.filter((conflict) => conflict.manager === manager).map(({ path }) => `- ${path}`),
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}
