/** The registry as the API server uses it: verbs with every option that HTTP can carry, for kinds known only at run time. */
import type { ApiObject, Change, DeleteOptions, Registry, Stored } from "./types.ts";

/** One row of the resource table: what the API server and discovery need to know of a kind. */
export interface ResourceDescriptor {
  /** `""` for core. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in URLs. */
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** `all` for what `kubectl get all` lists. */
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
  /** Whether a CustomResourceDefinition made it. */
  readonly isCustom?: boolean;
}

/** `plural` or `plural.group`, the key of the registry. */
export type ResourceKey = string;

export interface PageOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** 0 means all. */
  readonly limit?: number;
  readonly continueToken?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface Page {
  readonly items: readonly Stored<ApiObject>[];
  readonly resourceVersion: string;
  readonly continueToken?: string;
  readonly remainingItemCount?: number;
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

export interface RequestOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
  /** Server-side apply: take over fields of other managers. */
  readonly force?: boolean;
  readonly subresource?: string;
  /** Who asks, for those who have a say in writes; a part of the cluster itself when absent. */
  readonly user?: Author;
}

/** Who makes a request, as authentication found out. */
export interface Author {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface WriteResult {
  readonly object: Stored<ApiObject>;
  readonly created: boolean;
  /** For Warning headers. */
  readonly warnings: readonly string[];
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Undefined or "0": start with synthetic ADDED events for what is present. */
  readonly resourceVersion?: string;
  readonly allowBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
}

export type WatchMessage =
  | { readonly type: Change<ApiObject>["type"]; readonly object: Stored<ApiObject> }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd?: boolean };

/** All methods reject with StatusError. */
export interface ApiStore extends Registry {
  /** Finds a served resource; custom resources included. */
  find(group: string, version: string, plural: string): ResourceDescriptor | undefined;
  descriptors(): readonly ResourceDescriptor[];
  /** The object's JSON in UTF-8, made once per version and shared: write it out, don't change it. */
  json(object: Stored<ApiObject>): Buffer;
  /** Latest resourceVersion. */
  readonly resourceVersion: string;
  page(resource: ResourceDescriptor, options: PageOptions): Page;
  /** Takes `body` over: the caller must not use it afterwards. So do `put` and `patch`. */
  post(resource: ResourceDescriptor, namespace: string, body: ApiObject, options: RequestOptions): Promise<WriteResult>;
  put(
    resource: ResourceDescriptor,
    namespace: string,
    name: string,
    body: ApiObject,
    options: RequestOptions,
  ): Promise<WriteResult>;
  /** `body` is the parsed patch: an array for json, an object otherwise. */
  patch(
    resource: ResourceDescriptor,
    namespace: string,
    name: string,
    type: PatchType,
    body: unknown,
    options: RequestOptions,
  ): Promise<WriteResult>;
  /** Resolves with the object (still there while it has finalizers or a grace period) and whether it is gone. */
  remove(
    resource: ResourceDescriptor,
    namespace: string,
    name: string,
    options: DeleteOptions & Pick<RequestOptions, "user">,
  ): Promise<{ readonly object: Stored<ApiObject>; readonly gone: boolean }>;
  /**
   * Delivers what is present (where asked) and then every change, in order, synchronously with the write. Throws Expired (410) when `resourceVersion` is
   * older than the retained history. Selector changes turn into ADDED and DELETED as Kubernetes does. Returns the stop function.
   */
  watch(resource: ResourceDescriptor, options: WatchOptions, listener: (message: WatchMessage) => void): () => void;
  /** Writes what is pending, closes the files. */
  close(): Promise<void>;
}
