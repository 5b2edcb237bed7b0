/**
 * Watch streams: one JSON line per event on a chunked answer. A watcher that reads slower than events come is cut once
 * `maxBacklogBytes` wait for it; it then lists and watches again, as every Kubernetes client does.
 */
import type { ServerResponse } from "node:http";
import { isStatus, type StatusError } from "../../machinery/errors.ts";
import { apiVersionOf } from "../../machinery/resources/row.ts";
import type { ApiStore, ResourceDescriptor, WatchMessage, WatchOptions } from "../../machinery/store.ts";
import type { ApiObject, Stored, WatchEventType } from "../../machinery/types.ts";
import type { ApiContext, Call } from "../context.ts";
import { integer, watchOptions } from "./options.ts";
import { eventBytes } from "./serialize.ts";

const maxBacklogBytes = 8 * 1024 * 1024;
const minTimeoutSeconds = 1800;

/** Turns an object into what the client asked for; undefined sends it as it is. */
export type ObjectForm = (object: Stored<ApiObject>) => unknown;

/** Serves the watch until the client leaves, the time asked for is over, or the server stops. */
export function serveWatch(context: ApiContext, call: Call, resource: ResourceDescriptor, form?: ObjectForm): void {
  const { query, namespace } = call.info;
  const options = watchOptions(query, namespace);
  const timeoutSeconds = integer(query, "timeoutSeconds") || minTimeoutSeconds * (1 + Math.random());
  const { response } = call;
  const stream = new WatchStream(context.store, response, resource, form);
  response.setHeader("Content-Type", "application/json");
  response.setHeader("Cache-Control", "no-cache, private");
  const stops = [subscribe(context, stream, resource, options)];
  response.flushHeaders();
  stops.push(
    context.counters.watching(),
    onAbort(context.stopping, () => response.end()),
  );
  const expire = () => {
    if (options.allowBookmarks) stream.bookmark(context.store.resourceVersion);
    response.end();
  };
  stops.push(context.clock.after(timeoutSeconds * 1000, expire));
  response.on("close", () => {
    for (const stop of stops) stop();
  });
}

/** A version that is too old is told inside the stream, which is where clients look for it; other refusals are ordinary answers. */
function subscribe(
  context: ApiContext,
  stream: WatchStream,
  resource: ResourceDescriptor,
  options: WatchOptions,
): () => void {
  try {
    return stream.begin((listener) => context.store.watch(resource, options, listener));
  } catch (error) {
    if (!isStatus(error, "Expired")) throw error;
    stream.fail(error);
    return () => {};
  }
}

function onAbort(signal: AbortSignal, task: () => void): () => void {
  signal.addEventListener("abort", task);
  return () => signal.removeEventListener("abort", task);
}

class WatchStream {
  readonly #store: ApiStore;
  readonly #response: ServerResponse;
  readonly #resource: ResourceDescriptor;
  readonly #form: ObjectForm | undefined;
  #isLive = false;

  constructor(store: ApiStore, response: ServerResponse, resource: ResourceDescriptor, form: ObjectForm | undefined) {
    this.#store = store;
    this.#response = response;
    this.#resource = resource;
    this.#form = form;
  }

  /** Subscribes; what is present already goes out in one piece and does not count as backlog. */
  begin(subscribe: (listener: (message: WatchMessage) => void) => () => void): () => void {
    this.#response.cork();
    try {
      return subscribe((message) => this.#deliver(message));
    } finally {
      this.#response.uncork();
      this.#isLive = true;
    }
  }

  #deliver(message: WatchMessage): void {
    if (message.type === "BOOKMARK") this.bookmark(message.resourceVersion, message.initialEventsEnd);
    else this.#write(this.#line(message.type, message.object));
  }

  #line(type: WatchEventType, object: Stored<ApiObject>): Buffer | string {
    if (this.#form === undefined) return eventBytes(this.#store, type, object);
    return `${JSON.stringify({ type, object: this.#form(object) })}\n`;
  }

  bookmark(resourceVersion: string, isInitialEventsEnd = false): void {
    const annotations = { "k8s.io/initial-events-end": "true" };
    const metadata = { resourceVersion, creationTimestamp: null, ...(isInitialEventsEnd && { annotations }) };
    const object = { kind: this.#resource.kind, apiVersion: apiVersionOf(this.#resource), metadata };
    const formed = this.#form === undefined ? object : this.#form(object as unknown as Stored<ApiObject>);
    this.#write(`${JSON.stringify({ type: "BOOKMARK", object: formed })}\n`);
  }

  fail(error: StatusError): void {
    this.#write(`${JSON.stringify({ type: "ERROR", object: error.toStatus() })}\n`);
    this.#response.end();
  }

  #write(line: Buffer | string): void {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) return;
    if (this.#isLive && response.writableLength > maxBacklogBytes) response.destroy();
    else response.write(line);
  }
}
