/** Rules of metadata that every kind shares. */
import type { NameRule, ResourceRow } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { type FieldError, forbidden, invalid, required, tooLong } from "./field-error.ts";
import {
  label1035Problems,
  labelProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from "./names.ts";

const nameRules: Readonly<Record<NameRule, (value: string) => string[]>> = {
  subdomain: subdomainProblems,
  label: labelProblems,
  label1035: label1035Problems,
  pathSegment: pathSegmentProblems,
};

const maxAnnotationsBytes = 256 * 1024;

export function validateMetadata(row: ResourceRow, object: ApiObject, old?: ApiObject): FieldError[] {
  const { name, labels, annotations, finalizers } = object.metadata ?? {};
  return [
    ...(old ? [] : validateName(row, name)),
    ...validateLabels("metadata.labels", labels),
    ...validateAnnotations(annotations),
    ...(finalizers ?? []).flatMap((finalizer) =>
      qualifiedNameProblems(finalizer).map((problem) => invalid("metadata.finalizers", finalizer, problem)),
    ),
    ...validateOwners(object),
    ...validateNewFinalizers(object, old),
  ];
}

function validateName(row: ResourceRow, name: string | undefined): FieldError[] {
  if (!name) return [required("metadata.name", "name or generateName is required")];
  return nameRules[row.strategy.nameRule ?? "subdomain"](name).map((problem) =>
    invalid("metadata.name", name, problem),
  );
}

export function validateLabels(field: string, labels: Readonly<Record<string, string>> = {}): FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((problem) => invalid(field, key, problem)),
    ...labelValueProblems(String(value)).map((problem) => invalid(field, value, problem)),
  ]);
}

function validateAnnotations(annotations: Readonly<Record<string, string>> = {}): FieldError[] {
  const field = "metadata.annotations";
  const entries = Object.entries(annotations);
  const errors = entries.flatMap(([key]) =>
    qualifiedNameProblems(key.toLowerCase()).map((problem) => invalid(field, key, problem)),
  );
  const size = entries.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(String(value)), 0);
  return size > maxAnnotationsBytes ? [...errors, tooLong(field, maxAnnotationsBytes)] : errors;
}

function validateOwners(object: ApiObject): FieldError[] {
  const owners = object.metadata?.ownerReferences ?? [];
  const missing = owners.flatMap((owner, index) =>
    (["apiVersion", "kind", "name", "uid"] as const)
      .filter((field) => !owner[field])
      .map((field) => invalid(`metadata.ownerReferences[${index}].${field}`, "", `${field} must not be empty`)),
  );
  const controllers = owners.filter((owner) => owner.controller);
  if (controllers.length < 2) return missing;
  const names = controllers.map((owner) => owner.name).join(", ");
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${names}`;
  return [...missing, invalid("metadata.ownerReferences", owners, detail)];
}

/** Once an object is being deleted, finalizers can only go. */
function validateNewFinalizers(object: ApiObject, old?: ApiObject): FieldError[] {
  if (!old?.metadata?.deletionTimestamp) return [];
  const known = old.metadata.finalizers ?? [];
  const added = (object.metadata?.finalizers ?? []).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return [];
  const found = `found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(", ")}}`;
  return [forbidden("metadata.finalizers", `no new finalizers can be added if the object is being deleted, ${found}`)];
}
