/** What tells the items of a list apart, as path elements. */
import { isObject } from "../json.ts";
import type { ListShape } from "../shape/shape.ts";
import { badRequest } from "../write/refusals.ts";

export const fieldElement = (name: string): string => `f:${name}`;

/** Values that a key has when an item does not name it. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: "TCP" };

/** The element of a list's item. Throws BadRequest for an item without its key. */
export function itemElement({ keys, isSet }: ListShape, item: unknown): string {
  if (isSet || !keys) return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) throw badRequest(`an item of a list that is keyed by ${keys.join(", ")} is not an object`);
  const entries = [...keys].sort().map((key) => {
    const value = item[key] ?? keyDefaults[key];
    if (value === undefined)
      throw badRequest(
        `associative list with keys has an element that omits key field ${JSON.stringify(key)} (and doesn't have default value)`,
      );
    return [key, value];
  });
  return `k:${JSON.stringify(Object.fromEntries(entries))}`;
}

/** Whether the list's items have owners of their own. */
export const isAssociative = (list: ListShape | undefined): list is ListShape =>
  list?.isSet === true || list?.keys !== undefined;

/** The items by element. */
export const itemsByElement = (list: ListShape, items: readonly unknown[]): Map<string, unknown> =>
  new Map(items.map((item) => [itemElement(list, item), item]));
