/** etcdserverpb.Watch: many watches on one stream. */
import { WhitewaterError } from "../../errors.ts";
import { grpc } from "../../kv/refusals.ts";
import type { WatchEvent, Watcher } from "../../kv/types.ts";
import { watchRequest, watchResponse } from "../../proto/watch.ts";
import { inTurns, type Steps } from "../../store/steps.ts";
import type { EtcdContext } from "../context.ts";
import type { Method, Streaming } from "../grpc.ts";
import type { Call, CallHandler } from "../http2/call.ts";
import { encodeParts, type Parts } from "../parts.ts";
import { fragmentsOf, sizeOfEvent } from "./fragments.ts";
import { guarded } from "./leader-guard.ts";

type Response = Parameters<typeof watchResponse.encode>[0];
type EventDraft = NonNullable<Response["events"]>[number];
type Create = NonNullable<ReturnType<typeof watchRequest.decode>["createRequest"]>;

/** In an answer that is about no watch, or about all. */
const noWatch = -1n;
const progressRetryMs = 50;
const filter = { noPut: 0, noDelete: 1 } as const;

interface Open {
  readonly watcher: Watcher;
  readonly isFragmented: boolean;
  readonly wantsProgress: boolean;
  /** Since progress was last told. */
  hasSent: boolean;
  /** Events that take more than a turn of the event loop to encode: what comes after them waits. */
  isEncoding: boolean;
}

class WatchStream implements CallHandler {
  private readonly context: EtcdContext;
  private readonly call: Call;
  private readonly watches = new Map<bigint, Open>();
  private nextId = 0n;
  private progress: NodeJS.Timeout | undefined;
  private asked: NodeJS.Timeout | undefined;

  constructor(context: EtcdContext, call: Call) {
    this.context = context;
    this.call = call;
  }

  message(body: Buffer): void {
    try {
      const { createRequest, cancelRequest, progressRequest } = watchRequest.decode(body);
      if (createRequest !== undefined) this.create(createRequest);
      else if (cancelRequest !== undefined) this.cancel(cancelRequest.watchId);
      else if (progressRequest !== undefined) this.tellAll();
    } catch (error) {
      if (!(error instanceof WhitewaterError)) throw error;
      this.call.end(grpc.internal, error.message);
    }
  }

  ended(): void {
    this.call.end(grpc.ok, "");
  }

  drained(): void {
    for (const { watcher, isEncoding } of this.watches.values()) if (!isEncoding) watcher.resume();
  }

  closed(): void {
    clearInterval(this.progress);
    clearTimeout(this.asked);
    for (const { watcher } of this.watches.values()) watcher.cancel();
    this.watches.clear();
  }

  private send(response: Response): boolean {
    return this.call.send(watchResponse.encode({ header: this.context.header(), ...response }));
  }

  private create(request: Create): void {
    const cancelReason = this.refusalOf(request);
    if (cancelReason !== undefined) {
      this.send({ watchId: noWatch, created: true, canceled: true, cancelReason });
      return;
    }
    const watchId = request.watchId === 0n ? this.freshId() : request.watchId;
    this.send({ watchId, created: true });
    this.watches.set(watchId, this.begin(watchId, request));
    if (request.progressNotify) this.progress ??= this.startProgress();
  }

  private refusalOf(request: Create): string | undefined {
    if (request.startRevision < 0) return "etcdserver: mvcc: required revision has been compacted";
    if (isEmpty(request)) return "mvcc: watcher range is empty";
    if (request.watchId !== 0n && this.watches.has(request.watchId))
      return "mvcc: duplicate watch ID provided on the WatchStream";
    return this.context.kv.status().watchers >= this.context.maxWatches ? "etcdserver: too many requests" : undefined;
  }

  private begin(watchId: bigint, request: Create): Open {
    const { key, rangeEnd, startRevision, prevKv, filters } = request;
    const options = {
      // No key at all is the smallest one.
      key: key === "" ? "\0" : key,
      rangeEnd,
      startRevision,
      prevKv,
      noPut: filters.includes(filter.noPut),
      noDelete: filters.includes(filter.noDelete),
    };
    const watcher = this.context.kv.watch(options, {
      events: (events, revision) => this.events(watchId, events, revision),
      compacted: (compactRevision) => {
        this.watches.delete(watchId);
        this.send({ watchId, canceled: true, compactRevision });
      },
    });
    return {
      watcher,
      isFragmented: request.fragment,
      wantsProgress: request.progressNotify,
      hasSent: false,
      isEncoding: false,
    };
  }

  private events(watchId: bigint, events: readonly WatchEvent[], revision: number): boolean {
    const open = this.watches.get(watchId);
    if (open !== undefined) open.hasSent = true;
    const head = { header: this.context.header(revision), watchId };
    const maxBytes = open?.isFragmented === true ? this.context.maxRequestBytes : Number.POSITIVE_INFINITY;
    const messages = inTurns(encodeEvents(head, events.map(eventDraft), maxBytes));
    if (!(messages instanceof Promise)) return this.sendAll(messages);
    if (open !== undefined) {
      open.isEncoding = true;
      void messages.then((encoded) => this.encoded(watchId, open, encoded));
    }
    return false;
  }

  private encoded(watchId: bigint, open: Open, messages: readonly Parts[]): void {
    open.isEncoding = false;
    if (this.watches.get(watchId) === open && this.sendAll(messages)) open.watcher.resume();
  }

  private sendAll(messages: readonly Parts[]): boolean {
    return messages.map((parts) => this.call.send(...parts)).every(Boolean);
  }

  private cancel(watchId: bigint): void {
    const open = this.watches.get(watchId);
    if (open === undefined) return;
    open.watcher.cancel();
    this.watches.delete(watchId);
    this.send({ watchId, canceled: true });
  }

  /** Once every watch has been told all: answers one request to all at once. */
  private tellAll(): void {
    if (this.asked !== undefined) return;
    const isCurrent = [...this.watches.values()].every(({ watcher }) => watcher.isCurrent());
    if (isCurrent) this.send({ watchId: noWatch });
    else
      this.asked = setTimeout(() => {
        this.asked = undefined;
        this.tellAll();
      }, progressRetryMs);
  }

  private startProgress(): NodeJS.Timeout {
    return setInterval(() => {
      for (const [watchId, open] of this.watches) {
        if (open.wantsProgress && !open.hasSent && open.watcher.isCurrent()) this.send({ watchId });
        open.hasSent = false;
      }
    }, this.context.progressIntervalMs).unref();
  }

  private freshId(): bigint {
    while (this.watches.has(this.nextId)) this.nextId++;
    return this.nextId++;
  }
}

/** One message, or fragments of at most `maxBytes`. */
function* encodeEvents(head: Response, drafts: readonly EventDraft[], maxBytes: number): Steps<Parts[]> {
  const fragments = fragmentsOf(drafts, maxBytes);
  const messages: Parts[] = [];
  for (const [at, events] of fragments.entries()) {
    const whole = { ...head, fragment: at < fragments.length - 1 };
    messages.push(yield* encodeParts(watchResponse, whole, "events", events, sizeOfEvent));
  }
  return messages;
}

const isEmpty = ({ key, rangeEnd }: Create): boolean => rangeEnd !== "" && rangeEnd !== "\0" && rangeEnd <= key;

const eventDraft = ({ type, kv, prevKv }: WatchEvent): EventDraft => ({
  type: type === "put" ? 0 : 1,
  kv,
  prevKv,
});

export const watchMethods = (context: EtcdContext): readonly (readonly [string, Method])[] => {
  const watch: Streaming = { open: (call) => new WatchStream(context, call) };
  return [["/etcdserverpb.Watch/Watch", guarded(context, watch)]];
};
