import type { Change, Registry, ResourceName, ResourceTypes, Stored } from "../../src/machinery/types.ts";

type AnyListener = (change: Change<ResourceTypes[ResourceName]>) => void;

/** Just enough of a registry for what follows it: put, drop, subscribe, and modify for the statuses that are written back. */
export class FakeRegistry {
  readonly #objects = new Map<string, Map<string, Stored<ResourceTypes[ResourceName]>>>();
  readonly #listeners = new Map<string, Set<AnyListener>>();
  #version = 0;

  /** Itself, as those who follow a registry know it. */
  get registry(): Pick<Registry, "create" | "get" | "list" | "modify" | "subscribe"> {
    return this as unknown as Registry;
  }

  put<R extends ResourceName>(resource: R, object: ResourceTypes[R]): void {
    const { namespace = "", name = "" } = object.metadata ?? {};
    const key = `${namespace}/${name}`;
    const objects = this.#of(resource);
    const previous = objects.get(key);
    const resourceVersion = String(++this.#version);
    const metadata = { uid: key, creationTimestamp: "2026-01-01T00:00:00Z", ...object.metadata, name, resourceVersion };
    const stored = { apiVersion: "v1", kind: resource, ...structuredClone(object), metadata } as Stored<
      ResourceTypes[R]
    >;
    objects.set(key, stored);
    this.#tell(resource, { type: previous ? "MODIFIED" : "ADDED", object: stored, ...(previous && { previous }) });
  }

  drop(resource: ResourceName, namespace: string, name: string): void {
    const object = this.#of(resource).get(`${namespace}/${name}`);
    if (!object) return;
    this.#of(resource).delete(`${namespace}/${name}`);
    this.#tell(resource, { type: "DELETED", object, previous: object });
  }

  get<R extends string>(resource: R, namespace: string, name: string) {
    type T = R extends ResourceName ? ResourceTypes[R] : never;
    return this.#of(resource).get(`${namespace}/${name}`) as Stored<T> | undefined;
  }

  list<R extends string>(resource: R) {
    type T = R extends ResourceName ? ResourceTypes[R] : never;
    return [...this.#of(resource).values()] as unknown as readonly Stored<T>[];
  }

  async create<R extends ResourceName>(resource: R, object: ResourceTypes[R]) {
    this.put(resource, object);
    return this.get(resource, object.metadata?.namespace ?? "", object.metadata?.name ?? "") as Stored<
      ResourceTypes[R]
    >;
  }

  async modify<R extends ResourceName>(
    resource: R,
    namespace: string,
    name: string,
    // biome-ignore lint/suspicious/noConfusingVoidType: as in Registry.
    change: (draft: ResourceTypes[R]) => false | void,
  ) {
    const draft = structuredClone(this.get(resource, namespace, name)) as ResourceTypes[R] | undefined;
    if (!draft || change(draft) === false) return undefined;
    this.put(resource, draft);
    return this.get(resource, namespace, name) as Stored<ResourceTypes[R]>;
  }

  subscribe<R extends string>(resource: R, listener: (change: Change<never>) => void): () => void {
    const listeners = this.#listeners.get(resource) ?? new Set();
    this.#listeners.set(resource, listeners.add(listener as AnyListener));
    for (const object of this.#of(resource).values()) (listener as AnyListener)({ type: "ADDED", object });
    return () => listeners.delete(listener as AnyListener);
  }

  #of(resource: string) {
    const objects = this.#objects.get(resource) ?? new Map<string, Stored<ResourceTypes[ResourceName]>>();
    this.#objects.set(resource, objects);
    return objects;
  }

  #tell(resource: string, change: Change<ResourceTypes[ResourceName]>): void {
    for (const listener of this.#listeners.get(resource) ?? []) listener(change);
  }
}
