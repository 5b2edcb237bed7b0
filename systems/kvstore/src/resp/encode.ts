/** Replies as bytes: RESP2, RESP3, or the plain text lines of the original kvstore. */
import { NO_LIST, type Reply, ReplyError, ReplyMap, Report, Status } from "../reply.ts";
import { escaped } from "./inline.ts";
import type { Output } from "./output.ts";

export type RespVersion = 2 | 3;

export function writeReply(out: Output, reply: Reply, version: RespVersion): void {
  if (reply === null) out.ascii(version === 3 ? "_\r\n" : "$-1\r\n");
  else if (reply === NO_LIST) out.ascii(version === 3 ? "_\r\n" : "*-1\r\n");
  else if (reply instanceof Uint8Array) writeBulk(out, reply);
  else if (reply instanceof Status) out.ascii(`+${reply.text}\r\n`);
  else if (typeof reply === "number" || typeof reply === "bigint") out.ascii(`:${reply}\r\n`);
  else if (typeof reply === "string") writeBulk(out, Buffer.from(reply));
  else if (reply instanceof ReplyError) writeLine(out, `-${reply.message}`);
  else if (reply instanceof Report) writeReport(out, reply, version);
  else if (reply instanceof ReplyMap) writeMap(out, reply, version);
  else writeList(out, reply, version);
}

function writeBulk(out: Output, bytes: Uint8Array): void {
  out.ascii(`$${bytes.length}\r\n`);
  out.bytes(bytes);
  out.ascii("\r\n");
}

/** Verbatim, RESP3 calls it; `txt` is its format. */
function writeReport(out: Output, { text }: Report, version: RespVersion): void {
  const bytes = Buffer.from(version === 3 ? `txt:${text}` : text);
  out.ascii(`${version === 3 ? "=" : "$"}${bytes.length}\r\n`);
  out.bytes(bytes);
  out.ascii("\r\n");
}

/** Errors may quote what the client sent: UTF-8. */
function writeLine(out: Output, line: string): void {
  out.bytes(Buffer.from(`${line}\r\n`));
}

function writeMap(out: Output, { pairs }: ReplyMap, version: RespVersion): void {
  out.ascii(version === 3 ? `%${pairs.length}\r\n` : `*${pairs.length * 2}\r\n`);
  for (const reply of pairs.flat()) writeReply(out, reply, version);
}

function writeList(out: Output, list: readonly Reply[], version: RespVersion): void {
  out.ascii(`*${list.length}\r\n`);
  for (const reply of list) writeReply(out, reply, version);
}

/** One line; lists are joined by `||`. Counts say whether there was anything: OK or NOT_FOUND. */
export function writePlain(out: Output, reply: Reply): void {
  out.bytes(Buffer.from(`${plain(reply)}\n`, "latin1"));
}

function plain(reply: Reply): string {
  if (reply === null || reply === NO_LIST || reply === 0) return "NOT_FOUND";
  if (typeof reply === "number" || typeof reply === "bigint") return "OK";
  if (reply instanceof Status) return reply.text;
  if (reply instanceof ReplyError) return `ERROR: ${reply.message}`;
  if (reply instanceof ReplyMap) return reply.pairs.flat().map(plain).join("||");
  if (reply instanceof Report) return escaped(reply.text);
  if (typeof reply === "string") return escaped(reply);
  return reply instanceof Uint8Array ? escaped(latin1(reply)) : reply.map(plain).join("||");
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
