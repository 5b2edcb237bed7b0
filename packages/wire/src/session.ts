/** A socket from its first byte on: handshake, then a Connection; watches for silence, and closes once with one reason. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Connection } from "./connection.ts";
import { WireError } from "./errors.ts";
import { type Frame, FrameParser, FrameType, frameHeader } from "./frame.ts";
import { checkHello, encodeHello, type Hello, MAX_HELLO_BYTES } from "./hello.ts";
import type { WireHandlers, WireLimits } from "./options.ts";

export interface SessionContext {
  readonly own: Hello;
  readonly limits: WireLimits;
  readonly handlers: WireHandlers;
  readonly flushLater: (flush: () => void) => void;
  opened(connection: Connection): void;
  /** Called once per socket; `connection` is there when the handshake had succeeded. */
  closed(reason: Error, connection: Connection | undefined): void;
}

/** `expected` is the peer's id on a dialled socket, undefined on an accepted one; `head` is what was read of it already. */
export function runSession(
  socket: Duplex,
  context: SessionContext,
  expected: string | undefined,
  head: Uint8Array = NOTHING,
): void {
  const { own, limits } = context;
  let connection: Connection | undefined;
  let reason: Error | undefined;
  const parser = new FrameParser(() => (connection ? limits.maxFrameBytes : MAX_HELLO_BYTES));

  const finish = (error: Error) => {
    if (reason) return;
    reason = error;
    clearInterval(pinger);
    clearTimeout(deadline);
    connection?.close(error);
    if (error instanceof WireError && error.code === "refused") socket.end();
    else socket.destroy();
    context.closed(error, connection);
  };
  const say = (type: FrameType, payload: Buffer) => {
    socket.write(Buffer.concat([frameHeader(type, 0, payload.length), payload]));
  };
  const open = (hello: Hello) => {
    connection = new Connection(hello.id, socket, context.handlers, limits, context.flushLater);
    clearTimeout(deadline);
    context.opened(connection);
  };
  const greet = (frame: Frame) => {
    if (expected !== undefined && frame.type === FrameType.refuse) {
      throw new WireError("refused", `${expected} refused this peer: ${frame.payload.toString("utf8")}`);
    }
    if (frame.type !== (expected === undefined ? FrameType.hello : FrameType.welcome)) {
      throw new WireError("protocol", `a frame of type ${frame.type} before the handshake`);
    }
    const hello = checkHello(frame.payload, own);
    if (expected !== undefined && hello.id !== expected) {
      throw new WireError("unreachable", `the address of ${expected} leads to ${hello.id}`);
    }
    if (expected === undefined) say(FrameType.welcome, encodeHello(own));
    open(hello);
  };
  let heardAt = performance.now();
  const onData = (chunk: Buffer) => {
    heardAt = performance.now();
    try {
      parser.push(chunk, (frame) => (connection ? connection.take(frame) : greet(frame)));
    } catch (error) {
      const cause = error instanceof Error ? error : new WireError("protocol", String(error));
      if (expected === undefined && !connection && !reason) say(FrameType.refuse, Buffer.from(cause.message));
      finish(cause);
    }
  };

  const deadline = setTimeout(
    () => finish(new WireError("timeout", "the handshake took too long")),
    limits.handshakeMs,
  );
  // What counts is what was heard: our own pings into a dead connection are no sign of life.
  const attend = () => {
    if (performance.now() - heardAt < limits.idleMs) connection?.ping();
    else finish(new WireError("timeout", `silent for ${limits.idleMs} ms`));
  };
  const pinger = setInterval(attend, Math.ceil(limits.idleMs / 3));
  pinger.unref();
  if (socket instanceof Socket) socket.setNoDelay(true);
  socket.on("data", onData);
  socket.on("error", (error) => finish(new WireError("unreachable", error.message, { cause: error })));
  socket.on("close", () => finish(new WireError("unreachable", "the connection was closed")));
  if (expected !== undefined) say(FrameType.hello, encodeHello(own));
  if (head.length > 0) onData(Buffer.from(head));
}

const NOTHING = new Uint8Array(0);
