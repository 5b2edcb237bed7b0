/** `matchConditions`: expressions that all have to hold for a webhook or a policy to be asked. */
import { loadCel } from "../cel/load.ts";
import { items } from "../defaults/fill.ts";
import { StatusError } from "../errors.ts";
import type { ApiObject } from "../types.ts";
import { type Attributes, requestOf } from "./attributes.ts";

/** The variables of expressions about a write. */
export const variablesOf = (about: Attributes, params?: ApiObject): Readonly<Record<string, unknown>> => ({
  object: about.object ?? null,
  oldObject: about.old ?? null,
  request: requestOf(about, ""),
  namespaceObject: about.holder ?? null,
  params: params ?? null,
});

/** A condition that can't be worked out refuses the write, unless failures are to be ignored. */
export async function holdsAll(owner: ApiObject, about: Attributes, params?: ApiObject): Promise<boolean> {
  const conditions = items(owner.matchConditions);
  if (conditions.length === 0) return true;
  const { evaluate } = await loadCel();
  const variables = variablesOf(about, params);
  try {
    return conditions.every(({ expression }) => evaluate(expression, variables) === true);
  } catch (error) {
    if (owner.failurePolicy === "Ignore") return false;
    const why = (error as Error).message;
    throw new StatusError("Forbidden", `matchConditions of ${JSON.stringify(owner.name ?? "")} failed: ${why}`);
  }
}
