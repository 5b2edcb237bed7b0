/** Tables (`meta.k8s.io/v1`): what `kubectl get` prints, computed by the server. */
import type { ApiObject, Stored } from "../../machinery/types.ts";

export type Cell = string | number | boolean | null;

export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: string;
  readonly description: string;
  /** 0 is shown always, higher ones with `-o wide`. */
  readonly priority: number;
}

/** How one kind is shown. */
export interface Printer {
  readonly columns: readonly Column[];
  cells(object: Stored<ApiObject>, now: number): Cell[];
}

export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  readonly now: number;
  readonly includeObject: IncludeObject;
  readonly hasHeaders: boolean;
}

/** Metadata of an object under its own kind of answer. */
export const partialMetadata = ({ metadata }: ApiObject) => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata,
});

export function renderTable(
  printer: Printer,
  objects: readonly Stored<ApiObject>[],
  metadata: object,
  { now, includeObject, hasHeaders }: TableOptions,
) {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: hasHeaders ? printer.columns : null,
    rows: objects.map((object) => ({ cells: printer.cells(object, now), object: embedded(object, includeObject) })),
  };
}

function embedded(object: Stored<ApiObject>, includeObject: IncludeObject): unknown {
  if (includeObject === "Object") return object;
  return includeObject === "None" ? null : partialMetadata(object);
}
