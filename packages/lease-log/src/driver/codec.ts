/** Messages as bytes. The two that every write causes are binary, the others JSON. */
import { WireError } from "@coracle/wire";
import type { Ack, Append, EpochCount, Message } from "../core/messages.ts";

const JSON_KIND = 0;
const APPEND_KIND = 1;
const ACK_KIND = 2;
/** Flags of an ack. */
const LEAVING = 1;
const COMPLETE = 2;
const FULL = 4;
const APPEND_FIXED_BYTES = 1 + 5 * 8 + 4;
const RUN_BYTES = 8 + 4;
const MAX_RUNS = 100_000;

/** An append's head; the block's bytes follow it. */
export function encodeAppend(append: Append): Buffer {
  const bytes = Buffer.allocUnsafe(APPEND_FIXED_BYTES + append.entries.length * RUN_BYTES);
  bytes[0] = APPEND_KIND;
  let at = 1;
  for (const number of [append.epoch, append.prev.epoch, append.prev.index, append.commit, append.echo]) {
    at = bytes.writeDoubleBE(number, at);
  }
  at = bytes.writeUInt32BE(append.entries.length, at);
  for (const { epoch, count } of append.entries) at = bytes.writeUInt32BE(count, bytes.writeDoubleBE(epoch, at));
  return bytes;
}

export function encodeMessage(message: Exclude<Message, Append>): Buffer {
  if (message.type === "ack") return encodeAck(message);
  return Buffer.concat([Buffer.of(JSON_KIND), Buffer.from(JSON.stringify(message))]);
}

function encodeAck(ack: Ack): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 5 * 8 + 1);
  bytes[0] = ACK_KIND;
  let at = 1;
  for (const number of [ack.epoch, ack.session, ack.matched, ack.sentAt, ack.confirms])
    at = bytes.writeDoubleBE(number, at);
  bytes[at] = (ack.isLeaving ? LEAVING : 0) | (ack.isComplete ? COMPLETE : 0) | (ack.isFull ? FULL : 0);
  return bytes;
}

/** `rest` is what follows an append's head. Throws WireError `protocol` on bytes that make no sense, which closes the connection. */
export function decodeMessage(payload: Buffer): { readonly message: Message; readonly rest: Buffer } {
  try {
    if (payload[0] === APPEND_KIND) return decodeAppend(payload);
    if (payload[0] === ACK_KIND) return { message: decodeAck(payload), rest: payload.subarray(payload.length) };
    const message = JSON.parse(payload.toString("utf8", 1)) as Message;
    if (payload[0] === JSON_KIND && JSON_TYPES.has(message.type))
      return { message, rest: payload.subarray(payload.length) };
  } catch (cause) {
    throw new WireError("protocol", "a message that makes no sense", { cause });
  }
  throw new WireError("protocol", "a message of an unknown kind");
}

/** An append or an ack in JSON would bypass its checks. */
const JSON_TYPES: ReadonlySet<unknown> = new Set(["probe", "state", "refuse", "heartbeat", "ask", "report"]);

function decodeAppend(payload: Buffer): { message: Append; rest: Buffer } {
  const number = (i: number) => payload.readDoubleBE(1 + i * 8);
  const runs = payload.readUInt32BE(1 + 40);
  if (runs > MAX_RUNS) throw new WireError("protocol", "too many epochs in one message");
  const entries: EpochCount[] = [];
  let at = APPEND_FIXED_BYTES;
  for (let i = 0; i < runs; i++, at += RUN_BYTES) {
    entries.push({ epoch: payload.readDoubleBE(at), count: payload.readUInt32BE(at + 8) });
  }
  const prev = { epoch: number(1), index: number(2) };
  return {
    message: { type: "append", epoch: number(0), prev, entries, commit: number(3), echo: number(4) },
    rest: payload.subarray(at),
  };
}

function decodeAck(payload: Buffer): Ack {
  const number = (i: number) => payload.readDoubleBE(1 + i * 8);
  const flags = payload.readUInt8(41);
  const isLeaving = (flags & LEAVING) !== 0;
  const isFull = (flags & FULL) !== 0;
  const isComplete = (flags & COMPLETE) !== 0;
  return {
    type: "ack",
    epoch: number(0),
    session: number(1),
    matched: number(2),
    sentAt: number(3),
    confirms: number(4),
    isLeaving,
    isFull,
    isComplete,
  };
}
