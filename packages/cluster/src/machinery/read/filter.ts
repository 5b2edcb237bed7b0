/** Label and field selectors of one request as a single test. */
import { type FieldSelector, matchesFields, parseFieldSelector } from "../field-selectors.ts";
import type { ResourceRow } from "../resources/row.ts";
import { matchesSelector, parseSelector, type Selector } from "../selectors.ts";
import type { ApiObject } from "../types.ts";

export interface FilterOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export type Filter = (object: ApiObject) => boolean;

/** Undefined when everything passes. Throws BadRequest for selectors that don't parse. */
export function filterOf(
  row: ResourceRow,
  { namespace, labelSelector, fieldSelector }: FilterOptions,
): Filter | undefined {
  const labels = labelSelector ? parseSelector(labelSelector) : [];
  const fields = fieldSelector ? parseFieldSelector(fieldSelector, selectableFields(row)) : [];
  if (labels.length + fields.length === 0 && !namespace) return undefined;
  return (object) => isInNamespace(object, namespace) && selects(labels, fields, object);
}

const isInNamespace = (object: ApiObject, namespace: string | undefined) =>
  !namespace || object.metadata?.namespace === namespace;

const selects = (labels: Selector, fields: FieldSelector, object: ApiObject) =>
  matchesSelector(labels, object.metadata?.labels) && matchesFields(fields, object);

const selectableFields = ({ namespaced, strategy }: ResourceRow) => [
  "metadata.name",
  ...(namespaced ? ["metadata.namespace"] : []),
  ...(strategy.selectableFields ?? []),
];
