/** The registry behind both its faces: typed calls of the cluster's own parts, and requests that came over HTTP. */

import { applyConfig, readConfig } from "./apply/apply.ts";
import { isStatus } from "./errors.ts";
import { Gate } from "./gate/gate.ts";
import type { FindKind } from "./gate/policies.ts";
import { jsonClone, jsonEqual } from "./json.ts";
import { patched, quotePatch } from "./patch/patch.ts";
import { readPage } from "./read/page.ts";
import { startWatch } from "./read/watch.ts";
import { Catalogue } from "./resources/catalogue.ts";
import { apiVersionOf, type ResourceRow } from "./resources/row.ts";
import { matchesSelector, parseSelector, selectorOfLabels } from "./selectors.ts";
import type { Storage } from "./storage/storage.ts";
import type {
  ApiStore,
  PageOptions,
  PatchType,
  RequestOptions,
  ResourceDescriptor,
  WatchMessage,
  WatchOptions,
  WriteResult,
} from "./store.ts";
import type { ApiObject, Change, Clock, DeleteOptions, ListOptions, Stored, WriteOptions } from "./types.ts";
import { invalidObject, required } from "./validation/field-error.ts";
import { awaitAccount } from "./write/await-account.ts";
import { withBinding } from "./write/binding.ts";
import { checkName } from "./write/identity.ts";
import { notFound } from "./write/refusals.ts";
import { scaleOf, withScale } from "./write/scale.ts";
import { type Intent, Writer, type WriterParts } from "./write/writer.ts";

type Item = Stored<ApiObject>;

const maxModifyTries = 10;

export class Machinery implements ApiStore {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #catalogue: Catalogue;
  readonly #writer: Gate;

  constructor(parts: WriterParts) {
    this.#storage = parts.storage;
    this.#clock = parts.clock;
    this.#catalogue = new Catalogue();
    const findKind: FindKind = (apiVersion, kind) =>
      this.#catalogue.rows().find((row) => row.kind === kind && apiVersionOf(row) === apiVersion)?.key;
    this.#writer = new Gate(new Writer(parts), parts.storage, findKind);
    this.#followDefinitions();
  }

  #followDefinitions(): void {
    this.subscribe<ApiObject>("customresourcedefinitions.apiextensions.k8s.io", ({ type, object }) => {
      if (type === "DELETED") this.#catalogue.forget(object);
      else this.#catalogue.define(object);
    });
  }

  get resourceVersion(): string {
    return String(this.#storage.version);
  }

  find(group: string, version: string, plural: string): ResourceDescriptor | undefined {
    return this.#catalogue.find(group, version, plural);
  }

  descriptors(): readonly ResourceDescriptor[] {
    return this.#catalogue.rows();
  }

  json(object: Item): Buffer {
    return this.#storage.json(object);
  }

  page(resource: ResourceDescriptor, options: PageOptions) {
    return readPage(this.#storage, this.#catalogue.rowOf(resource), options);
  }

  watch(resource: ResourceDescriptor, options: WatchOptions, listener: (message: WatchMessage) => void): () => void {
    return startWatch(this.#storage, this.#clock, this.#catalogue.rowOf(resource), options, listener);
  }

  async post(resource: ResourceDescriptor, namespace: string, body: ApiObject, options: RequestOptions) {
    const row = this.#catalogue.rowOf(resource);
    if (options.subresource === "binding") return this.#bind(row, namespace, body, options);
    if (row.key === "pods") await this.#awaitDefaultAccount(namespace, body);
    return this.#writer.create(row, namespace, body, options);
  }

  /** Only the default account is waited for, and only where its namespace can have one. */
  async #awaitDefaultAccount(namespace: string, { spec }: ApiObject): Promise<void> {
    const wanted = spec?.serviceAccountName ?? spec?.serviceAccount ?? "default";
    if (wanted === "default" && this.#storage.latest("namespaces", "", namespace))
      await awaitAccount(this.#storage, this.#clock, namespace, wanted);
  }

  #bind(row: ResourceRow, namespace: string, body: ApiObject, options: RequestOptions): Promise<WriteResult> {
    const bind = (pod: Item) => withBinding(pod, body, this.#clock.now());
    return this.#writer.replace(row, namespace, body.metadata?.name ?? "", bind, options);
  }

  async put(resource: ResourceDescriptor, namespace: string, name: string, body: ApiObject, options: RequestOptions) {
    const row = this.#catalogue.rowOf(resource);
    if (options.subresource) return this.#replace(row, namespace, name, () => body, options);
    return this.#writer.createOrReplace(row, namespace, name, body, options);
  }

  async patch(
    resource: ResourceDescriptor,
    namespace: string,
    name: string,
    type: PatchType,
    body: unknown,
    options: RequestOptions,
  ): Promise<WriteResult> {
    const row = this.#catalogue.rowOf(resource);
    if (type === "apply") return this.#apply(row, namespace, name, readConfig(row, body), options);
    const intent = { ...options, quotePatch: quotePatch(type, body) };
    return this.#replace(row, namespace, name, (old) => patched(row, old, type, body), intent);
  }

  async #apply(row: ResourceRow, namespace: string, name: string, config: ApiObject, options: RequestOptions) {
    const { fieldManager: manager, force = false, subresource } = options;
    if (!manager) throw invalidObject("PatchOptions.meta.k8s.io", "", [managerMissing]);
    const apply = (live?: Item) =>
      applyConfig(row, live, config, { manager, force, subresource, now: this.#clock.now() });
    const intent = { ...options, isApplied: true };
    if (this.#storage.latest(row.key, namespace, name))
      return this.#writer.replace(row, namespace, name, apply, intent);
    if (subresource) throw notFound(row, name);
    return this.#writer.create(row, namespace, named(apply(), name), intent);
  }

  /** Through the scale subresource, requests read and write a Scale in place of the object. */
  async #replace(row: ResourceRow, namespace: string, name: string, change: (old: Item) => ApiObject, options: Intent) {
    if (options.subresource !== "scale") return this.#writer.replace(row, namespace, name, change, options);
    const rescale = (old: Item) => withScale(old, change(scaleOf(row, old)));
    const result = await this.#writer.replace(row, namespace, name, rescale, options);
    return { ...result, object: scaleOf(row, result.object) };
  }

  async remove(resource: ResourceDescriptor, namespace: string, name: string, options: DeleteOptions) {
    return this.#writer.remove(this.#catalogue.rowOf(resource), namespace, name, options);
  }

  get<T>(resource: string, namespace: string, name: string): T | undefined {
    return this.#storage.collection(resource).get(namespace, name) as T | undefined;
  }

  list<T>(resource: string, { namespace = "", labels }: ListOptions = {}): readonly T[] {
    const items = this.#storage.collection(resource).list(namespace);
    if (!labels) return items as readonly T[];
    const selector = typeof labels === "string" ? parseSelector(labels) : selectorOfLabels(labels);
    return items.filter((item) =>
      matchesSelector(selector, item.metadata.labels),
    ) as readonly unknown[] as readonly T[];
  }

  async create<T>(resource: string, object: ApiObject, options: WriteOptions = {}): Promise<T> {
    const row = this.#catalogue.require(resource);
    const body = jsonClone(object);
    const namespace = namespaceOf(row, body);
    return (await this.#writer.create(row, namespace, body, internal(options))).object as T;
  }

  async update<T>(resource: string, object: ApiObject, options: WriteOptions = {}): Promise<T> {
    const row = this.#catalogue.require(resource);
    const body = jsonClone(object);
    const name = body.metadata?.name ?? "";
    return (await this.#writer.replace(row, namespaceOf(row, body), name, () => body, internal(options))).object as T;
  }

  /** A conflict comes only of a pause between reading and storing, which there is where others have a say. */
  async modify<T>(
    resource: string,
    namespace: string,
    name: string,
    // biome-ignore lint/suspicious/noConfusingVoidType: as in the contract.
    change: (draft: never) => false | void,
    options: WriteOptions = {},
  ): Promise<T | undefined> {
    for (let tries = 1; ; tries++)
      try {
        return await this.#modifyOnce<T>(resource, namespace, name, change, options);
      } catch (error) {
        if (tries === maxModifyTries || !isStatus(error, "Conflict")) throw error;
      }
  }

  /** Reading, changing and, as a rule, taking a place in the order happen without a pause. */
  async #modifyOnce<T>(
    resource: string,
    namespace: string,
    name: string,
    // biome-ignore lint/suspicious/noConfusingVoidType: as in the contract.
    change: (draft: never) => false | void,
    options: WriteOptions,
  ): Promise<T | undefined> {
    const row = this.#catalogue.require(resource);
    const old = this.#storage.latest(row.key, namespace, name);
    if (!old) return undefined;
    const draft = jsonClone<ApiObject>(old);
    if (change(draft as never) === false) return undefined;
    if (jsonEqual(draft, old)) {
      await this.#storage.settled(row.key, namespace, name);
      return old as T;
    }
    return (await this.#writer.replace(row, namespace, name, () => draft, internal(options))).object as T;
  }

  async delete(resource: string, namespace: string, name: string, options: DeleteOptions = {}): Promise<void> {
    await this.#writer.remove(this.#catalogue.require(resource), namespace, name, options);
  }

  subscribe<T>(resource: string, listener: (change: Change<T>) => void): () => void {
    const tell = listener as unknown as (change: Change<ApiObject>) => void;
    for (const object of this.#storage.collection(resource).list()) tell({ type: "ADDED", object });
    return this.#storage.listen(resource, tell);
  }

  async close(): Promise<void> {
    await this.#storage.close();
  }
}

const managerMissing = required("fieldManager", "is required for apply patch");

/** Throws BadRequest when the configuration names another object than the request. */
function named(config: ApiObject, name: string): ApiObject {
  const draft = { ...config, metadata: { ...config.metadata } };
  checkName(draft, name);
  return draft;
}

const internal = (options: WriteOptions) => ({ ...options, isInternal: true });

function namespaceOf(row: ResourceRow, body: ApiObject): string {
  return row.namespaced ? (body.metadata?.namespace ?? "default") : "";
}
