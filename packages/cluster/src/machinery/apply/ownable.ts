import { isObject, type JsonObject } from "../json.ts";
import type { ResourceRow } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";

/** Metadata that is the server's: nobody owns it. */
const serverFields = new Set([
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "generation",
  "resourceVersion",
  "managedFields",
  "selfLink",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
]);

/** The part of an object that a write through this subresource (`""` for the object itself) can own. */
export function ownable(row: ResourceRow, object: ApiObject, subresource = ""): JsonObject {
  if (subresource === "status") return { status: object.status };
  const { apiVersion: _, kind: __, metadata, ...rest } = object;
  if (row.subresources.includes("status") && subresource === "") delete rest.status;
  if (!isObject(metadata)) return rest;
  const own = Object.fromEntries(Object.entries(metadata).filter(([field]) => !serverFields.has(field)));
  return Object.keys(own).length > 0 ? { metadata: own, ...rest } : rest;
}
