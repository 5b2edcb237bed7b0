import type { ObjectMeta } from "kubernetes-types/meta/v1.js";

/** What every Kubernetes object has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** A kind as the API's paths name it. `T` is the object's type. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for core. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Carries `T`; never set. */
  readonly object?: T;
}

export interface KubeList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page; undefined on the last one. */
  readonly continue: string | undefined;
}

export interface CallOptions {
  /** Default: the client's namespace. Ignored for cluster-wide kinds. */
  readonly namespace?: string;
  readonly signal?: AbortSignal;
  /** Deadline of the whole call, answer included. Default 10 000. */
  readonly timeoutMs?: number;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** `status`, `scale`, ...: writes that part of the object only. */
  readonly subresource?: string;
}

export type PatchType = "merge" | "json" | "strategic" | "apply";

export interface PatchOptions extends WriteOptions {
  /** Default merge. */
  readonly type?: PatchType;
  /** `apply` only: take over fields that others own. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface Selection {
  /** Default: the client's namespace; "*" is all of them. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends CallOptions, Selection {
  /** Objects per page. Default 500. */
  readonly pageSize?: number;
}

export interface LogOptions extends CallOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly timestamps?: boolean;
}

export interface RawRequest extends Omit<CallOptions, "namespace"> {
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless a string or bytes. */
  readonly body?: unknown;
}

/**
 * What a watch reports. `replaced` is the whole collection, first and after every relist: forget what you knew. The others
 * follow it in order.
 */
export type WatchEvent<T> =
  | { readonly type: "replaced"; readonly objects: readonly T[] }
  | { readonly type: "added" | "modified" | "deleted"; readonly object: T };

export interface WatchOptions extends Selection {
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  /** The server is asked to end each request after about this long. Default 300. */
  readonly timeoutSeconds?: number;
  /** A connection that stays silent for longer is cut and resumed (bookmarks come about once a minute). Default 90 000. */
  readonly idleMs?: number;
  /** Told of every interruption, for the log. */
  readonly onInterrupt?: (error: Error, retryInMs: number) => void;
}

/** Goes on until stopped: failures are retried with back-off, never thrown. One consumer. */
export interface KubeWatch<T> extends AsyncIterable<WatchEvent<T>> {
  /** Milliseconds since the server was last heard (an event, bookmark or list); Infinity when never. Export it, and fail readiness on it. */
  silentMs(): number;
  stop(): void;
}

/** Every call rejects with `KubeError`. */
export interface KubeClient {
  /** Namespace used when a call names none. */
  readonly namespace: string;
  get<T extends KubeObject>(resource: Resource<T>, name: string, options?: CallOptions): Promise<T>;
  /** All pages, bounded by one deadline. A page token that expired starts the list over. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>;
  /** Page by page. */
  pages<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): AsyncIterable<KubeList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** PUT. With `metadata.resourceVersion` it is a compare-and-swap: rejects with `conflict` when the object has changed. */
  replace<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, name: string, patch: unknown, options?: PatchOptions): Promise<T>;
  delete<T extends KubeObject>(resource: Resource<T>, name: string, options?: DeleteOptions): Promise<void>;
  /** Any path; resolves with the parsed JSON (undefined when empty, the text when not JSON). */
  raw<T = unknown>(request: RawRequest): Promise<T>;
  /** The container's log as it comes. With `follow` the deadline covers only the start of the answer. */
  logs(pod: string, options?: LogOptions): Promise<AsyncIterable<Uint8Array>>;
  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): KubeWatch<T>;
  /** Closes connections; calls under way reject. Idempotent. */
  close(): void;
}
