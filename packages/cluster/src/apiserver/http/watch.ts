/**
 * Watch streams: one JSON line per event on a chunked answer. A watcher that reads slower than events come is cut once
 * `maxBacklogBytes` wait for it; it then lists and watches again, as every Kubernetes client does.
 */
import type { ServerResponse } from "node:http";
import type { StatusError } from "../../machinery/errors.ts";
import { apiVersionOf } from "../../machinery/resources/row.ts";
import type { ResourceDescriptor, WatchMessage } from "../../machinery/store.ts";
import type { ApiObject, Stored, WatchEventType } from "../../machinery/types.ts";
import type { ApiContext, Call } from "../context.ts";
import { integer, watchOptions } from "./options.ts";
import { asStatusError } from "./respond.ts";
import { eventBytes } from "./serialize.ts";

const maxBacklogBytes = 8 * 1024 * 1024;
const bookmarkIntervalMs = 60_000;
const minTimeoutSeconds = 1800;

/** Turns an object into what the client asked for; undefined sends it as it is. */
export type ObjectForm = (object: Stored<ApiObject>) => unknown;

/** Serves the watch until the client leaves, the time asked for is over, or the server stops. */
export function serveWatch(context: ApiContext, call: Call, resource: ResourceDescriptor, form?: ObjectForm): void {
  const { query, namespace } = call.info;
  const options = watchOptions(query, namespace);
  const timeoutSeconds = integer(query, "timeoutSeconds") || minTimeoutSeconds * (1 + Math.random());
  const stream = new WatchStream(call.response, resource, form);
  call.response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-cache, private" });
  call.response.flushHeaders();
  const stops: (() => void)[] = [context.counters.watching()];
  const onStopping = () => call.response.end();
  call.response.on("close", () => {
    context.stopping.removeEventListener("abort", onStopping);
    for (const stop of stops) stop();
  });
  context.stopping.addEventListener("abort", onStopping);
  const bookmark = () => stream.bookmark(context.store.resourceVersion);
  if (options.allowBookmarks) stops.push(repeat(context, bookmark));
  stops.push(
    context.clock.after(timeoutSeconds * 1000, () => {
      if (options.allowBookmarks) bookmark();
      call.response.end();
    }),
  );
  try {
    stops.push(stream.begin((listener) => context.store.watch(resource, options, listener)));
  } catch (error) {
    stream.fail(asStatusError(error));
  }
}

function repeat({ clock }: ApiContext, task: () => void): () => void {
  let cancel = () => {};
  const arm = () => {
    cancel = clock.after(bookmarkIntervalMs, () => {
      task();
      arm();
    });
  };
  arm();
  return () => cancel();
}

class WatchStream {
  readonly #response: ServerResponse;
  readonly #resource: ResourceDescriptor;
  readonly #form: ObjectForm | undefined;
  #isLive = false;

  constructor(response: ServerResponse, resource: ResourceDescriptor, form: ObjectForm | undefined) {
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
    if (this.#form === undefined) return eventBytes(type, object);
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
