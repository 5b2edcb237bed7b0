import { isObject, jsonClone } from "../json.ts";
import type { ResourceRow } from "../resources/row.ts";
import type { PatchType } from "../store.ts";
import type { ApiObject, Stored } from "../types.ts";
import { goFormat } from "./go-format.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { badPatch, unsupportedPatch } from "./refusals.ts";
import { applyStrategicPatch } from "./strategic.ts";

/** The three patches that only need the object; server-side apply needs its owners too and lives in `apply/`. */
export type PlainPatchType = Exclude<PatchType, "apply">;

const appliers: Readonly<Record<PlainPatchType, (copy: ApiObject, body: unknown, row: ResourceRow) => unknown>> = {
  json: applyJsonPatch,
  merge: applyMergePatch,
  strategic: (copy, body, row) => {
    if (row.isCustom) throw unsupportedPatch();
    return applyStrategicPatch(copy, body, row.shape);
  },
};

/** How Kubernetes quotes a patch whose result it can't read. */
export const quotePatch =
  (type: PlainPatchType, body: unknown) =>
  (patched: ApiObject): string =>
    type === "strategic" ? goFormat(body) : JSON.stringify(patched);

/** The patched object, a fresh one. Throws BadRequest, Invalid or UnsupportedMediaType. */
export function patched(row: ResourceRow, old: Stored<ApiObject>, type: PlainPatchType, body: unknown): ApiObject {
  const result = appliers[type](jsonClone<ApiObject>(old), body, row);
  if (!isObject(result)) throw badPatch("the patched document is not an object");
  return result as ApiObject;
}
