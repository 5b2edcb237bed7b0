/** One connection after its handshake: messages, requests and streams, multiplexed. Both sides may begin any of them. */
import type { Duplex } from "node:stream";
import { deferred } from "./deferred.ts";
import { WireError } from "./errors.ts";
import { type Frame, FrameType, frameHeader } from "./frame.ts";
import type { WireHandlers, WireLimits } from "./options.ts";
import { IncomingStream, OutgoingStream } from "./streams.ts";

interface Waiting {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (reason: Error) => void;
}

/** Copying so little costs less than one more buffer to write. */
const SMALL_BYTES = 512;

/** Invariant: once closed, every request and stream has been settled with the reason, and nothing is sent or delivered any more. */
export class Connection {
  readonly peer: string;
  readonly #socket: Duplex;
  readonly #handlers: WireHandlers;
  readonly #limits: WireLimits;
  readonly #requests = new Map<number, Waiting>();
  readonly #serving = new Map<number, AbortController>();
  readonly #outgoing = new Map<number, OutgoingStream>();
  readonly #incoming = new Map<number, { stream: IncomingStream; abort: AbortController }>();
  readonly #table: Readonly<Record<number, (channel: number, payload: Buffer) => void>> = {
    [FrameType.message]: (_, payload) => this.#handlers.message?.(this.peer, payload),
    [FrameType.ping]: () => this.#write(FrameType.pong, 0, []),
    [FrameType.pong]: () => {},
    [FrameType.request]: (channel, payload) => this.#serve(channel, payload),
    [FrameType.response]: (channel, payload) => this.#requests.get(channel)?.resolve(payload),
    [FrameType.failure]: (channel, payload) => this.#requests.get(channel)?.reject(remoteError(payload)),
    [FrameType.cancel]: (channel) => this.#serving.get(channel)?.abort(new WireError("aborted", "the caller gave up")),
    [FrameType.streamOpen]: (channel, payload) => this.#openIncoming(channel, payload),
    [FrameType.streamData]: (channel, payload) => this.#incoming.get(channel)?.stream.push(payload),
    [FrameType.streamEnd]: (channel) => this.#incoming.get(channel)?.stream.end(),
    [FrameType.streamAbort]: (channel) => this.#abortIncoming(channel, new WireError("aborted", "the sender gave up")),
    [FrameType.streamCredit]: (channel, payload) => this.#outgoing.get(channel)?.addCredit(readU32(payload)),
    [FrameType.streamResult]: (channel, payload) =>
      this.#outgoing.get(channel)?.settle(payload.length > 0 ? remoteError(payload) : undefined),
  };
  #nextChannel = 1;
  /** When what was written in this turn leaves. */
  readonly #flushLater: (flush: () => void) => void;
  readonly #flush = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };
  #isCorked = false;
  #isClosed = false;

  constructor(
    peer: string,
    socket: Duplex,
    handlers: WireHandlers,
    limits: WireLimits,
    flushLater: (flush: () => void) => void = process.nextTick,
  ) {
    this.peer = peer;
    this.#socket = socket;
    this.#handlers = handlers;
    this.#limits = limits;
    this.#flushLater = flushLater;
  }

  /** Sends a one-way message of one or more parts; false when the connection is closed or its buffer is full: then nothing was sent. */
  send(parts: readonly Uint8Array[]): boolean {
    if (this.#isClosed || this.#socket.writableLength > this.#limits.maxBufferedBytes) return false;
    this.#write(FrameType.message, 0, parts);
    return true;
  }

  /** Rejects with WireError `overloaded`, `timeout`, `aborted`, `remote`, or `unreachable` when the connection ends first. */
  async request(method: string, payload: Uint8Array, timeoutMs: number, signal?: AbortSignal): Promise<Buffer> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new WireError("unreachable", `the connection to ${this.peer} is closed`);
    if (this.#requests.size >= this.#limits.maxRequests)
      throw new WireError("overloaded", `too many requests to ${this.peer}`);
    const channel = this.#takeChannel();
    const name = Buffer.from(method);
    const { promise, resolve, reject } = deferred<Buffer>();
    this.#requests.set(channel, { resolve, reject });
    this.#write(FrameType.request, channel, [Buffer.of(name.length), name, payload]);
    const giveUp = (reason: Error) => {
      this.#write(FrameType.cancel, channel, []);
      reject(reason);
    };
    const timer = setTimeout(
      () => giveUp(new WireError("timeout", `${this.peer} did not answer ${method} in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const onAbort = () => giveUp(new WireError("aborted", `${method} was aborted`, { cause: signal?.reason }));
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#requests.delete(channel);
    }
  }

  /** Sends all chunks and resolves when the other side's handler has taken them. Ends the source early when it fails. */
  async stream(header: Uint8Array, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new WireError("unreachable", `the connection to ${this.peer} is closed`);
    if (this.#outgoing.size >= this.#limits.maxStreams)
      throw new WireError("overloaded", `too many streams to ${this.peer}`);
    const channel = this.#takeChannel();
    const stream = new OutgoingStream(this.#limits.streamWindowBytes);
    this.#outgoing.set(channel, stream);
    this.#write(FrameType.streamOpen, channel, [header]);
    const onAbort = () => stream.settle(new WireError("aborted", "the stream was aborted", { cause: signal?.reason }));
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#pump(channel, stream, chunks);
      await stream.result;
    } catch (error) {
      this.#write(FrameType.streamAbort, channel, []);
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#outgoing.delete(channel);
    }
  }

  async #pump(channel: number, stream: OutgoingStream, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      let at = 0;
      while (at < chunk.length) {
        const bytes = await stream.take(chunk.length - at);
        this.#write(FrameType.streamData, channel, [chunk.subarray(at, at + bytes)]);
        at += bytes;
      }
    }
    this.#write(FrameType.streamEnd, channel, []);
  }

  ping(): void {
    this.#write(FrameType.ping, 0, []);
  }

  /** Handles a frame of the peer. Throws WireError `protocol` on one that makes no sense. */
  take(frame: Frame): void {
    if (this.#isClosed) return;
    const handle = this.#table[frame.type];
    if (!handle) throw new WireError("protocol", `an unknown frame type ${frame.type}`);
    handle(frame.channel, frame.payload);
  }

  /** Ends everything under way with `reason`. Idempotent. */
  close(reason: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const waiting of this.#requests.values()) waiting.reject(reason);
    for (const abort of this.#serving.values()) abort.abort(reason);
    for (const stream of this.#outgoing.values()) stream.settle(reason);
    for (const channel of [...this.#incoming.keys()]) this.#abortIncoming(channel, reason);
    this.#socket.destroy();
  }

  #serve(channel: number, payload: Buffer): void {
    const nameEnd = 1 + (payload[0] ?? 0);
    if (payload.length < nameEnd) throw new WireError("protocol", "a request without a method");
    if (this.#serving.size >= this.#limits.maxRequests) {
      this.#fail(channel, new WireError("overloaded", "too many requests"));
      return;
    }
    const abort = new AbortController();
    this.#serving.set(channel, abort);
    const method = payload.toString("utf8", 1, nameEnd);
    const handler =
      this.#handlers.request ?? (() => Promise.reject(new WireError("remote", `no such method: ${method}`)));
    handler(this.peer, method, payload.subarray(nameEnd), abort.signal)
      .then(
        (answer) => this.#write(FrameType.response, channel, [answer]),
        (error: unknown) => this.#fail(channel, error),
      )
      .finally(() => this.#serving.delete(channel));
  }

  #fail(channel: number, error: unknown): void {
    this.#write(FrameType.failure, channel, [reasonBytes(error)]);
  }

  #openIncoming(channel: number, header: Buffer): void {
    const handler = this.#handlers.stream;
    if (!handler || this.#incoming.size >= this.#limits.maxStreams) {
      const why = handler ? "too many streams" : "streams are not taken here";
      this.#write(FrameType.streamResult, channel, [Buffer.from(why)]);
      return;
    }
    const stream = new IncomingStream(this.#limits.streamWindowBytes, (bytes) =>
      this.#write(FrameType.streamCredit, channel, [u32(bytes)]),
    );
    const abort = new AbortController();
    this.#incoming.set(channel, { stream, abort });
    handler(this.peer, header, stream, abort.signal)
      .then(
        () => this.#write(FrameType.streamResult, channel, []),
        (error: unknown) => this.#write(FrameType.streamResult, channel, [reasonBytes(error)]),
      )
      .finally(() => {
        stream.end();
        this.#incoming.delete(channel);
      });
  }

  #abortIncoming(channel: number, reason: Error): void {
    const incoming = this.#incoming.get(channel);
    incoming?.stream.end(reason);
    incoming?.abort.abort(reason);
  }

  #takeChannel(): number {
    const channel = this.#nextChannel;
    this.#nextChannel = channel === 0xffffffff ? 1 : channel + 1;
    return channel;
  }

  /** Frames written before the flush leave in one system call. */
  #write(type: FrameType, channel: number, parts: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      this.#flushLater(this.#flush);
    }
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    const header = frameHeader(type, channel, bytes);
    if (bytes <= SMALL_BYTES) {
      this.#socket.write(Buffer.concat([header, ...parts]));
      return;
    }
    this.#socket.write(header);
    for (const part of parts) if (part.length > 0) this.#socket.write(part);
  }
}

function remoteError(reason: Buffer): WireError {
  return new WireError("remote", reason.toString("utf8"));
}

function readU32(payload: Buffer): number {
  if (payload.length !== 4) throw new WireError("protocol", "a credit of a wrong length");
  return payload.readUInt32BE(0);
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

/** Never empty, since an empty result means success. */
function reasonBytes(error: unknown): Buffer {
  return Buffer.from((error instanceof Error ? error.message : String(error)).slice(0, 1000) || "failed");
}
