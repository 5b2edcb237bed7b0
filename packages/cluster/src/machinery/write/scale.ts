/** The scale subresource: the part of a workload that says how many, in the same form for every kind. */
import { keyOfResource, qualifiedKind } from "../resources/row.ts";
import { formatSelector, selectorOf, selectorOfLabels } from "../selectors.ts";
import type { ResourceDescriptor } from "../store.ts";
import type { ApiObject, Stored } from "../types.ts";
import { invalid, invalidObject } from "../validation/field-error.ts";
import { badRequest } from "./refusals.ts";

/** An `autoscaling/v1` Scale of the object. */
export function scaleOf(
  resource: Pick<ResourceDescriptor, "group" | "plural">,
  object: Stored<ApiObject>,
): Stored<ApiObject> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { selector } = object.spec ?? {};
  const requirements =
    keyOfResource(resource) === "replicationcontrollers" ? selectorOfLabels(selector ?? {}) : selectorOf(selector);
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: object.spec?.replicas ?? 0 },
    status: { replicas: object.status?.replicas ?? 0, ...(selector && { selector: formatSelector(requirements) }) },
  };
}

/** The workload with the replicas of a Scale. Throws BadRequest or Invalid. */
export function withScale(object: Stored<ApiObject>, scale: ApiObject): ApiObject {
  if (scale.kind && scale.kind !== "Scale") throw badRequest(`${scale.kind} cannot be handled as a Scale`);
  const replicas = scale.spec?.replicas ?? 0;
  if (!Number.isInteger(replicas)) throw badRequest("spec.replicas is not an integer");
  if (replicas < 0) {
    const error = invalid("spec.replicas", replicas, "must be greater than or equal to 0");
    throw invalidObject(qualifiedKind({ group: "autoscaling", kind: "Scale" }), object.metadata.name, [error]);
  }
  const { resourceVersion, uid } = scale.metadata ?? {};
  const metadata = { ...object.metadata, resourceVersion: resourceVersion ?? "", uid: uid ?? object.metadata.uid };
  return { ...object, metadata, spec: { ...object.spec, replicas } };
}
