import { DecodeError } from "../errors.ts";
import { canonicalQuantity, isQuantity, quantityPattern } from "../quantity.ts";
import type { ApiObject } from "../types.ts";

/** Sets what is not set. Values that are objects must be fresh ones: they become part of the target. */
export function fill(target: ApiObject, defaults: Readonly<Record<string, unknown>>): ApiObject {
  for (const key in defaults) if (target[key] === undefined) target[key] = defaults[key];
  return target;
}

/** The items of a list that may be absent or, before validation, no list at all. */
export const items = (list: unknown): ApiObject[] =>
  Array.isArray(list) ? list.filter((item) => typeof item === "object" && item !== null) : [];

/** Quantities as Kubernetes stores them: `1000m` becomes `1`. Throws DecodeError. */
export function canonicalQuantities(amounts: ApiObject | undefined): void {
  for (const name in amounts) {
    const amount = amounts[name];
    if (!isQuantity(amount)) throw new DecodeError(`quantities must match the regular expression '${quantityPattern}'`);
    amounts[name] = canonicalQuantity(amount);
  }
}
