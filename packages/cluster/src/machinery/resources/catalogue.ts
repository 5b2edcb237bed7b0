/** The rows of one cluster: the built-in kinds and those that custom resource definitions add. */
import type { ResourceDescriptor, ResourceKey } from "../store.ts";
import type { ApiObject } from "../types.ts";
import { badRequest } from "../write/refusals.ts";
import { rowsOfDefinition } from "./custom.ts";
import { keyOfResource, type ResourceRow } from "./row.ts";
import { builtInRows } from "./table.ts";

const builtInKeys = new Set(builtInRows.map(({ key }) => key));

export class Catalogue {
  readonly #rows = new Map<ResourceKey, readonly ResourceRow[]>();

  constructor() {
    for (const row of builtInRows) this.#rows.set(row.key, [row]);
  }

  /** Serves what a definition defines, in place of what it defined before. */
  define(definition: ApiObject): void {
    const rows = rowsOfDefinition(definition);
    const [first] = rows;
    if (first && !builtInKeys.has(first.key)) this.#rows.set(first.key, rows);
  }

  /** Serves it no longer. */
  forget(definition: ApiObject): void {
    const key = keyOfResource({ group: definition.spec.group, plural: definition.spec.names.plural });
    if (!builtInKeys.has(key)) this.#rows.delete(key);
  }

  rows(): readonly ResourceRow[] {
    return [...this.#rows.values()].flat();
  }

  find(group: string, version: string, plural: string): ResourceRow | undefined {
    return this.#rows.get(keyOfResource({ group, plural }))?.find((row) => row.version === version);
  }

  /** The row behind a descriptor that `find` or `rows` gave out. */
  rowOf(descriptor: ResourceDescriptor): ResourceRow {
    const row = this.find(descriptor.group, descriptor.version, descriptor.plural);
    if (!row) throw badRequest(`the server no longer serves ${keyOfResource(descriptor)}`);
    return row;
  }

  /** The row in which a resource is stored. Throws BadRequest for a resource that is not served. */
  require(key: ResourceKey): ResourceRow {
    const row = this.#rows.get(key)?.[0];
    if (!row) throw badRequest(`the server does not serve the resource ${key}`);
    return row;
  }
}
