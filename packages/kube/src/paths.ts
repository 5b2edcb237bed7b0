import type { Resource } from "./types.ts";

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Target {
  /** "*" or undefined: all namespaces, or a cluster-wide kind. */
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string | undefined;
}

/** The path of a collection, an object or a part of it. */
export function pathOf(resource: Resource, { namespace, name, subresource }: Target): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const within = resource.namespaced && namespace && namespace !== "*" ? ["namespaces", namespace] : [];
  const rest = [...within, resource.plural, name, subresource].filter((part) => part !== undefined);
  return [root, ...rest.map(encodeURIComponent)].join("/");
}

/** `path` with the entries of `query` that are neither undefined nor empty nor false. */
export function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== "" && value !== false) params.set(key, String(value));
  }
  return params.size === 0 ? path : `${path}?${params}`;
}
