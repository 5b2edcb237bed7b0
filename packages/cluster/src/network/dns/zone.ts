/** The names that cluster DNS answers for: an index from name to records, updated one owner (a Service, a Namespace) at a time. */

export interface ServiceTarget {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export type RecordData =
  | { readonly type: "A" | "CNAME" | "PTR" | "NS" | "TXT"; readonly data: string }
  | { readonly type: "SRV"; readonly data: ServiceTarget };

/** A record under its full, lower-case name without the final dot. Without `record` the name merely exists (NODATA, not NXDOMAIN). */
export interface ZoneEntry {
  readonly name: string;
  readonly record?: RecordData;
}

/**
 * Invariants: a name is in `records` exactly while some owner has an entry for it; `below` counts, for every ancestor of
 * those names, how many entries lie under it, so that an empty non-terminal (RFC 8020) is told from a name that is not there.
 */
export class Zone {
  readonly #owned = new Map<string, readonly ZoneEntry[]>();
  readonly #records = new Map<string, ZoneEntry[]>();
  readonly #below = new Map<string, number>();
  /** Grows with every change; the SOA serial. */
  #serial = 1;

  get serial(): number {
    return this.#serial;
  }

  /** Makes `entries` all that `owner` contributes; an empty list removes the owner. */
  replace(owner: string, entries: readonly ZoneEntry[]): void {
    for (const entry of this.#owned.get(owner) ?? []) this.#remove(entry);
    for (const entry of entries) this.#add(entry);
    if (entries.length > 0) this.#owned.set(owner, entries);
    else this.#owned.delete(owner);
    this.#serial = (this.#serial + 1) >>> 0;
  }

  /** The records at `name`; undefined when the name does not exist, empty when it exists without records. */
  at(name: string): readonly RecordData[] | undefined {
    const entries = this.#records.get(name);
    if (entries) return entries.flatMap((entry) => (entry.record ? [entry.record] : []));
    return this.#below.has(name) ? [] : undefined;
  }

  #add(entry: ZoneEntry): void {
    const entries = this.#records.get(entry.name);
    if (entries) entries.push(entry);
    else this.#records.set(entry.name, [entry]);
    for (const parent of ancestors(entry.name)) this.#below.set(parent, (this.#below.get(parent) ?? 0) + 1);
  }

  #remove(entry: ZoneEntry): void {
    const left = (this.#records.get(entry.name) ?? []).filter((other) => other !== entry);
    if (left.length > 0) this.#records.set(entry.name, left);
    else this.#records.delete(entry.name);
    for (const parent of ancestors(entry.name)) {
      const count = (this.#below.get(parent) ?? 0) - 1;
      if (count > 0) this.#below.set(parent, count);
      else this.#below.delete(parent);
    }
  }
}

function* ancestors(name: string): Generator<string> {
  for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) yield name.slice(dot + 1);
}
