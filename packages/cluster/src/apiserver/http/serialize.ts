/** JSON bytes of stored objects. Stored objects are frozen and shared, so each is serialised once, however many readers it has. */
import type { WatchEventType } from "../../machinery/types.ts";

const bodies = new WeakMap<object, Buffer>();
const events: Readonly<Record<WatchEventType, WeakMap<object, Buffer>>> = {
  ADDED: new WeakMap(),
  MODIFIED: new WeakMap(),
  DELETED: new WeakMap(),
};
const eventEnd = Buffer.from("}\n");
const listEnd = Buffer.from("]}\n");
const comma = Buffer.from(",");

export function objectBytes(object: object): Buffer {
  let bytes = bodies.get(object);
  if (bytes === undefined) {
    bytes = Buffer.from(JSON.stringify(object));
    bodies.set(object, bytes);
  }
  return bytes;
}

/** One line of a watch. */
export function eventBytes(type: WatchEventType, object: object): Buffer {
  const cache = events[type];
  let bytes = cache.get(object);
  if (bytes === undefined) {
    bytes = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), objectBytes(object), eventEnd]);
    cache.set(object, bytes);
  }
  return bytes;
}

/** A list: `head` is an object to which `items` is added as the last field. */
export function listBytes(head: object, items: readonly object[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  items.forEach((item, index) => {
    if (index > 0) parts.push(comma);
    parts.push(objectBytes(item));
  });
  parts.push(listEnd);
  return Buffer.concat(parts);
}
