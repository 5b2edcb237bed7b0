import type { ApiObject, Stored } from "../types.ts";

type Item = Stored<ApiObject>;

/** The objects of one namespace. Order is worked out when someone lists, so that a write costs a map entry. */
class Bucket {
  readonly #byName = new Map<string, Item>();
  #names: string[] | undefined;
  #items: readonly Item[] | undefined;

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): Item | undefined {
    return this.#byName.get(name);
  }

  set(item: Item): void {
    if (!this.#byName.has(item.metadata.name)) this.#names = undefined;
    this.#byName.set(item.metadata.name, item);
    this.#items = undefined;
  }

  delete(name: string): void {
    this.#byName.delete(name);
    this.#names = undefined;
    this.#items = undefined;
  }

  list(): readonly Item[] {
    this.#names ??= [...this.#byName.keys()].sort(compareText);
    this.#items ??= this.#names.map((name) => this.#byName.get(name) as Item);
    return this.#items;
  }
}

/** Code-unit order, which for names is etcd's byte order. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** All objects of one resource as readers see them. Lists are shared arrays that no later write changes. */
export class Collection {
  readonly #buckets = new Map<string, Bucket>();
  #all: readonly Item[] | undefined;

  get(namespace: string, name: string): Item | undefined {
    return this.#buckets.get(namespace)?.get(name);
  }

  /** Sorted by namespace, then by name; `""` lists every namespace. */
  list(namespace = ""): readonly Item[] {
    if (namespace !== "") return this.#buckets.get(namespace)?.list() ?? [];
    this.#all ??= this.#sortedNamespaces().flatMap((name) => this.#buckets.get(name)?.list() ?? []);
    return this.#all;
  }

  set(item: Item): void {
    const namespace = item.metadata.namespace ?? "";
    const bucket = this.#buckets.get(namespace) ?? new Bucket();
    this.#buckets.set(namespace, bucket);
    bucket.set(item);
    this.#all = undefined;
  }

  delete(namespace: string, name: string): void {
    const bucket = this.#buckets.get(namespace);
    bucket?.delete(name);
    if (bucket?.size === 0) this.#buckets.delete(namespace);
    this.#all = undefined;
  }

  /** `a-b` comes before `a`, because the keys that etcd sorts are `a-b/…` and `a/…`. */
  #sortedNamespaces(): string[] {
    return [...this.#buckets.keys()].sort((a, b) => compareText(`${a}/`, `${b}/`));
  }
}
