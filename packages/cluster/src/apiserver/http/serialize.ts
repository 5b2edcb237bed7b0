/** Joins the JSON of stored objects, which the store encodes once for all readers, into lists and watch events. */
import type { ApiStore } from "../../machinery/store.ts";
import type { ApiObject, Stored, WatchEventType } from "../../machinery/types.ts";

type Encoder = Pick<ApiStore, "json">;
type Item = Stored<ApiObject>;

const eventEnd = Buffer.from("}\n");
const listEnd = Buffer.from("]}\n");
const objectStart = Buffer.from("{");
const comma = Buffer.from(",");

/** Events already encoded, shared by all watchers; stored objects never change, so an entry lives as long as its object. */
const events: Readonly<Record<WatchEventType, WeakMap<object, Buffer>>> = {
  ADDED: new WeakMap(),
  MODIFIED: new WeakMap(),
  DELETED: new WeakMap(),
};

/** One line of a watch. */
export function eventBytes(store: Encoder, type: WatchEventType, object: Item): Buffer {
  const cache = events[type];
  let bytes = cache.get(object);
  if (bytes === undefined) {
    bytes = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), store.json(object), eventEnd]);
    cache.set(object, bytes);
  }
  return bytes;
}

/**
 * A list: `head` is an object to which `items` is added as the last field. `implied` is how the JSON of an item begins when its kind is what the
 * list's kind says; built-in kinds leave it out of their items, as in Kubernetes.
 */
export function listBytes(store: Encoder, head: object, items: readonly Item[], implied?: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  items.forEach((item, index) => {
    if (index > 0) parts.push(comma);
    const bytes = store.json(item);
    const isImplied = implied !== undefined && bytes.subarray(0, implied.length).equals(implied);
    if (isImplied) parts.push(objectStart, bytes.subarray(implied.length));
    else parts.push(bytes);
  });
  parts.push(listEnd);
  return Buffer.concat(parts);
}

/** How the JSON of an object of that kind begins. */
export const kindPrefix = (apiVersion: string, kind: string): Buffer =>
  Buffer.from(`{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},`);
