import { Duplex } from "node:stream";
import { StreamError } from "../errors.ts";
import type { Headers } from "./headers.ts";

/** Sent in pieces of this size, so that streams take turns. */
const maxPieceBytes = 32 * 1024;
/** Received bytes that wait for their reader before the whole connection stops being read. */
const receiveBufferBytes = 256 * 1024;
/** SPDY/3's initial window. */
export const defaultWindowBytes = 64 * 1024;
/** Consumed bytes after which the peer is told. */
const windowUpdateBytes = 32 * 1024;

/** What a stream asks of its connection. */
export interface StreamTransport {
  /** Calls back when more may be sent. */
  sendData(streamId: number, data: Buffer, fin: boolean, sent: () => void): void;
  sendReset(streamId: number): void;
  sendWindowUpdate(streamId: number, deltaBytes: number): void;
  /** Bytes of `streamId` that the peer allows in flight; undefined while the peer does no flow control. */
  windowBytes(): number | undefined;
  closed(streamId: number): void;
}

/** One SPDY stream. Ending it sends FIN and leaves the other direction open; destroying it resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #transport: StreamTransport;
  /** Sent, less what the peer has granted beyond its initial window. */
  #unacknowledged = 0;
  #consumed = 0;
  #isFinished = { sending: false, receiving: false };
  #windowOpened: (() => void) | undefined;
  #drained: (() => void) | undefined;

  constructor(id: number, headers: Headers, transport: StreamTransport) {
    super({ allowHalfOpen: true, readableHighWaterMark: receiveBufferBytes });
    this.id = id;
    this.headers = headers;
    this.#transport = transport;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (chunk.length === 0) {
      done();
      return;
    }
    const size = Math.min(chunk.length, maxPieceBytes, this.#allowance());
    const rest = chunk.subarray(size);
    const next = rest.length === 0 ? () => done() : () => this._write(rest, "", done);
    if (size === 0) {
      this.#windowOpened = next;
      return;
    }
    this.#unacknowledged += size;
    this.#transport.sendData(this.id, chunk.subarray(0, size), false, next);
  }

  override _final(done: () => void): void {
    this.#transport.sendData(this.id, Buffer.alloc(0), true, done);
    this.#finish("sending");
  }

  override _read(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isFinished.sending || !this.#isFinished.receiving) this.#transport.sendReset(this.id);
    this.#transport.closed(this.id);
    this._read();
    done(error);
  }

  /** Data from the peer; resolves when there is room for more. */
  async receive(data: Buffer, fin: boolean): Promise<void> {
    if (this.#isFinished.receiving || this.destroyed) return;
    const hasRoom = data.length === 0 || this.push(data);
    if (fin) return this.receiveEnd();
    if (!hasRoom && !this.destroyed) await this.#room();
    this.#acknowledge(data.length);
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  receiveEnd(): void {
    if (this.#isFinished.receiving) return;
    this.push(null);
    this.#finish("receiving");
  }

  /** The peer reset this stream, or the connection is gone. */
  receiveReset(reason: string): void {
    this.#isFinished = { sending: true, receiving: true };
    this.destroy(this.readableEnded ? undefined : new StreamError("Reset", reason));
  }

  receiveWindow(deltaBytes: number): void {
    this.#unacknowledged -= deltaBytes;
    const resume = this.#windowOpened;
    this.#windowOpened = undefined;
    resume?.();
  }

  #allowance(): number {
    const window = this.#transport.windowBytes();
    return window === undefined ? Number.POSITIVE_INFINITY : Math.max(0, window - this.#unacknowledged);
  }

  #acknowledge(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < windowUpdateBytes) return;
    this.#transport.sendWindowUpdate(this.id, this.#consumed);
    this.#consumed = 0;
  }

  #finish(direction: "sending" | "receiving"): void {
    this.#isFinished[direction] = true;
    if (this.#isFinished.sending && this.#isFinished.receiving) this.#transport.closed(this.id);
  }
}
