/**
 * Strategic merge patch: a merge patch that knows which lists are keyed, with directives inside the patch. See "Update API Objects in
 * Place Using kubectl patch" and the design document "Strategic merge patch" of Kubernetes.
 */
import { isObject, type JsonObject, jsonClone, jsonEqual, setOwn } from "../json.ts";
import { interleave } from "../shape/interleave.ts";
import { fieldOf, type ListShape, type Shape } from "../shape/shape.ts";
import { badPatch } from "./refusals.ts";

const directive = "$patch";
const retainKeys = "$retainKeys";
const deletePrefix = "$deleteFromPrimitiveList/";
const orderPrefix = "$setElementOrder/";

/** Merges `patch` into `target` in place; returns it, or what replaced it. Throws BadRequest for directives that make no sense. */
export function applyStrategicPatch(target: JsonObject, patch: unknown, shape: Shape): JsonObject {
  if (!isObject(patch)) throw badPatch("a strategic merge patch is an object");
  return mergeMap(target, patch, shape);
}

function mergeMap(target: JsonObject, patch: JsonObject, shape: Shape): JsonObject {
  const action = patch[directive];
  if (action === "delete") return {};
  if (action === "replace") return mergeMap({}, without(patch, directive), shape);
  if (action !== undefined && action !== "merge")
    throw badPatch(`Unknown patch type: ${JSON.stringify(action)} found in a map`);
  retain(target, patch[retainKeys]);
  for (const key of Object.keys(patch)) {
    if (key.startsWith(deletePrefix)) removeValues(target, key.slice(deletePrefix.length), patch[key]);
    else if (!key.startsWith("$")) mergeField(target, key, patch[key], fieldOf(shape, key));
  }
  for (const key of Object.keys(patch))
    if (key.startsWith(orderPrefix)) reorder(target, key.slice(orderPrefix.length), patch, shape);
  return target;
}

function mergeField(target: JsonObject, key: string, value: unknown, shape: Shape): void {
  if (value === null) {
    delete target[key];
    return;
  }
  const old = Object.hasOwn(target, key) ? target[key] : undefined;
  setOwn(target, key, mergeValue(old, value, shape));
}

function mergeValue(old: unknown, value: unknown, shape: Shape): unknown {
  if (isObject(value)) return mergeMap(isObject(old) ? old : {}, value, shape);
  if (!Array.isArray(value)) return value;
  const { list } = shape;
  const present = Array.isArray(old) ? old : [];
  if (list?.mergeKey) return mergeItems(present, value, list.mergeKey, list);
  if (list?.isSet) return [...present, ...value.filter((item) => !contains(present, item))];
  return withoutDirectives(value);
}

/** A replaced list may still carry the directive that says so. */
const withoutDirectives = (list: readonly unknown[]) =>
  jsonClone(
    list.filter((item) => !(isObject(item) && item[directive] === "replace" && Object.keys(item).length === 1)),
  );

const contains = (list: readonly unknown[], value: unknown) => list.some((item) => jsonEqual(item, value));

function mergeItems(present: readonly unknown[], patch: readonly unknown[], key: string, list: ListShape): unknown[] {
  const changes = patch.map((item) => requireObject(item, key));
  const isReplacement = changes.some((item) => item[directive] === "replace");
  const result = isReplacement ? [] : [...present];
  for (const change of changes) {
    if (change[directive] === "replace" && change[key] === undefined) continue;
    mergeItem(result, change, key, list.item ?? {});
  }
  return result;
}

function requireObject(item: unknown, key: string): JsonObject {
  if (!isObject(item)) throw badPatch(`an item of a list that is merged by ${key} is not an object`);
  return item;
}

function mergeItem(list: unknown[], change: JsonObject, key: string, shape: Shape): void {
  const wanted = change[key];
  if (wanted === undefined)
    throw badPatch(`map: ${JSON.stringify(change)} does not contain declared merge key: ${key}`);
  const index = list.findIndex((item) => isObject(item) && item[key] === wanted);
  if (change[directive] === "delete") {
    if (index >= 0) list.splice(index, 1);
    return;
  }
  const old = index < 0 ? {} : (list[index] as JsonObject);
  list[index < 0 ? list.length : index] = mergeMap(old, without(change, directive), shape);
}

function without(map: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = map;
  return rest;
}

/** Clears what a union no longer has. */
function retain(target: JsonObject, kept: unknown): void {
  if (kept === undefined) return;
  if (!Array.isArray(kept)) throw badPatch(`${retainKeys} is not a list`);
  for (const key of Object.keys(target)) if (!kept.includes(key)) delete target[key];
}

function removeValues(target: JsonObject, field: string, values: unknown): void {
  const list = target[field];
  if (Array.isArray(list) && Array.isArray(values)) target[field] = list.filter((item) => !contains(values, item));
}

/** Puts the items that the patch's author knows into their order; the others keep their place among them. */
function reorder(target: JsonObject, field: string, patch: JsonObject, shape: Shape): void {
  const order = patch[orderPrefix + field];
  const list = target[field];
  if (!Array.isArray(order) || !Array.isArray(list)) return;
  const key = fieldOf(shape, field).list?.mergeKey;
  const identity = (item: unknown) => JSON.stringify(key && isObject(item) ? item[key] : item);
  const rank = new Map(order.map((item, index) => [identity(item), index]));
  const known = list
    .filter((item) => rank.has(identity(item)))
    .sort((a, b) => rank.get(identity(a))! - rank.get(identity(b))!);
  const others = list.filter((item) => !rank.has(identity(item)));
  const place = new Map(list.map((item, index) => [identity(item), index]));
  target[field] = interleave(others, known, (item) => place.get(identity(item))!);
}
