/** The value half of server-side apply: puts a configuration into an object, takes out what its author no longer names. */
import { isObject, type JsonObject, jsonClone, setOwn } from "../json.ts";
import { interleave } from "../shape/interleave.ts";
import { fieldOf, type ListShape, type Shape } from "../shape/shape.ts";
import { fieldElement, isAssociative, itemElement, itemsByElement } from "./elements.ts";
import { elements, type Fields, isMember } from "./fields.ts";

/** A fresh value: `live` with all that `config` names. */
export function mergeConfig(live: unknown, config: unknown, shape: Shape): unknown {
  if (isObject(config) && isObject(live) && !shape.isAtomic) return mergeMaps(live, config, shape);
  if (Array.isArray(config) && Array.isArray(live) && isAssociative(shape.list))
    return mergeLists(live, config, shape.list);
  return jsonClone(config);
}

function mergeMaps(live: JsonObject, config: JsonObject, shape: Shape): JsonObject {
  const result = jsonClone(live);
  for (const key of Object.keys(config)) setOwn(result, key, mergeConfig(live[key], config[key], fieldOf(shape, key)));
  return result;
}

/** The configuration's order holds; items that it does not name keep their place among the others. */
function mergeLists(live: readonly unknown[], config: readonly unknown[], list: ListShape): unknown[] {
  const present = itemsByElement(list, live);
  const places = new Map([...present.keys()].map((element, index) => [element, index]));
  const named = new Set(config.map((item) => itemElement(list, item)));
  const place = (item: unknown) => places.get(itemElement(list, item)) ?? live.length;
  const merged = config.map((item) => mergeConfig(present.get(itemElement(list, item)), item, list.item ?? {}));
  const others = live.filter((item) => !named.has(itemElement(list, item)));
  return interleave(jsonClone(others), merged, place);
}

/** Takes `gone` out of `value` in place, but nothing in which somebody else has a part (`kept`). What becomes empty goes too. */
export function prune(value: unknown, gone: Fields, kept: Fields | undefined, shape: Shape): unknown {
  if (Array.isArray(value)) return isAssociative(shape.list) ? pruneList(value, gone, kept, shape.list) : value;
  if (!isObject(value)) return value;
  for (const key of Object.keys(value)) {
    const rest = pruneChild(value[key], fieldElement(key), gone, kept, fieldOf(shape, key));
    if (rest === undefined) delete value[key];
    else value[key] = rest;
  }
  return value;
}

function pruneList(items: readonly unknown[], gone: Fields, kept: Fields | undefined, list: ListShape): unknown[] {
  const shape = list.item ?? {};
  return items
    .map((item) => pruneChild(item, itemElement(list, item), gone, kept, shape))
    .filter((item) => item !== undefined);
}

/** Undefined when the child goes. */
function pruneChild(child: unknown, element: string, gone: Fields, kept: Fields | undefined, shape: Shape): unknown {
  const fields = Object.hasOwn(gone, element) ? gone[element] : undefined;
  if (!fields) return child;
  const held = kept && Object.hasOwn(kept, element) ? kept[element] : undefined;
  if (isMember(fields) && !held) return undefined;
  if (elements(fields).length === 0) return child;
  const rest = prune(child, fields, held, shape);
  return isEmpty(rest) && !held ? undefined : rest;
}

const isEmpty = (value: unknown) =>
  (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);
