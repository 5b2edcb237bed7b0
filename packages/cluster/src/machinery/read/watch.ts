/** Watches: what is present or what has been missed, then every change, as the request's selectors see it. */
import { StatusError } from "../errors.ts";
import type { ResourceRow } from "../resources/row.ts";
import type { ObjectChange } from "../storage/history.ts";
import type { Storage } from "../storage/storage.ts";
import type { WatchMessage, WatchOptions } from "../store.ts";
import type { Clock } from "../types.ts";
import { type Filter, filterOf } from "./filter.ts";
import { checkNotFuture, parseVersion } from "./version.ts";

type Listener = (message: WatchMessage) => void;

const bookmarkIntervalMs = 60_000;

/** Starts a watch; returns its stop function. */
export function startWatch(
  storage: Storage,
  clock: Clock,
  row: ResourceRow,
  options: WatchOptions,
  listener: Listener,
): () => void {
  const filter = filterOf(row, options);
  const deliver = (change: ObjectChange) => {
    const message = filter ? view(change, filter) : change;
    if (message) listener({ type: message.type, object: message.object });
  };
  const backlog = missedChanges(storage, row, options);
  if (backlog) backlog.forEach(deliver);
  else sendPresent(storage, row, options, filter, listener);
  const unlisten = storage.listen(row.key, deliver);
  const stopBookmarks = options.allowBookmarks ? sendBookmarks(storage, clock, listener) : () => {};
  return () => {
    unlisten();
    stopBookmarks();
  };
}

/** Undefined when the watch begins with what is present. */
function missedChanges(storage: Storage, row: ResourceRow, options: WatchOptions): readonly ObjectChange[] | undefined {
  const { resourceVersion, sendInitialEvents } = options;
  if (!resourceVersion || resourceVersion === "0") return sendInitialEvents === false ? [] : undefined;
  const version = parseVersion(resourceVersion);
  checkNotFuture(version, storage.version);
  if (sendInitialEvents) return undefined;
  const history = storage.history(row.key);
  const changes = history.since(version);
  if (!changes) throw new StatusError("Expired", `too old resource version: ${version} (${history.floor})`);
  return changes;
}

function sendPresent(
  storage: Storage,
  row: ResourceRow,
  options: WatchOptions,
  filter: Filter | undefined,
  listener: Listener,
): void {
  for (const object of storage.collection(row.key).list(options.namespace))
    if (!filter || filter(object)) listener({ type: "ADDED", object });
  if (options.sendInitialEvents && options.allowBookmarks)
    listener({ type: "BOOKMARK", resourceVersion: String(storage.version), initialEventsEnd: true });
}

/** The change as a selector sees it: an object that comes into view is ADDED, one that leaves it is DELETED. */
function view(change: ObjectChange, filter: Filter): Pick<ObjectChange, "type" | "object"> | undefined {
  const { type, object, previous } = change;
  const isSeen = type !== "DELETED" && filter(object);
  const wasSeen = previous !== undefined && filter(previous);
  if (isSeen) return { type: wasSeen ? "MODIFIED" : "ADDED", object };
  if (!wasSeen) return undefined;
  if (type === "DELETED") return { type, object };
  const { resourceVersion } = object.metadata;
  return { type: "DELETED", object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } };
}

/** Tells a quiet watcher now and then how far it has seen, so that it can resume from there. */
function sendBookmarks(storage: Storage, clock: Clock, listener: Listener): () => void {
  let cancel = () => {};
  const schedule = () => {
    cancel = clock.after(bookmarkIntervalMs, () => {
      schedule();
      listener({ type: "BOOKMARK", resourceVersion: String(storage.version) });
    });
  };
  schedule();
  return () => cancel();
}
