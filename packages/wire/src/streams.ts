/** One-way streams inside a connection: credit keeps a fast sender from filling the connection, so that messages are not held up behind it. */
import { deferred } from "./deferred.ts";
import { WireError } from "./errors.ts";

/** Longest piece of a stream in one frame: what a heartbeat may have to wait for. */
export const STREAM_CHUNK_BYTES = 64 << 10;

/** The sender's side: how much may be sent, and how it ended. */
export class OutgoingStream {
  #credit: number;
  #wake: (() => void) | undefined;
  #error: Error | undefined;
  #settled = false;
  readonly #resolve: () => void;
  readonly #reject: (reason: Error) => void;
  /** Settles as the receiver's handler did. */
  readonly result: Promise<void>;

  constructor(windowBytes: number) {
    this.#credit = windowBytes;
    const { promise, resolve, reject } = deferred<void>();
    this.result = promise;
    promise.catch(() => {});
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Waits until something may be sent; returns at most `wanted` bytes, taken from the credit. Throws when the stream has ended. */
  async take(wanted: number): Promise<number> {
    while (this.#credit === 0 && !this.#settled) await this.#sleep();
    if (this.#settled) throw this.#error ?? new WireError("aborted", "the receiver ended the stream early");
    const taken = Math.min(wanted, this.#credit, STREAM_CHUNK_BYTES);
    this.#credit -= taken;
    return taken;
  }

  #sleep(): Promise<void> {
    return new Promise((wake) => {
      this.#wake = wake;
    });
  }

  addCredit(bytes: number): void {
    this.#credit += bytes;
    this.#wake?.();
  }

  settle(error?: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#error = error;
    if (error) this.#reject(error);
    else this.#resolve();
    this.#wake?.();
  }
}

/** The receiver's side: an async iterable that hands credit back as chunks are taken. */
export class IncomingStream implements AsyncIterable<Buffer> {
  readonly #queue: Buffer[] = [];
  readonly #returnCredit: (bytes: number) => void;
  readonly #windowBytes: number;
  #queuedBytes = 0;
  #owedBytes = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(windowBytes: number, returnCredit: (bytes: number) => void) {
    this.#windowBytes = windowBytes;
    this.#returnCredit = returnCredit;
  }

  /** Throws when the sender exceeds its credit: a broken peer must not fill this side's memory. */
  push(chunk: Buffer): void {
    if (this.#ended) return;
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > this.#windowBytes) throw new WireError("protocol", "a stream went beyond its credit");
    this.#queue.push(chunk);
    this.#wake?.();
  }

  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Buffer> {
    while (true) {
      const chunk = this.#queue.shift();
      if (chunk) {
        this.#taken(chunk.length);
        yield chunk;
      } else if (this.#error) throw this.#error;
      else if (this.#ended) return;
      else await this.#sleep();
    }
  }

  #sleep(): Promise<void> {
    return new Promise((wake) => {
      this.#wake = wake;
    });
  }

  #taken(bytes: number): void {
    this.#queuedBytes -= bytes;
    this.#owedBytes += bytes;
    if (this.#owedBytes * 4 < this.#windowBytes || this.#ended) return;
    this.#returnCredit(this.#owedBytes);
    this.#owedBytes = 0;
  }
}
