/**
 * One client's connection: HTTP/2 (RFC 9113) as far as gRPC uses it.
 *
 * Written for the server's hot path, where Node's own module spends more on a call than the store, Raft and the disk together: no object per frame, a
 * unary answer is one buffer, and all answers of a turn are one write. What a client can make us keep is bounded: streams, header blocks, messages,
 * queues, resets.
 */
import type { Duplex } from "node:stream";
import { type HeaderBlock, HeaderBlocks, unpadded } from "./blocks.ts";
import { Call, type Carrier, endsStream } from "./call.ts";
import { Fault } from "./fault.ts";
import {
  defaultWindow,
  flag,
  frame,
  frameBytes,
  frameType,
  headBytes,
  http2Error,
  largestWindow,
  numberFrame,
  preface,
} from "./frames.ts";
import { HpackDecoder } from "./hpack.ts";
import { HpackError } from "./hpack-error.ts";
import type { Http2Limits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { plainAnswer } from "./plain.ts";
import { plainReply } from "./replies.ts";
import { callWindow, connectionWindow, greeting, initialWindowOf } from "./settings.ts";

/** Resets and changes of the window that a client has in hand; each finished call gives one back. Without it, they would cost us more than it. */
const resetAllowance = 1000;
/** For a client to take note of the end before it is cut off. */
const partingMs = 1000;

export class Connection implements Carrier {
  readonly limits: Http2Limits;
  sendWindow = defaultWindow;
  private readonly socket: Duplex;
  private readonly open: (call: Call) => void;
  private readonly calls = new Map<number, Call>();
  /** Calls that have something to send and no window on the connection. */
  private readonly waiting = new Set<Call>();
  private readonly hpack = new HpackDecoder();
  private readonly blocks: HeaderBlocks;
  private readonly outbox: Outbox;
  private initialWindow = defaultWindow;
  private unacknowledged = 0;
  private heldBytes = 0;
  private lastStream = 0;
  private resets = resetAllowance;
  private rest: Buffer | undefined;
  private isGreeted = false;
  private readonly silence: NodeJS.Timeout;
  private isOver = false;
  private isDraining = false;

  constructor(socket: Duplex, limits: Http2Limits, open: (call: Call) => void) {
    this.socket = socket;
    this.limits = limits;
    this.open = open;
    this.blocks = new HeaderBlocks(limits.maxHeaderBytes);
    this.outbox = new Outbox(socket, limits.maxUnsentBytes);
    this.silence = setTimeout(() => socket.destroy(), limits.greetingMs).unref();
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("drain", () => this.drained());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.closed());
  }

  get isCongested(): boolean {
    return this.outbox.unsentBytes > this.limits.maxQueuedBytes;
  }

  /** No new calls; those under way may finish, then the connection ends. */
  drain(): void {
    if (this.isOver || this.isDraining) return;
    this.isDraining = true;
    this.goaway(http2Error.none);
    this.endIfIdle();
  }

  destroy(): void {
    this.socket.destroy();
  }

  write(bytes: Buffer): void {
    this.outbox.push(bytes);
  }

  finished(call: Call): void {
    this.calls.delete(call.id);
    this.waiting.delete(call);
    this.resets = Math.min(resetAllowance, this.resets + 1);
    // A call that is answered before all of it came in: the client need not send the rest.
    if (!call.isEndedByClient) this.write(numberFrame(frameType.reset, call.id, http2Error.none));
    this.endIfIdle();
  }

  hold(bytes: number): void {
    this.heldBytes += bytes;
    if (this.heldBytes > this.limits.maxUnsentBytes) throw new Fault(http2Error.calm);
  }

  waitForWindow(call: Call): void {
    this.waiting.add(call);
  }

  private endIfIdle(): void {
    if (!this.isDraining || this.calls.size > 0) return;
    this.outbox.flush();
    this.socket.end();
  }

  private drained(): void {
    for (const call of [...this.calls.values()]) call.notifyDrained();
  }

  private closed(): void {
    this.isOver = true;
    clearTimeout(this.silence);
    this.outbox.close();
    for (const call of [...this.calls.values()]) call.abandon();
    this.calls.clear();
    this.waiting.clear();
  }

  private receive(chunk: Buffer): void {
    if (this.isOver) return;
    try {
      this.read(this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]));
    } catch (error) {
      if (error instanceof Fault) this.fail(error.code);
      else if (error instanceof HpackError) this.fail(http2Error.compression);
      else throw error;
    }
  }

  private read(input: Buffer): void {
    let at = 0;
    this.rest = undefined;
    if (!this.isGreeted) {
      const start = input.subarray(0, preface.length);
      if (!preface.subarray(0, start.length).equals(start)) {
        this.answerPlainly(input);
        return;
      }
      if (start.length === preface.length) {
        at = preface.length;
        this.isGreeted = true;
        clearTimeout(this.silence);
        this.write(greeting(this.limits));
      }
    }
    while (this.isGreeted && !this.isOver && input.length - at >= headBytes) {
      const length = input.readUIntBE(at, 3);
      if (length > frameBytes) throw new Fault(http2Error.frameSize);
      const stop = at + headBytes + length;
      if (stop > input.length) break;
      const stream = input.readUInt32BE(at + 5) & 0x7fffffff;
      this.frame(input[at + 3]!, input[at + 4]!, stream, input.subarray(at + headBytes, stop));
      at = stop;
    }
    if (at < input.length) this.rest = input.subarray(at);
  }

  private frame(type: number, flags: number, stream: number, payload: Buffer): void {
    this.blocks.checkOrder(type, stream);
    if (type === frameType.data) this.data(flags, stream, payload);
    else if (type === frameType.headers || type === frameType.continuation) {
      const block = this.blocks.add(type, flags, stream, payload);
      if (block !== undefined) this.headers(block);
    } else if (type === frameType.windowUpdate) this.windowUpdate(stream, payload);
    else if (type === frameType.reset) this.resetByClient(stream, payload);
    else if (type === frameType.settings) this.settings(flags, stream, payload);
    else if (type === frameType.ping) this.ping(flags, payload);
    else if (type === frameType.push) throw new Fault(http2Error.protocol);
    else if (type === frameType.goaway) this.isDraining = true;
  }

  private data(flags: number, stream: number, payload: Buffer): void {
    if (stream === 0 || stream > this.lastStream) throw new Fault(http2Error.protocol);
    const call = this.calls.get(stream);
    if (call?.isEndedByClient === true) throw new Fault(http2Error.streamClosed);
    call?.receive(unpadded(flags, payload));
    this.acknowledge(call, payload.length);
    if (endsStream(flags)) call?.endedByClient();
  }

  /** Gives the window back, half of it at a time; of a call that has ended, the connection's alone. */
  private acknowledge(call: Call | undefined, bytes: number): void {
    this.unacknowledged += bytes;
    if (this.unacknowledged >= connectionWindow / 2) {
      this.write(numberFrame(frameType.windowUpdate, 0, this.unacknowledged));
      this.unacknowledged = 0;
    }
    if (call === undefined || call.isClosed) return;
    call.unacknowledged += bytes;
    if (call.unacknowledged > callWindow) throw new Fault(http2Error.flowControl);
    if (call.unacknowledged < callWindow / 2) return;
    this.write(numberFrame(frameType.windowUpdate, call.id, call.unacknowledged));
    call.unacknowledged = 0;
  }

  private headers({ stream, flags, bytes }: HeaderBlock): void {
    const { headers, isTooLarge } = this.hpack.decode(bytes, this.limits.maxHeaderBytes);
    if (stream > this.lastStream) this.begin(stream, flags, headers, isTooLarge);
    else if (!endsStream(flags)) throw new Fault(http2Error.protocol);
    // A client's own trailers end its side; what they say is not used.
    else this.calls.get(stream)?.endedByClient();
  }

  private begin(stream: number, flags: number, headers: Map<string, string>, isTooLarge: boolean): void {
    this.lastStream = stream;
    if (this.isDraining || this.calls.size >= this.limits.maxStreams) {
      this.write(numberFrame(frameType.reset, stream, http2Error.refused));
      this.spendReset();
      return;
    }
    const refusal = refusalOf(headers, isTooLarge);
    if (refusal !== undefined) {
      this.write(plainReply(stream, refusal));
      return;
    }
    const call = new Call(stream, headers, this, this.initialWindow);
    this.calls.set(stream, call);
    call.isEndedByClient = endsStream(flags);
    this.open(call);
    if (call.isEndedByClient) call.endedByClient();
  }

  private windowUpdate(stream: number, payload: Buffer): void {
    const increment = numberIn(payload) & 0x7fffffff;
    if (increment === 0) throw new Fault(http2Error.protocol);
    if (stream === 0) this.widen(increment);
    else this.widenCall(this.calls.get(stream), increment);
  }

  private widen(increment: number): void {
    this.sendWindow += increment;
    if (this.sendWindow > largestWindow) throw new Fault(http2Error.flowControl);
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const call of waiting) call.pump();
  }

  private widenCall(call: Call | undefined, increment: number): void {
    if (call === undefined) return;
    call.sendWindow += increment;
    if (call.sendWindow > largestWindow) throw new Fault(http2Error.flowControl);
    call.pump();
  }

  private resetByClient(stream: number, payload: Buffer): void {
    numberIn(payload);
    if (stream === 0 || stream > this.lastStream) throw new Fault(http2Error.protocol);
    const call = this.calls.get(stream);
    if (call === undefined) return;
    this.spendReset();
    this.calls.delete(stream);
    this.waiting.delete(call);
    call.abandon();
    this.endIfIdle();
  }

  private spendReset(): void {
    if (--this.resets < 0) throw new Fault(http2Error.calm);
  }

  private settings(flags: number, stream: number, payload: Buffer): void {
    if (stream !== 0) throw new Fault(http2Error.protocol);
    if ((flags & flag.ack) !== 0) return;
    if (payload.length % 6 !== 0) throw new Fault(http2Error.frameSize);
    this.setInitialWindow(initialWindowOf(payload) ?? this.initialWindow);
    this.write(frame(frameType.settings, flag.ack, 0, Buffer.alloc(0)));
  }

  private setInitialWindow(size: number): void {
    if (size > largestWindow) throw new Fault(http2Error.flowControl);
    const change = size - this.initialWindow;
    this.initialWindow = size;
    if (change === 0) return;
    // Every call is gone through: a client that does nothing else would cost us a thousand times what it costs itself.
    if (this.calls.size > 0) this.spendReset();
    for (const call of [...this.calls.values()]) {
      call.sendWindow += change;
      call.pump();
    }
  }

  private ping(flags: number, payload: Buffer): void {
    if (payload.length !== 8) throw new Fault(http2Error.frameSize);
    if ((flags & flag.ack) === 0) this.write(frame(frameType.ping, flag.ack, 0, payload));
  }

  private goaway(code: number): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(this.lastStream, 0);
    payload.writeUInt32BE(code, 4);
    this.write(frame(frameType.goaway, 0, 0, payload));
  }

  private fail(code: number): void {
    this.goaway(code);
    this.part();
  }

  private answerPlainly(input: Buffer): void {
    this.outbox.close();
    this.socket.write(plainAnswer(input));
    this.part();
  }

  private part(): void {
    this.outbox.flush();
    this.closed();
    this.socket.end();
    setTimeout(() => this.socket.destroy(), partingMs).unref();
  }
}

/** HTTP's status for what is no call of gRPC. */
function refusalOf(headers: ReadonlyMap<string, string>, isTooLarge: boolean): number | undefined {
  if (isTooLarge) return 431;
  if (headers.get(":method") !== "POST") return 405;
  return headers.get("content-type")?.startsWith("application/grpc") === true ? undefined : 415;
}

function numberIn(payload: Buffer): number {
  if (payload.length !== 4) throw new Fault(http2Error.frameSize);
  return payload.readUInt32BE();
}
