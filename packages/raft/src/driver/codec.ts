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
const APPEND_HEAD_BYTES = 1 + 4 * 6;
const NUMBER_BYTES = 6;

type Small = Exclude<Message["type"], "append">;
type Field = readonly [name: string, type: "number" | "boolean"];
/**
 * What each message other than an append consists of beside its type; every number is a term, an index or a round. A message's kind on the wire is its place
 * here, from 1 on; then its fields follow: u48 or u8.
 */
const SHAPES: readonly (readonly [Small, readonly Field[]])[] = [
  [
    "vote",
    [
      ["term", "number"],
      ["isPre", "boolean"],
      ["isTransfer", "boolean"],
      ["lastIndex", "number"],
      ["lastTerm", "number"],
    ],
  ],
  [
    "vote-reply",
    [
      ["term", "number"],
      ["isPre", "boolean"],
      ["isGranted", "boolean"],
    ],
  ],
  [
    "append-reply",
    [
      ["term", "number"],
      ["match", "number"],
    ],
  ],
  [
    "append-reject",
    [
      ["term", "number"],
      ["prevIndex", "number"],
      ["hintIndex", "number"],
      ["hintTerm", "number"],
    ],
  ],
  [
    "heartbeat",
    [
      ["term", "number"],
      ["commit", "number"],
      ["round", "number"],
    ],
  ],
  [
    "heartbeat-reply",
    [
      ["term", "number"],
      ["round", "number"],
    ],
  ],
  ["timeout-now", [["term", "number"]]],
  ["stale", [["term", "number"]]],
  ["removed", [["term", "number"]]],
];
const KINDS = new Map<string, number>(SHAPES.map(([type], at) => [type, at + 1]));

const sizeOfField = ([, type]: Field): number => (type === "number" ? NUMBER_BYTES : 1);
const SIZES = SHAPES.map(([, fields]) => fields.reduce((sum, field) => sum + sizeOfField(field), 1));

export function encodeMessage(message: Message): Buffer {
  if (message.type !== "append") return encodeSmall(message);
  const bytes = encodeEntries(message.entries, APPEND_HEAD_BYTES);
  let at = bytes.writeUInt8(APPEND_KIND, 0);
  for (const number of [message.term, message.prevIndex, message.prevTerm, message.commit])
    at = bytes.writeUIntBE(number, at, NUMBER_BYTES);
  return bytes;
}

function encodeSmall(message: Message): Buffer {
  const kind = KINDS.get(message.type) as number;
  const [, fields] = SHAPES[kind - 1] as (typeof SHAPES)[number];
  const bytes = Buffer.allocUnsafe(SIZES[kind - 1] as number);
  const values = message as unknown as Readonly<Record<string, number | boolean>>;
  let at = bytes.writeUInt8(kind, 0);
  for (const [name, type] of fields)
    at =
      type === "number"
        ? bytes.writeUIntBE(Number(values[name]), at, NUMBER_BYTES)
        : bytes.writeUInt8(values[name] ? 1 : 0, at);
  return bytes;
}

/** Throws WireError `protocol` on bytes that make no sense, which closes the connection. */
export function decodeMessage(bytes: Buffer): Message {
  const kind = bytes[0] ?? -1;
  const shape = SHAPES[kind - 1];
  if (shape && bytes.length === SIZES[kind - 1]) return decodeSmall(bytes, shape);
  if (kind !== APPEND_KIND) throw new WireError("protocol", "a message of an unknown kind or a wrong length");
  try {
    return decodeAppend(bytes);
  } catch (cause) {
    throw new WireError("protocol", "a message that makes no sense", { cause });
  }
}

function decodeSmall(bytes: Buffer, [type, fields]: (typeof SHAPES)[number]): Message {
  const message: Record<string, unknown> = { type };
  let at = 1;
  for (const field of fields) {
    const isNumber = field[1] === "number";
    if (!isNumber && (bytes[at] ?? 2) > 1) throw new WireError("protocol", "a message that makes no sense");
    message[field[0]] = isNumber ? bytes.readUIntBE(at, NUMBER_BYTES) : bytes[at] === 1;
    at += sizeOfField(field);
  }
  return message as unknown as Message;
}

function decodeAppend(bytes: Buffer): Append {
  const number = (i: number) => bytes.readUIntBE(1 + i * 6, 6);
  const prevIndex = number(1);
  const entries = decodeEntries(bytes, APPEND_HEAD_BYTES, prevIndex + 1);
  return { type: "append", term: number(0), prevIndex, prevTerm: number(2), entries, commit: number(3) };
}
