/** etcdserverpb.Watch: many watches on one stream. */
import { WhitewaterError } from "../../errors.ts";
import { grpc } from "../../kv/refusals.ts";
import type { WatchEvent, Watcher } from "../../kv/types.ts";
import type { Draft } from "../../proto/message.ts";
import { watchRequest, watchResponse } from "../../proto/watch.ts";
import type { EtcdContext } from "../context.ts";
import type { Method, Streaming } from "../grpc.ts";
import type { Call, CallHandler } from "../http2/call.ts";
import { fragments } from "./fragments.ts";
import { guarded } from "./leader-guard.ts";

type Response = Parameters<typeof watchResponse.encode>[0];
type Create = NonNullable<ReturnType<typeof watchRequest.decode>["createRequest"]>;

/** In an answer that is about no watch, or about all. */
const noWatch = -1n;
/** Watches on one stream; a client with more opens another. */
const mostWatches = 100_000;
const progressRetryMs = 50;
const filter = { noPut: 0, noDelete: 1 } as const;

interface Open {
  readonly watcher: Watcher;
  readonly isFragmented: boolean;
  readonly wantsProgress: boolean;
  /** Since progress was last told. */
  hasSent: boolean;
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
    for (const { watcher } of this.watches.values()) watcher.resume();
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
    return this.watches.size >= mostWatches ? "etcdserver: too many requests" : undefined;
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
    return { watcher, isFragmented: request.fragment, wantsProgress: request.progressNotify, hasSent: false };
  }

  private events(watchId: bigint, events: readonly WatchEvent[], revision: number): boolean {
    const open = this.watches.get(watchId);
    if (open !== undefined) open.hasSent = true;
    const drafts = events.map(eventDraft);
    const header = this.context.header(revision);
    if (open?.isFragmented !== true) return this.send({ header, watchId, events: drafts });
    const parts = fragments(drafts, this.context.maxRequestBytes);
    return parts
      .map((part, at) => this.send({ header, watchId, events: part, fragment: at < parts.length - 1 }))
      .every(Boolean);
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

const isEmpty = ({ key, rangeEnd }: Create): boolean => rangeEnd !== "" && rangeEnd !== "\0" && rangeEnd <= key;

const eventDraft = ({
  type,
  kv,
  prevKv,
}: WatchEvent): Draft<{ type: number; kv: typeof kv; prevKv: typeof prevKv }> => ({
  type: type === "put" ? 0 : 1,
  kv,
  prevKv,
});

export const watchMethods = (context: EtcdContext): readonly (readonly [string, Method])[] => {
  const watch: Streaming = { open: (call) => new WatchStream(context, call) };
  return [["/etcdserverpb.Watch/Watch", guarded(context, watch)]];
};
