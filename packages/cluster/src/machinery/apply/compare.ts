/** Objects to sets of fields: which fields a value has, and in which two values differ. */
import { isObject, type JsonObject, jsonEqual } from "../json.ts";
import { fieldOf, type ListShape, type Shape } from "../shape/shape.ts";
import { fieldElement, isAssociative, itemElement, itemsByElement } from "./elements.ts";
import { type Fields, node, noFields } from "./fields.ts";

/** What a write did to an object. */
export interface Difference {
  readonly added: Fields;
  readonly modified: Fields;
  readonly removed: Fields;
}

/** The fields that an applied configuration names. Maps themselves are not named by what is in them; list items are. */
export const fieldsOf = (value: unknown, shape: Shape): Fields => describe(value, shape, false);

/** Parts that every object of a kind has, so that no write adds them. */
const structs = new Set(["metadata", "spec", "status", "template", "strategy", "updateStrategy", "jobTemplate"]);

function describe(value: unknown, shape: Shape, namesMaps: boolean): Fields {
  const children: Record<string, Fields> = {};
  if (isObject(value) && !shape.isAtomic)
    for (const key in value)
      if (value[key] !== undefined)
        children[fieldElement(key)] = describeField(value[key], fieldOf(shape, key), key, namesMaps);
  if (Array.isArray(value) && isAssociative(shape.list)) describeItems(value, shape.list, children, namesMaps);
  return node(namesMaps, children) ?? noFields;
}

function describeField(value: unknown, shape: Shape, key: string, namesMaps: boolean): Fields {
  if (!namesMaps || !structs.has(key) || !isObject(value)) return describe(value, shape, namesMaps);
  const { ".": _, ...rest } = describe(value, shape, true);
  return rest;
}

function describeItems(
  items: readonly unknown[],
  list: ListShape,
  children: Record<string, Fields>,
  namesMaps: boolean,
): void {
  for (const item of items) {
    const { ".": _, ...inner } = list.isSet ? noFields : describe(item, list.item ?? {}, namesMaps);
    children[itemElement(list, item)] = node(true, inner) as Fields;
  }
}

/** A node's part of the difference, before empty parts are dropped. */
interface Parts {
  added?: Fields;
  modified?: Fields;
  removed?: Fields;
}

export function differenceOf(before: JsonObject, after: JsonObject, shape: Shape): Difference {
  const { added = noFields, modified = noFields, removed = noFields } = compareMaps(before, after, shape);
  return { added, modified, removed };
}

function compareValues(before: unknown, after: unknown, shape: Shape, key = ""): Parts {
  if (before === after) return {};
  if (before === undefined) return { added: describeField(after, shape, key, true) };
  if (after === undefined) return { removed: describeField(before, shape, key, true) };
  if (isObject(before) && isObject(after) && !shape.isAtomic) return compareMaps(before, after, shape);
  if (Array.isArray(before) && Array.isArray(after) && isAssociative(shape.list))
    return compareLists(before, after, shape.list);
  return jsonEqual(before, after) ? {} : { modified: noFields };
}

function compareMaps(before: JsonObject, after: JsonObject, shape: Shape): Parts {
  const collector = new Collector();
  for (const key in before)
    collector.add(fieldElement(key), compareValues(before[key], after[key], fieldOf(shape, key), key));
  for (const key in after)
    if (!Object.hasOwn(before, key))
      collector.add(fieldElement(key), compareValues(undefined, after[key], fieldOf(shape, key), key));
  return collector.parts;
}

function compareLists(before: readonly unknown[], after: readonly unknown[], list: ListShape): Parts {
  const [old, next] = [itemsByElement(list, before), itemsByElement(list, after)];
  const collector = new Collector();
  for (const element of new Set([...old.keys(), ...next.keys()]))
    collector.add(element, compareValues(old.get(element), next.get(element), list.item ?? {}));
  return collector.parts;
}

/** Gathers the children's parts below one node. */
class Collector {
  readonly parts: { [part in keyof Parts]: Record<string, Fields> } = {};

  add(element: string, child: Parts): void {
    for (const part of ["added", "modified", "removed"] as const) {
      const fields = child[part];
      if (!fields) continue;
      const gathered = this.parts[part] ?? {};
      gathered[element] = fields;
      this.parts[part] = gathered;
    }
  }
}
