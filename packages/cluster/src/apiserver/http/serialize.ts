/** Joins the JSON of stored objects, which the store encodes once for all readers, into lists and watch events. */
import type { ApiStore } from "../../machinery/store.ts";
import type { ApiObject, Stored, WatchEventType } from "../../machinery/types.ts";

type Encoder = Pick<ApiStore, "json">;
type Item = Stored<ApiObject>;

const eventEnd = Buffer.from("}\n");
const listEnd = Buffer.from("]}\n");
const objectStart = Buffer.from("{");
const comma = Buffer.from(",");

interface EncodedEvent {
  readonly type: WatchEventType;
  readonly object: Item;
  readonly bytes: Buffer;
}

/** Each store's last event: a change goes to all its watchers in a row, so one is enough, and no copy of an object stays behind. */
const lastEvents = new WeakMap<Encoder, EncodedEvent>();

/** One line of a watch. */
export function eventBytes(store: Encoder, type: WatchEventType, object: Item): Buffer {
  const last = lastEvents.get(store);
  if (last?.object === object && last.type === type) return last.bytes;
  const bytes = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), store.json(object), eventEnd]);
  lastEvents.set(store, { type, object, bytes });
  return bytes;
}

/** Lists without their heads. The store shares the array of items, all of one kind, between readers until the next write; so lives this. */
const tails = new WeakMap<readonly Item[], Buffer>();

/**
 * A list in two pieces: `head`, an object to which `items` is added as the last field, and the items. `implied` is how the JSON of an item begins
 * when its kind is what the list's kind says; built-in kinds leave it out of their items, as in Kubernetes.
 */
export function listBytes(store: Encoder, head: object, items: readonly Item[], implied?: Buffer): readonly Buffer[] {
  let tail = tails.get(items);
  if (!tail) {
    tail = joinItems(store, items, implied);
    tails.set(items, tail);
  }
  return [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`), tail];
}

function joinItems(store: Encoder, items: readonly Item[], implied: Buffer | undefined): Buffer {
  const parts: Buffer[] = [];
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
