import { Backoff, type BackoffOptions } from "./backoff.ts";
import { type LoadOptions, loadConnection } from "./config/load.ts";
import type { KubeConnection } from "./config/types.ts";
import { pause } from "./deadline.ts";
import { isKubeError, KubeError } from "./errors.ts";
import { pathOf, withQuery } from "./paths.ts";
import { createTransport, parseIfJson, type Transport, type WireRequest } from "./transport.ts";
import type {
  CallOptions,
  DeleteOptions,
  KubeClient,
  KubeList,
  KubeObject,
  KubeWatch,
  ListOptions,
  LogOptions,
  PatchOptions,
  PatchType,
  RawRequest,
  Resource,
  WatchOptions,
  WriteOptions,
} from "./types.ts";
import { startWatch } from "./watch.ts";

export interface ClientOptions {
  readonly userAgent?: string;
  /** Between the attempts of a watch. Default 250 ms to 30 s. */
  readonly backoff?: BackoffOptions;
}

export interface ConnectOptions extends ClientOptions, LoadOptions {}

const defaultTimeoutMs = 10_000;
const defaultBackoff: BackoffOptions = { minMs: 250, maxMs: 30_000 };
/** A throttled call was certainly not executed, so it may be sent again, a bounded number of times, within its deadline. */
const maxThrottledAttempts = 5;
const maxPages = 10_000;

const patchMediaTypes: Readonly<Record<PatchType, string>> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** Finds the cluster (KUBECONFIG, else the pod's service account, else ~/.kube/config) and makes a client. Sends nothing yet. */
export async function connectKube(options: ConnectOptions = {}): Promise<KubeClient> {
  return createClient(await loadConnection(options), options);
}

export function createClient(connection: KubeConnection, options: ClientOptions = {}): KubeClient {
  return new RestClient(connection, options);
}

interface RawList<T> {
  readonly items?: readonly T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

class RestClient implements KubeClient {
  readonly namespace: string;
  readonly #transport: Transport;
  readonly #backoff: BackoffOptions;

  constructor(connection: KubeConnection, options: ClientOptions) {
    this.namespace = connection.namespace;
    this.#transport = createTransport(connection, options.userAgent ?? "coracle-kube");
    this.#backoff = options.backoff ?? defaultBackoff;
  }

  get<T extends KubeObject>(resource: Resource<T>, name: string, options: CallOptions = {}): Promise<T> {
    return this.#json<T>({ method: "GET", path: this.#path(resource, options, name) }, options);
  }

  async *pages<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): AsyncGenerator<KubeList<T>> {
    let token: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const list = await this.#page(resource, options, token);
      yield list;
      token = list.continue;
      if (token === undefined) return;
    }
    throw new KubeError("protocol", `the list of ${resource.plural} has more than ${maxPages} pages`);
  }

  /** A list that takes so long that its page token expires is started over once; its pages must be of one moment. */
  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const endsAt = performance.now() + timeoutOf(options);
    const once = () => this.#collect(resource, options, endsAt);
    return once().catch((error: unknown) => (isKubeError(error, "gone") ? once() : Promise.reject(error)));
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const named = options.subresource === undefined ? undefined : nameOf(object);
    return this.#write<T>("POST", this.#path(resource, options, named, object), object, options);
  }

  replace<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#write<T>("PUT", this.#path(resource, options, nameOf(object), object), object, options);
  }

  patch<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    patch: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    const { type = "merge", force } = options;
    const path = withQuery(this.#path(resource, options, name), { ...writeQuery(options), force });
    return this.#json<T>({ method: "PATCH", path, ...jsonBody(patch, patchMediaTypes[type]) }, options);
  }

  async delete<T extends KubeObject>(resource: Resource<T>, name: string, options: DeleteOptions = {}): Promise<void> {
    const { gracePeriodSeconds, propagation, preconditions } = options;
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      gracePeriodSeconds,
      preconditions,
      propagationPolicy: propagation,
    };
    await this.#json({ method: "DELETE", path: this.#path(resource, options, name), ...jsonBody(body) }, options);
  }

  raw<T = unknown>({ method, path, headers, body, ...options }: RawRequest): Promise<T> {
    const isBytes = typeof body === "string" || body instanceof Uint8Array;
    const content = body === undefined ? {} : isBytes ? { body } : jsonBody(body);
    const merged = { ...("headers" in content ? content.headers : {}), ...headers };
    return this.#json<T>({ method, path, ...content, headers: merged }, options);
  }

  async logs(pod: string, options: LogOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const { container, follow, previous, tailLines, sinceSeconds, timestamps, namespace = this.namespace } = options;
    const path = pathOf(
      { group: "", version: "v1", plural: "pods", namespaced: true },
      { namespace, name: pod, subresource: "log" },
    );
    const query = { container, follow, previous, tailLines, sinceSeconds, timestamps };
    const answer = await this.#transport.open({ method: "GET", path: withQuery(path, query), ...bounds(options) });
    return answer.chunks;
  }

  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): KubeWatch<T> {
    const { timeoutSeconds = 300, idleMs = 90_000, signal, onInterrupt, ...selection } = options;
    const source = {
      list: (listSignal: AbortSignal) => this.list(resource, { ...selection, signal: listSignal }),
      open: (resourceVersion: string, openSignal: AbortSignal) =>
        this.#transport.open({
          method: "GET",
          path: withQuery(this.#path(resource, selection), {
            watch: true,
            allowWatchBookmarks: true,
            resourceVersion,
            // Scattered, so that the watches of many pods don't end together.
            timeoutSeconds: Math.ceil(timeoutSeconds * (1 + Math.random())),
            ...selectors(selection),
          }),
          ...bounds({ signal: openSignal }),
        }),
    };
    return startWatch(source, new Backoff(this.#backoff), { idleMs, signal, ...(onInterrupt && { onInterrupt }) });
  }

  close(): void {
    this.#transport.close();
  }

  async #collect<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions,
    endsAt: number,
  ): Promise<KubeList<T>> {
    const items: T[] = [];
    let token: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const timeoutMs = Math.max(1, endsAt - performance.now());
      const list = await this.#page(resource, { ...options, timeoutMs }, token);
      items.push(...list.items);
      token = list.continue;
      if (token === undefined) return { items, resourceVersion: list.resourceVersion, continue: undefined };
    }
    throw new KubeError("protocol", `the list of ${resource.plural} has more than ${maxPages} pages`);
  }

  async #page<T extends KubeObject>(
    resource: Resource<T>,
    options: ListOptions,
    token: string | undefined,
  ): Promise<KubeList<T>> {
    const query = { limit: options.pageSize ?? 500, continue: token, ...selectors(options) };
    const path = withQuery(this.#path(resource, options), query);
    const { items, metadata } = await this.#json<RawList<T>>({ method: "GET", path }, options);
    return {
      items: items ?? [],
      resourceVersion: metadata?.resourceVersion ?? "",
      continue: metadata?.continue || undefined,
    };
  }

  #write<T>(method: "POST" | "PUT", path: string, object: T, options: WriteOptions): Promise<T> {
    return this.#json<T>({ method, path: withQuery(path, writeQuery(options)), ...jsonBody(object) }, options);
  }

  /** An object's own namespace wins over the client's, as it does for kubectl. */
  #path(
    resource: Resource,
    { namespace, subresource }: { readonly namespace?: string; readonly subresource?: string },
    name?: string,
    object?: KubeObject,
  ): string {
    return pathOf(resource, {
      namespace: namespace ?? object?.metadata?.namespace ?? this.namespace,
      subresource,
      ...(name !== undefined && { name }),
    });
  }

  /** The transport's deadline is per attempt; the whole call has one too. */
  async #json<T>(request: Omit<WireRequest, "timeoutMs" | "signal">, options: CallOptions): Promise<T> {
    const endsAt = performance.now() + timeoutOf(options);
    for (let attempt = 1; ; attempt++) {
      const timeoutMs = Math.max(1, endsAt - performance.now());
      try {
        const body = await this.#transport.exchange({ ...request, signal: options.signal, timeoutMs });
        return parseIfJson(body.toString("utf8")) as T;
      } catch (error) {
        const waitMs = throttledForMs(error);
        if (waitMs === undefined || attempt >= maxThrottledAttempts || performance.now() + waitMs >= endsAt)
          throw error;
        if (!(await pause(waitMs, options.signal ?? new AbortController().signal))) throw error;
      }
    }
  }
}

function throttledForMs(error: unknown): number | undefined {
  if (!isKubeError(error, "too-many-requests") || error.retryAfterSeconds === undefined) return undefined;
  return error.retryAfterSeconds * 1000;
}

function nameOf(object: KubeObject): string {
  const name = object.metadata?.name;
  if (name) return name;
  throw new KubeError("bad-request", `the ${object.kind ?? "object"} has no metadata.name`);
}

const timeoutOf = ({ timeoutMs = defaultTimeoutMs }: CallOptions): number => timeoutMs;

const bounds = (options: CallOptions) => ({ signal: options.signal, timeoutMs: timeoutOf(options) });

const selectors = ({ labelSelector, fieldSelector }: Pick<ListOptions, "labelSelector" | "fieldSelector">) => ({
  labelSelector,
  fieldSelector,
});

const writeQuery = ({ fieldManager, dryRun }: WriteOptions) => ({ fieldManager, dryRun: dryRun ? "All" : undefined });

const jsonBody = (value: unknown, contentType = "application/json") => ({
  body: JSON.stringify(value),
  headers: { "content-type": contentType },
});
