/**
 * The objects, their order of changes, and when a change can be seen.
 *
 * A write becomes visible (to get, list and watchers) only once it is durable. The alternative, to show it at once and merely hold back
 * the answer, is simpler and was rejected: a crash between the two would take back what a watcher has acted on, and the next run would
 * give the same resourceVersion to another object, which no client could tell apart. A Lease read that way breaks fencing.
 *
 * Writers may not wait for the disk, though, or group commit would group nothing. So there are two views: `latest` includes what is on its
 * way to the disk, and writers (preconditions, name and address allocation, admission) decide on it; `collection` is what is committed.
 * `#pending` holds only the difference. Records become durable in the order of their versions, so a write that was decided on a pending
 * one can't survive it.
 *
 * Without a journal a change commits within the call.
 */
import { deepFreeze } from "../json.ts";
import type { ApiObject, Stored } from "../types.ts";
import { Collection } from "./collection.ts";
import { History, type ObjectChange } from "./history.ts";
import type { Journal, JournalRecord } from "./journal.ts";

type Item = Stored<ApiObject>;
export type ChangeListener = (change: ObjectChange) => void;

/** A version that no older one equals; the object is complete but for it. */
export type Unversioned = ApiObject & { metadata: { name: string; namespace?: string; resourceVersion?: string } };

interface Shelf {
  readonly committed: Collection;
  readonly history: History;
  readonly listeners: Set<ChangeListener>;
}

interface Pending {
  /** Undefined for a deletion. */
  readonly object: Item | undefined;
  readonly version: number;
  readonly done: Promise<void>;
}

export interface StorageOptions {
  readonly journal?: Journal;
  /** Changes kept per resource for watchers that resume. */
  readonly historyLimit: number;
}

export class Storage {
  readonly #shelves = new Map<string, Shelf>();
  readonly #pending = new Map<string, Pending>();
  readonly #json = new WeakMap<Item, Buffer>();
  readonly #options: StorageOptions;
  readonly #queue: { readonly version: number; readonly record: JournalRecord }[] = [];
  readonly #deliveries: { readonly listeners: Set<ChangeListener>; readonly change: ObjectChange }[] = [];
  #assigned = 1;
  #committed = 1;
  #floor = 1;

  constructor(options: StorageOptions) {
    this.#options = options;
  }

  /** The version of the last committed change. */
  get version(): number {
    return this.#committed;
  }

  collection(resource: string): Collection {
    return this.#shelf(resource).committed;
  }

  history(resource: string): History {
    return this.#shelf(resource).history;
  }

  resources(): readonly string[] {
    return [...this.#shelves.keys()];
  }

  /** The object as the next writer must see it: committed or on its way. */
  latest(resource: string, namespace: string, name: string): Item | undefined {
    const pending = this.#pending.get(pendingKey(resource, namespace, name));
    return pending ? pending.object : this.collection(resource).get(namespace, name);
  }

  /** All objects of a namespace as the next writer must see them. */
  present(resource: string, namespace: string): readonly Item[] {
    const committed = this.collection(resource).list(namespace);
    const prefix = pendingKey(resource, namespace, "");
    const coming = [...this.#pending].filter(([key]) => key.startsWith(prefix));
    if (coming.length === 0) return committed;
    const names = new Set(coming.map(([key]) => key.slice(prefix.length)));
    const others = committed.filter(({ metadata }) => !names.has(metadata.name));
    return [...others, ...coming.flatMap(([, { object }]) => object ?? [])];
  }

  /** Resolves when what `latest` shows of the object is durable. */
  async settled(resource: string, namespace: string, name: string): Promise<void> {
    await this.#pending.get(pendingKey(resource, namespace, name))?.done;
  }

  /** The object's JSON, made once. */
  json(object: Item): Buffer {
    const known = this.#json.get(object);
    if (known) return known;
    const json = Buffer.from(JSON.stringify(object));
    this.#json.set(object, json);
    return json;
  }

  /** Creates or replaces; takes the object over and freezes it. Resolves when durable and visible. */
  async put(resource: string, object: Unversioned): Promise<Item> {
    return this.#write("put", resource, object);
  }

  /** Deletes; resolves with the last state under the deletion's version. */
  async drop(resource: string, object: Item): Promise<Item> {
    return this.#write("drop", resource, { ...object, metadata: { ...object.metadata } });
  }

  /** Calls `listener` with every change of the resource from now on, in order, as it commits. */
  listen(resource: string, listener: ChangeListener): () => void {
    const { listeners } = this.#shelf(resource);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Takes in an object of a snapshot, before the first write. */
  load(resource: string, object: Item): void {
    this.collection(resource).set(deepFreeze(object));
  }

  /** Sets the version that the loaded objects stand for; what came before is not known. */
  startAt(version: number): void {
    this.#assigned = version;
    this.#committed = version;
    this.#floor = version;
  }

  /** Takes in a change that the journal holds, before the first write. A deletion's object may be no more than its identity. */
  replay({ operation, resource, object }: Omit<JournalRecord, "json">): void {
    const { namespace = "", name, resourceVersion } = object.metadata;
    this.#assigned = Number(resourceVersion);
    const last = operation === "drop" ? this.collection(resource).get(namespace, name) : undefined;
    const state = last ? { ...last, metadata: { ...last.metadata, resourceVersion } } : object;
    this.#commit({ operation, resource, object: deepFreeze(state) });
  }

  async close(): Promise<void> {
    await this.#options.journal?.close();
  }

  async #write(operation: JournalRecord["operation"], resource: string, draft: Unversioned): Promise<Item> {
    const version = ++this.#assigned;
    draft.metadata.resourceVersion = String(version);
    const object = deepFreeze(draft) as Item;
    const record = { operation, resource, object };
    const { journal } = this.#options;
    if (journal) await this.#log(journal, version, { ...record, json: this.json(object) });
    else this.#commit(record);
    return object;
  }

  async #log(journal: Journal, version: number, record: JournalRecord): Promise<void> {
    const { namespace = "", name } = record.object.metadata;
    const key = pendingKey(record.resource, namespace, name);
    this.#queue.push({ version, record });
    const done = journal.append(record).then(() => this.#commitUpTo(version));
    this.#pending.set(key, { object: record.operation === "put" ? record.object : undefined, version, done });
    try {
      await done;
    } finally {
      if (this.#pending.get(key)?.version === version) this.#pending.delete(key);
    }
  }

  /** All before a durable record is durable too; committing it along keeps the order whatever the order of the answers. */
  #commitUpTo(version: number): void {
    while (this.#queue[0] && this.#queue[0].version <= version) this.#commit(this.#queue.shift()!.record);
  }

  #commit({ operation, resource, object }: Omit<JournalRecord, "json">): void {
    const { committed, history, listeners } = this.#shelf(resource);
    const { namespace = "", name } = object.metadata;
    const previous = committed.get(namespace, name);
    if (operation === "put") committed.set(object);
    else committed.delete(namespace, name);
    this.#committed = Number(object.metadata.resourceVersion);
    const type = operation === "drop" ? "DELETED" : previous ? "MODIFIED" : "ADDED";
    const change: ObjectChange = previous ? { type, object, previous } : { type, object };
    history.push(change);
    if (previous) this.#json.delete(previous);
    this.#deliveries.push({ listeners, change });
    if (this.#deliveries.length === 1) this.#deliver();
  }

  /** A listener that writes makes the next change before the others have heard of this one; the queue keeps everybody's order. */
  #deliver(): void {
    for (let next = this.#deliveries[0]; next; next = this.#deliveries[0]) {
      for (const listener of [...next.listeners]) tell(listener, next.change);
      this.#deliveries.shift();
    }
  }

  #shelf(resource: string): Shelf {
    let shelf = this.#shelves.get(resource);
    if (!shelf) {
      const history = new History(this.#options.historyLimit, this.#floor);
      shelf = { committed: new Collection(), history, listeners: new Set() };
      this.#shelves.set(resource, shelf);
    }
    return shelf;
  }
}

/** A listener that throws is a bug, but not of the write or of the other listeners: it surfaces as an uncaught exception. */
function tell(listener: ChangeListener, change: ObjectChange): void {
  try {
    listener(change);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

const pendingKey = (resource: string, namespace: string, name: string) => `${resource}/${namespace}/${name}`;
