/** JSON Merge Patch, RFC 7386. */
import { isObject, type JsonObject, jsonClone, setOwn } from "../json.ts";

/** Merges `patch` into `target`, which is changed in place where it is an object. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return jsonClone(patch);
  const result: JsonObject = isObject(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setOwn(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}
