/** Lists, whole or page by page. Every page of a list shows the same version: later changes are taken back out with the history's help. */
import { StatusError } from "../errors.ts";
import type { ResourceRow } from "../resources/row.ts";
import { keyOf } from "../storage/history.ts";
import type { Storage } from "../storage/storage.ts";
import type { Page, PageOptions } from "../store.ts";
import type { ApiObject, Stored } from "../types.ts";
import { badRequest } from "../write/refusals.ts";
import { decodeContinue, encodeContinue } from "./continue.ts";
import { filterOf } from "./filter.ts";
import { checkNotFuture, parseVersion } from "./version.ts";

type Items = readonly Stored<ApiObject>[];

export function readPage(storage: Storage, row: ResourceRow, options: PageOptions): Page {
  const start = options.continueToken ? decodeContinue(options.continueToken) : undefined;
  const version = start?.version ?? wantedVersion(storage, options);
  const filter = filterOf(row, options);
  const items = itemsAt(storage, row, options.namespace ?? "", version, start !== undefined);
  const selected = filter && (options.labelSelector || options.fieldSelector) ? items.filter(filter) : items;
  return cut(selected, version, start?.after, options);
}

/** Checks the request's version; what is shown is the current one unless an exact one is asked for. */
function wantedVersion(storage: Storage, { resourceVersion, resourceVersionMatch }: PageOptions): number {
  if (resourceVersionMatch && !resourceVersion)
    throw badRequest(
      "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    );
  if (!resourceVersion || resourceVersion === "0") return storage.version;
  const version = parseVersion(resourceVersion);
  checkNotFuture(version, storage.version);
  return resourceVersionMatch === "Exact" ? version : storage.version;
}

function itemsAt(storage: Storage, row: ResourceRow, namespace: string, version: number, isContinued: boolean): Items {
  const current = storage.collection(row.key).list(namespace);
  if (version === storage.version) return current;
  const rewound = storage.history(row.key).rewind(storage.collection(row.key).list(), version);
  if (!rewound) throw expired(isContinued);
  return [...rewound.entries()]
    .filter(([, item]) => namespace === "" || item.metadata.namespace === namespace)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, item]) => item);
}

const expired = (isContinued: boolean) =>
  new StatusError(
    "Expired",
    isContinued
      ? "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter."
      : "The resourceVersion for the provided list is too old.",
  );

function cut(
  items: Items,
  version: number,
  after: string | undefined,
  { limit = 0, labelSelector, fieldSelector }: PageOptions,
): Page {
  const rest = after === undefined ? items : items.slice(firstAfter(items, after));
  const resourceVersion = String(version);
  if (limit <= 0 || rest.length <= limit) return { items: rest, resourceVersion };
  const page = rest.slice(0, limit);
  const continueToken = encodeContinue({ version, after: keyOf(page.at(-1)!) });
  const isCounted = !labelSelector && !fieldSelector;
  return { items: page, resourceVersion, continueToken, ...(isCounted && { remainingItemCount: rest.length - limit }) };
}

function firstAfter(items: Items, key: string): number {
  const index = items.findIndex((item) => keyOf(item) > key);
  return index < 0 ? items.length : index;
}
