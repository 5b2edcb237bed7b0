/** A body must be what the request's address says it is. */
import { dropNulls, isObject } from "../json.ts";
import { apiVersionOf, type ResourceRow } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { badRequest } from "./refusals.ts";

/** A draft on its way to the store: metadata is there. */
export type Draft = ApiObject & { metadata: NonNullable<ApiObject["metadata"]> };

/**
 * Checks apiVersion, kind and namespace against the request, fills in what is left out, and returns the same fields with apiVersion and kind
 * first. Throws BadRequest.
 */
export function identify(row: ResourceRow, namespace: string, body: ApiObject): Draft {
  if (!isObject(body)) throw badRequest("the body of the request is not an object");
  const { apiVersion: givenVersion, kind: givenKind, metadata: givenMetadata, ...rest } = body;
  const apiVersion = apiVersionOf(row);
  checkType(row, apiVersion, givenVersion, givenKind);
  if (givenMetadata !== undefined && givenMetadata !== null && !isObject(givenMetadata))
    throw badRequest("metadata is not an object");
  if (!row.isCustom) dropNulls(rest);
  const metadata = { ...givenMetadata };
  applyNamespace(row, namespace, metadata);
  return { apiVersion, kind: row.kind, metadata, ...rest };
}

function checkType(row: ResourceRow, apiVersion: string, givenVersion?: string, givenKind?: string): void {
  if (givenVersion && givenVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${givenVersion}) does not match the expected API version (${apiVersion})`,
    );
  if (givenKind && givenKind !== row.kind)
    throw badRequest(
      `${givenKind} in version ${JSON.stringify(row.version)} cannot be handled as a ${row.kind}: the kind in the data does not match the resource`,
    );
}

function applyNamespace(row: ResourceRow, namespace: string, metadata: Draft["metadata"]): void {
  if (!row.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  metadata.namespace = namespace;
}

/** Throws BadRequest unless the body names the object of the URL; an absent name is filled in. */
export function checkName(draft: Draft, name: string): void {
  draft.metadata.name ??= name;
  if (draft.metadata.name !== name)
    throw badRequest(`the name of the object (${draft.metadata.name}) does not match the name on the URL (${name})`);
}
