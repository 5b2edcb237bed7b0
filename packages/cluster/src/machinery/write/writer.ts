/**
 * Create, replace and delete, for every kind alike. Each runs without a pause from reading the latest state to taking its place in the
 * journal, so that no other write comes between; only then does it wait.
 */
import type { AddressPlan } from "../../network/types.ts";
import { checkBounds, checkQuotas } from "../admission/bounds.ts";
import { trackUpdate } from "../apply/track.ts";
import type { SchemaSource } from "../fields/schema.ts";
import { jsonClone, jsonEqual } from "../json.ts";
import { generateName } from "../names.ts";
import { keyOfResource, qualifiedKind, type ResourceRow, type WriteContext } from "../resources/row.ts";
import type { Storage, Unversioned } from "../storage/storage.ts";
import type { RequestOptions, WriteResult } from "../store.ts";
import type { ApiObject, Clock, DeleteOptions, Stored } from "../types.ts";
import { validateEphemeralContainers } from "../validation/ephemeral.ts";
import { type FieldError, invalid, invalidObject } from "../validation/field-error.ts";
import { validateMetadata } from "../validation/metadata.ts";
import { Allocator } from "./allocator.ts";
import { type DecodeOptions, decoding, readFields, undecodable } from "./decoding.ts";
import { checkPreconditions, decideDeletion, instancesFinalizer, isReleased } from "./deletion.ts";
import { checkName, type Draft, identify } from "./identity.ts";
import { beginMetadata, carryMetadata, differsInSpec } from "./metadata.ts";
import { alreadyExists, badRequest, conflict, forbiddenObject, namespaceTerminating, notFound } from "./refusals.ts";
import { mergeSubresource } from "./subresources.ts";

type Item = Stored<ApiObject>;

export interface WriterParts {
  readonly storage: Storage;
  readonly plan: AddressPlan;
  readonly clock: Clock;
  /** Without one, fields of the built-in kinds are taken as they come. */
  readonly schemas?: SchemaSource;
}

export interface Intent extends RequestOptions, DecodeOptions {
  /** Written by a part of the cluster itself. */
  readonly isInternal?: boolean;
  /** Server-side apply has worked out the owners of the fields already. */
  readonly isApplied?: boolean;
}

interface Transaction {
  readonly context: WriteContext;
  readonly warnings: string[];
  /** Gives back what the write took. */
  abort(): void;
}

const maxNameTries = 8;
const lastingNamespaces = ["default", "kube-system", "kube-public"];

export class Writer {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #plan: AddressPlan;
  readonly #allocator: Allocator;
  readonly #schemas: SchemaSource | undefined;

  constructor({ storage, plan, clock, schemas }: WriterParts) {
    this.#schemas = schemas;
    this.#storage = storage;
    this.#clock = clock;
    this.#plan = plan;
    this.#allocator = new Allocator(plan);
    this.#followServices();
  }

  /** Takes `body` over. */
  async create(row: ResourceRow, namespace: string, body: ApiObject, intent: Intent): Promise<WriteResult> {
    const transaction = this.#begin(intent);
    return this.#guard(transaction, async () => {
      const named = identify(row, namespace, body);
      this.#readFields(row, named, intent, transaction.context);
      const draft = this.#composeNew(row, named, transaction.context);
      this.#track(row, undefined, draft, intent);
      const object = await this.#store(row, draft, intent, transaction);
      return { object, created: true, warnings: transaction.warnings };
    });
  }

  /** What a request asks to create, read and with its defaults, before the server adds anything of its own. Takes `body` over. */
  draft(row: ResourceRow, namespace: string, body: ApiObject, intent: Intent): { draft: Draft; warnings: string[] } {
    const { context, warnings } = this.#begin(intent);
    const draft = identify(row, namespace, body);
    this.#readFields(row, draft, intent, context);
    applyDefaults(row, draft);
    const { name, generateName: prefix } = draft.metadata;
    if (!name && prefix) draft.metadata.name = generateName(prefix);
    return { draft, warnings };
  }

  /** Whether a PUT to this address creates. */
  createsBy(row: ResourceRow, namespace: string, name: string): boolean {
    return row.strategy.isCreatedByPut === true && this.#storage.latest(row.key, namespace, name) === undefined;
  }

  /** `body` as the object of that name. Throws BadRequest when it says that it is another. */
  named(row: ResourceRow, namespace: string, name: string, body: ApiObject): Draft {
    const draft = identify(row, namespace, body);
    checkName(draft, name);
    return draft;
  }

  /** Replaces the object by what `change` makes of it (a fresh draft, which is taken over). */
  async replace(
    row: ResourceRow,
    namespace: string,
    name: string,
    change: (old: Item) => ApiObject,
    intent: Intent,
  ): Promise<WriteResult> {
    const old = this.#require(row, namespace, name);
    const transaction = this.#begin(intent);
    return this.#guard(transaction, async () => {
      const named = identify(row, namespace, change(old));
      this.#readFields(row, named, intent, transaction.context);
      const draft = this.#composeNext(row, old, named, intent, transaction.context);
      this.#track(row, old, draft, intent);
      const object = await this.#storeNext(row, old, draft, intent, transaction);
      return { object, created: false, warnings: transaction.warnings };
    });
  }

  async remove(row: ResourceRow, namespace: string, name: string, options: DeleteOptions) {
    const old = this.#require(row, namespace, name);
    checkPreconditions(row, old, options);
    if (row.key === "namespaces" && lastingNamespaces.includes(name))
      throw forbiddenObject(row, name, "this namespace may not be deleted");
    const finalizers = this.#hasInstances(row, old) ? [instancesFinalizer] : [];
    const deletion = decideDeletion(row, old, { ...options, finalizers }, this.#clock.now());
    if (deletion.kind === "drop") return { object: options.dryRun ? old : await this.#drop(row, old), gone: true };
    if (deletion.kind === "none" || options.dryRun) {
      await this.#storage.settled(row.key, namespace, name);
      return { object: old, gone: false };
    }
    return { object: await this.#storage.put(row.key, deletion.object as Unversioned), gone: false };
  }

  /** Whether it is a definition of which there are objects. */
  #hasInstances({ key }: ResourceRow, { spec }: Item): boolean {
    if (key !== "customresourcedefinitions.apiextensions.k8s.io") return false;
    const instances = keyOfResource({ group: spec?.group, plural: spec?.names.plural });
    return this.#storage.collection(instances).list().length > 0;
  }

  #require(row: ResourceRow, namespace: string, name: string): Item {
    const object = this.#storage.latest(row.key, namespace, name);
    if (!object) throw notFound(row, name);
    return object;
  }

  #composeNew(row: ResourceRow, draft: Draft, context: WriteContext): Draft {
    if (draft.metadata.resourceVersion) throw badRequest("resourceVersion should not be set on objects to be created");
    beginMetadata(row, draft, context.now);
    if (hasStatus(row) && row.key !== "nodes") delete draft.status;
    this.#checkNamespace(row, draft);
    runHooks(row, draft, context);
    checkBounds(row, draft, context);
    this.#checkFree(row, draft);
    return draft;
  }

  /** The cluster's own parts are typed already. */
  #readFields(row: ResourceRow, draft: Draft, intent: Intent, context: WriteContext): void {
    const schema = row.fields ?? this.#schemas?.schemaOf(row);
    if (schema && !intent.isInternal) readFields(row, draft, schema, intent, context.warn);
  }

  #checkNamespace(row: ResourceRow, { metadata }: Draft): void {
    if (!row.namespaced) return;
    const { namespace = "", name = "" } = metadata;
    const holder = this.#storage.latest("namespaces", "", namespace);
    if (!holder) throw notFound({ group: "", plural: "namespaces" }, namespace);
    if (holder.metadata.deletionTimestamp) throw namespaceTerminating(row, name, namespace);
  }

  /** A generated name that is taken is drawn again. */
  #checkFree(row: ResourceRow, { metadata }: Draft): void {
    const isTaken = () => this.#storage.latest(row.key, metadata.namespace ?? "", metadata.name!) !== undefined;
    for (let tries = 1; isTaken(); tries++) {
      if (!metadata.generateName || tries > maxNameTries) throw alreadyExists(row, metadata.name!);
      metadata.name = generateName(metadata.generateName);
    }
  }

  #composeNext(row: ResourceRow, old: Item, body: Draft, intent: Intent, context: WriteContext): Draft {
    checkName(body, old.metadata.name);
    checkVersion(row, body, old, context);
    const { subresource } = intent;
    if (subresource) return this.#composeSubresource(row, old, body, subresource, context);
    carryMetadata(body, old);
    if (hasStatus(row)) carryStatus(body, old);
    runHooks(row, body, context, old);
    checkQuotas(row, body, context, old);
    if (row.strategy.hasGeneration && differsInSpec(body, old))
      body.metadata.generation = (old.metadata.generation ?? 0) + 1;
    return body;
  }

  #composeSubresource(row: ResourceRow, old: Item, body: Draft, subresource: string, context: WriteContext): Draft {
    const draft = mergeSubresource(subresource, body, old);
    if (!draft) throw badRequest(`${row.key} has no subresource ${subresource} that can be written`);
    // Its containers are new to the object; stored without defaults they would look changed to the next who writes the pod.
    if (subresource === "ephemeralcontainers") {
      row.strategy.defaults?.(draft);
      refuse(row, draft, validateEphemeralContainers(draft, old));
    }
    if (subresource === "resize") checkQuotas(row, draft, context, old);
    if (row.isCustom) refuse(row, draft, row.strategy.validate?.(draft, old) ?? []);
    // Where a pod was placed is no change of what its author wants.
    if (subresource !== "binding" && row.strategy.hasGeneration && differsInSpec(draft, old))
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
    return draft;
  }

  #track(row: ResourceRow, old: Item | undefined, draft: Draft, intent: Intent): void {
    const { fieldManager: manager, subresource, isApplied } = intent;
    // As in Kubernetes, nobody owns where a pod was placed.
    if (!isApplied && subresource !== "binding")
      trackUpdate(row, old, draft, { manager, subresource, now: this.#clock.now() });
  }

  async #storeNext(row: ResourceRow, old: Item, draft: Draft, intent: Intent, transaction: Transaction): Promise<Item> {
    if (jsonEqual(draft, old)) {
      await this.#storage.settled(row.key, old.metadata.namespace ?? "", old.metadata.name);
      return old;
    }
    if (isReleased(row, draft) && !intent.dryRun) return this.#drop(row, draft as Item);
    const object = await this.#store(row, draft, intent, transaction);
    if (row.key === "services" && !intent.dryRun) this.#allocator.settle(old.metadata.uid, old, object);
    return object;
  }

  async #store(row: ResourceRow, draft: Draft, intent: Intent, transaction: Transaction): Promise<Item> {
    if (!intent.dryRun) return this.#storage.put(row.key, draft as Unversioned);
    transaction.abort();
    return draft as Item;
  }

  async #drop(row: ResourceRow, object: Item): Promise<Item> {
    const gone = await this.#storage.drop(row.key, object);
    if (row.key === "services") this.#allocator.settle(object.metadata.uid, object, undefined);
    return gone;
  }

  #begin(intent: Intent): Transaction {
    const warnings: string[] = [];
    const allocations = this.#allocator.begin();
    const context: WriteContext = {
      latest: (resource, namespace, name) => this.#storage.latest(resource, namespace, name),
      present: (resource, namespace) => this.#storage.present(resource, namespace),
      list: (resource) => this.#storage.collection(resource).list(),
      plan: this.#plan,
      now: this.#clock.now(),
      isInternal: intent.isInternal ?? false,
      allocations,
      warn: (message) => warnings.push(message),
    };
    return { context, warnings, abort: () => allocations.release() };
  }

  async #guard<T>(transaction: Transaction, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      transaction.abort();
      throw error;
    }
  }

  #followServices(): void {
    for (const service of this.#storage.collection("services").list())
      this.#allocator.adopt(service.metadata.uid, service);
  }
}

const hasStatus = (row: ResourceRow) => row.subresources.includes("status");

function carryStatus(draft: Draft, old: Item): void {
  if (old.status === undefined) delete draft.status;
  else draft.status = jsonClone(old.status); // defaults write into it, and the stored one is frozen
}

function checkVersion(row: ResourceRow, { metadata }: Draft, old: Item, { isInternal }: WriteContext): void {
  const { uid, resourceVersion, name } = old.metadata;
  if (metadata.uid && metadata.uid !== uid)
    throw conflict(row, name, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`);
  if (metadata.resourceVersion && metadata.resourceVersion !== resourceVersion) throw conflict(row, name);
  if (!metadata.resourceVersion && row.strategy.isVersionRequired && !isInternal)
    throw invalidObject(qualifiedKind(row), name, [versionMissing]);
}

const versionMissing = invalid("metadata.resourceVersion", 0, "must be specified for an update");

const applyDefaults = (row: ResourceRow, draft: Draft): void =>
  decoding(
    (why) => undecodable(row, why),
    () => row.strategy.defaults?.(draft),
  );

function runHooks(row: ResourceRow, draft: Draft, context: WriteContext, old?: Item): void {
  const { admit, prepare, validate, validateUpdate, allocate } = row.strategy;
  applyDefaults(row, draft);
  admit?.(draft, context, old);
  prepare?.(draft, context, old);
  refuse(row, draft, [
    ...validateMetadata(row, draft, old),
    ...(validate?.(draft, old) ?? []),
    ...((old && validateUpdate?.(draft, old, context)) ?? []),
  ]);
  refuse(row, draft, allocate?.(draft, context) ?? []);
}

function refuse(row: ResourceRow, draft: Draft, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject(qualifiedKind(row), draft.metadata.name ?? "", errors);
}
