/**
 * Entries and messages as bytes, big-endian. The same bytes of entries are what the log writes and what followers are sent.
 *
 *     entries: count u32 | then each: term u48 | kind u8 | length u32 | content        (indexes follow from the first)
 *     content: a command; a membership as JSON; nothing
 */
import { WireError } from "@coracle/wire";
import type { Append, Message } from "../core/messages.ts";
import type { LogEntry, Membership } from "../core/types.ts";

const ENTRY_HEADER_BYTES = 11;
const EMPTY_KIND = 0;
const COMMAND_KIND = 1;
const MEMBERSHIP_KIND = 2;

export function encodeEntries(entries: readonly LogEntry[], headBytes = 0): Buffer {
  const contents = entries.map(contentOf);
  let size = headBytes + 4;
  for (const content of contents) size += ENTRY_HEADER_BYTES + content.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.writeUInt32BE(entries.length, headBytes);
  for (const [i, entry] of entries.entries()) {
    const content = contents[i] as Uint8Array;
    at = bytes.writeUIntBE(entry.term, at, 6);
    at = bytes.writeUInt8(kindOf(entry), at);
    at = bytes.writeUInt32BE(content.length, at);
    bytes.set(content, at);
    at += content.length;
  }
  return bytes;
}

const NOTHING = new Uint8Array(0);

const contentOf = ({ command, membership }: LogEntry): Uint8Array =>
  command ?? (membership ? Buffer.from(JSON.stringify(membership)) : NOTHING);

const kindOf = ({ command, membership }: LogEntry): number =>
  command ? COMMAND_KIND : membership ? MEMBERSHIP_KIND : EMPTY_KIND;

/** The entries at `at`, the first of which has index `first`; they share the buffer's memory. Throws RangeError or SyntaxError on bytes that make no sense. */
export function decodeEntries(bytes: Buffer, start: number, first: number): LogEntry[] {
  const count = bytes.readUInt32BE(start);
  const entries: LogEntry[] = [];
  let at = start + 4;
  for (let index = first; index < first + count; index++) {
    const term = bytes.readUIntBE(at, 6);
    const kind = bytes.readUInt8(at + 6);
    const end = at + ENTRY_HEADER_BYTES + bytes.readUInt32BE(at + 7);
    if (end > bytes.length || kind > MEMBERSHIP_KIND) throw new RangeError("an entry that makes no sense");
    const content = bytes.subarray(at + ENTRY_HEADER_BYTES, end);
    if (kind === COMMAND_KIND) entries.push({ index, term, command: content });
    else if (kind === MEMBERSHIP_KIND) entries.push({ index, term, membership: readMembership(content) });
    else entries.push({ index, term });
    at = end;
  }
  if (at !== bytes.length) throw new RangeError("bytes after the last entry");
  return entries;
}

function readMembership(content: Buffer): Membership {
  const membership = JSON.parse(content.toString("utf8")) as Membership;
  if (!Array.isArray(membership.members) || !Array.isArray(membership.removed))
    throw new SyntaxError("a membership that makes no sense");
  return membership;
}

const APPEND_KIND = 0;
const JSON_KIND = 1;
const APPEND_HEAD_BYTES = 1 + 4 * 6;
/** What each message other than an append consists of beside its type; every number is a term, an index or a round. */
const SHAPES: Readonly<Record<Exclude<Message["type"], "append">, Readonly<Record<string, "number" | "boolean">>>> = {
  vote: { term: "number", isPre: "boolean", isTransfer: "boolean", lastIndex: "number", lastTerm: "number" },
  "vote-reply": { term: "number", isPre: "boolean", isGranted: "boolean" },
  "append-reply": { term: "number", match: "number" },
  "append-reject": { term: "number", prevIndex: "number", hintIndex: "number", hintTerm: "number" },
  heartbeat: { term: "number", commit: "number", round: "number" },
  "heartbeat-reply": { term: "number", round: "number" },
  "timeout-now": { term: "number" },
  stale: { term: "number" },
  removed: { term: "number" },
};

export function encodeMessage(message: Message): Buffer {
  if (message.type !== "append") return Buffer.concat([Buffer.of(JSON_KIND), Buffer.from(JSON.stringify(message))]);
  const bytes = encodeEntries(message.entries, APPEND_HEAD_BYTES);
  let at = bytes.writeUInt8(APPEND_KIND, 0);
  for (const number of [message.term, message.prevIndex, message.prevTerm, message.commit])
    at = bytes.writeUIntBE(number, at, 6);
  return bytes;
}

/** Throws WireError `protocol` on bytes that make no sense, which closes the connection. */
export function decodeMessage(bytes: Buffer): Message {
  try {
    if (bytes[0] === APPEND_KIND) return decodeAppend(bytes);
    const message: unknown = JSON.parse(bytes.toString("utf8", 1));
    if (bytes[0] === JSON_KIND && isMessage(message)) return message;
  } catch (cause) {
    throw new WireError("protocol", "a message that makes no sense", { cause });
  }
  throw new WireError("protocol", "a message of an unknown kind");
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  const shape = Object.hasOwn(SHAPES, String(fields.type)) ? SHAPES[fields.type as keyof typeof SHAPES] : undefined;
  if (!shape) return false;
  return Object.entries(shape).every(([key, type]) =>
    type === "boolean"
      ? typeof fields[key] === "boolean"
      : Number.isSafeInteger(fields[key]) && Number(fields[key]) >= 0,
  );
}

function decodeAppend(bytes: Buffer): Append {
  const number = (i: number) => bytes.readUIntBE(1 + i * 6, 6);
  const prevIndex = number(1);
  const entries = decodeEntries(bytes, APPEND_HEAD_BYTES, prevIndex + 1);
  return { type: "append", term: number(0), prevIndex, prevTerm: number(2), entries, commit: number(3) };
}
