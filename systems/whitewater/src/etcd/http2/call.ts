/** One gRPC call on a connection: messages in, messages out, a status at the end. */
import { flag, frameBytes, frameType, headBytes, writeHead } from "./frames.ts";
import type { Http2Limits } from "./limits.ts";
import { opening, trailers } from "./replies.ts";

/** What a call needs of its connection. */
export interface Carrier {
  readonly limits: Http2Limits;
  sendWindow: number;
  readonly isCongested: boolean;
  write(bytes: Buffer): void;
  /** The call has nothing more to do with the connection. */
  finished(call: Call): void;
  waitForWindow(call: Call): void;
  /** More or less of unfinished messages is kept. */
  hold(bytes: number): void;
}

export interface CallHandler {
  message(body: Buffer): void;
  /** The client has sent all. */
  ended(): void;
  /** It is over, for whatever reason; nothing may be sent any more. */
  closed(): void;
  /** There is room again after `send` answered false. */
  drained?(): void;
}

const prefixBytes = 5;

export class Call {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  handler: CallHandler | undefined;
  /** What the client still takes for this call. */
  sendWindow: number;
  /** Taken in and not yet given back to the client's window. */
  unacknowledged = 0;
  isEndedByClient = false;
  isClosed = false;
  private readonly carrier: Carrier;
  /** Of a message that is not whole yet. */
  private parts: Buffer[] = [];
  private partBytes = 0;
  /** What it takes until more can be told: a prefix, or the message that it announced. */
  private needed = prefixBytes;
  private readonly queue: Buffer[] = [];
  private queuedBytes = 0;
  private hasOpened = false;
  private wantsDrain = false;
  private last: Buffer | undefined;

  constructor(id: number, headers: ReadonlyMap<string, string>, carrier: Carrier, sendWindow: number) {
    this.id = id;
    this.headers = headers;
    this.carrier = carrier;
    this.sendWindow = sendWindow;
  }

  get path(): string {
    return this.headers.get(":path") ?? "";
  }

  /** Takes in a part of the client's messages. */
  receive(bytes: Buffer): void {
    this.parts.push(bytes);
    this.partBytes += bytes.length;
    this.carrier.hold(bytes.length);
    if (this.partBytes < this.needed) return;
    let rest = this.parts.length === 1 ? bytes : Buffer.concat(this.parts);
    this.carrier.hold(-this.partBytes);
    while (rest.length >= this.needed && !this.isClosed) rest = this.take(rest);
    this.parts = rest.length > 0 ? [rest] : [];
    this.partBytes = rest.length;
    this.carrier.hold(rest.length);
  }

  /** `bytes` holds what is needed: learns a message's length, or hands one on. Returns what follows. */
  private take(bytes: Buffer): Buffer {
    if (this.needed === prefixBytes) {
      const length = bytes.readUInt32BE(1);
      if (bytes[0] !== 0) this.end(12, "grpc: Decompressor is not installed for the message's encoding");
      else if (length > this.carrier.limits.maxMessageBytes) this.tooLarge(length);
      else this.needed = prefixBytes + length;
      if (this.needed > prefixBytes) return bytes;
    }
    const { needed } = this;
    this.needed = prefixBytes;
    if (!this.isClosed) this.handler?.message(bytes.subarray(prefixBytes, needed));
    return bytes.subarray(needed);
  }

  endedByClient(): void {
    this.isEndedByClient = true;
    if (this.isClosed) return;
    if (this.partBytes > 0) this.end(13, "grpc: a message that ends too early");
    else this.handler?.ended();
  }

  /** A message, in parts where it is long. False: it is queued, but more should wait until `drained`. */
  send(...parts: readonly Buffer[]): boolean {
    if (this.isClosed || this.last !== undefined) return true;
    const [first] = parts;
    if (first !== undefined && parts.length === 1) this.enqueue(framed(first));
    else for (const part of [prefixOf(parts), ...parts]) this.enqueue(part);
    const isFull = this.queuedBytes > this.carrier.limits.maxQueuedBytes || this.carrier.isCongested;
    this.wantsDrain ||= isFull;
    return !isFull;
  }

  /** The one answer of a unary call, in one piece where the windows allow it. */
  respond(message: Buffer, ...rest: readonly Buffer[]): void {
    if (this.isClosed) return;
    const size = message.length + prefixBytes;
    if (
      rest.length > 0 ||
      this.hasOpened ||
      size > frameBytes ||
      size > this.sendWindow ||
      size > this.carrier.sendWindow
    ) {
      this.send(message, ...rest);
      this.end(0, "");
      return;
    }
    this.sendWindow -= size;
    this.carrier.sendWindow -= size;
    this.carrier.write(whole(this.id, message));
    this.close();
  }

  end(status: number, message: string): void {
    if (this.isClosed || this.last !== undefined) return;
    this.last = trailers(this.id, status, message, !this.hasOpened);
    this.hasOpened = true;
    this.pump();
  }

  /** The connection is gone or the client lost interest. */
  abandon(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.queue.length = 0;
    this.release();
    this.handler?.closed();
  }

  /** Sends what the windows allow. */
  pump(): void {
    while (this.queue.length > 0 && this.sendWindow > 0 && this.carrier.sendWindow > 0) this.sendPart();
    if (this.queue.length > 0) {
      if (this.sendWindow > 0) this.carrier.waitForWindow(this);
      return;
    }
    if (this.last !== undefined) {
      this.carrier.write(this.last);
      this.close();
    } else this.notifyDrained();
  }

  notifyDrained(): void {
    if (!this.wantsDrain || this.queue.length > 0 || this.carrier.isCongested) return;
    this.wantsDrain = false;
    this.handler?.drained?.();
  }

  private enqueue(bytes: Buffer): void {
    if (!this.hasOpened) this.carrier.write(opening(this.id));
    this.hasOpened = true;
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
    this.pump();
  }

  private sendPart(): void {
    const first = this.queue[0]!;
    const size = Math.min(first.length, frameBytes, this.sendWindow, this.carrier.sendWindow);
    const part = Buffer.allocUnsafe(headBytes + size);
    writeHead(part, size, frameType.data, 0, this.id);
    first.copy(part, headBytes, 0, size);
    this.sendWindow -= size;
    this.carrier.sendWindow -= size;
    this.queuedBytes -= size;
    if (size === first.length) this.queue.shift();
    else this.queue[0] = first.subarray(size);
    this.carrier.write(part);
  }

  private close(): void {
    this.isClosed = true;
    this.release();
    this.carrier.finished(this);
    this.handler?.closed();
  }

  private release(): void {
    this.carrier.hold(-this.partBytes);
    this.partBytes = 0;
    this.parts = [];
  }

  private tooLarge(length: number): void {
    const { maxMessageBytes } = this.carrier.limits;
    this.end(8, `grpc: received message larger than max (${length} vs. ${maxMessageBytes})`);
  }
}

function framed(message: Buffer): Buffer {
  const made = Buffer.allocUnsafe(prefixBytes + message.length);
  made[0] = 0;
  made.writeUInt32BE(message.length, 1);
  made.set(message, prefixBytes);
  return made;
}

function prefixOf(parts: readonly Buffer[]): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(
    parts.reduce((sum, { length }) => sum + length, 0),
    1,
  );
  return prefix;
}

/** Headers, message and trailers of a success: most of what a server says. */
function whole(stream: number, message: Buffer): Buffer {
  const head = opening(stream);
  const tail = trailers(stream, 0, "", false);
  const size = prefixBytes + message.length;
  const made = Buffer.allocUnsafe(head.length + headBytes + size + tail.length);
  head.copy(made);
  const data = made.subarray(head.length);
  writeHead(data, size, frameType.data, 0, stream);
  data[headBytes] = 0;
  data.writeUInt32BE(message.length, headBytes + 1);
  data.set(message, headBytes + prefixBytes);
  data.set(tail, headBytes + size);
  return made;
}

export const endsStream = (flags: number): boolean => (flags & flag.endStream) !== 0;
