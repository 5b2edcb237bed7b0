/** The forms of an answer besides the object itself: Tables for people, bare metadata for programs that need no more. */
import type { IncomingMessage } from "node:http";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import type { ApiContext, Call } from "../context.ts";
import { negotiate } from "../http/negotiate.ts";
import { sendBytes, sendJson } from "../http/respond.ts";
import type { ObjectForm } from "../http/watch.ts";
import { printerFor } from "../table/printers.ts";
import { type IncludeObject, partialMetadata, renderTable, type TableOptions } from "../table/table.ts";

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface AnswerFormat {
  one(object: Stored<ApiObject>): unknown;
  list(items: readonly Stored<ApiObject>[], metadata: ListMetadata): unknown;
  /** A function for one watch; only the first table carries the column definitions. */
  events(): ObjectForm;
}

/** What the Accept header asks for; undefined for plain objects. */
export function formOf(
  context: ApiContext,
  { headers }: IncomingMessage,
  query: URLSearchParams,
  resource: ResourceDescriptor,
): AnswerFormat | undefined {
  const form = negotiate(headers.accept);
  if (form === "object") return undefined;
  return form === "table" ? tables(context, query, resource) : partials;
}

/** Sends one object in the form that the request asks for. */
export function sendObject(
  context: ApiContext,
  { request, response, info }: Call,
  resource: ResourceDescriptor,
  code: number,
  object: Stored<ApiObject>,
): void {
  const form = formOf(context, request, info.query, resource);
  if (form === undefined) sendBytes(response, code, context.store.json(object));
  else sendJson(response, code, form.one(object));
}

const partials: AnswerFormat = {
  one: partialMetadata,
  list: (items, metadata) => ({
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    items: items.map(partialMetadata),
  }),
  events: () => partialMetadata,
};

function tables(context: ApiContext, query: URLSearchParams, resource: ResourceDescriptor): AnswerFormat {
  const printer = printerFor(context.store, resource);
  const options = (): TableOptions => ({
    now: context.clock.now(),
    includeObject: (query.get("includeObject") as IncludeObject | null) ?? "Metadata",
    hasHeaders: true,
  });
  const one = (object: Stored<ApiObject>, hasHeaders = true) =>
    renderTable(printer, [object], { resourceVersion: object.metadata.resourceVersion }, { ...options(), hasHeaders });
  return {
    one,
    list: (items, metadata) => renderTable(printer, items, metadata, options()),
    events() {
      let isFirst = true;
      return (object) => {
        if (object.metadata.name === undefined)
          return renderTable(printer, [], object.metadata, { ...options(), hasHeaders: false });
        const table = one(object, isFirst);
        isFirst = false;
        return table;
      };
    },
  };
}
