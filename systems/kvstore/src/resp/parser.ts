/**
 * Requests out of a byte stream: arrays of bulk strings as Redis' clients send them, and inline lines as typed into telnet.
 * Arguments are views of the received chunks where they lie in one, so a request costs no copy; a long argument that comes in many
 * chunks is gathered in one buffer of its announced size. What is kept between chunks is bounded by the limits.
 */
import { KvStoreError } from "../errors.ts";
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from "./limits.ts";

/** An array request has a name (its first bulk string, as Latin-1) and arguments; an inline one is still a line, without its end. */
export type Request = { readonly name: string; readonly args: readonly Buffer[] } | { readonly line: Buffer };

const CR = 13;
const LF = 10;
const ARRAY = 42;
const BULK = 36;
/** Longer than any header of a sane client. */
const NEAR_BYTES = 16;
/** Longer than any command's name; longer ones are not kept. */
const LONGEST_NAME = 32;
const NOTHING = Buffer.alloc(0);

export class RequestParser {
  readonly #limits: RequestLimits;
  #input: Buffer = NOTHING;
  #at = 0;
  /** Bulk strings still to come of the array being read; -1 between requests. */
  #missing = -1;
  #name: string | undefined;
  #lastName = "";
  #args: Buffer[] = [];
  #requestBytes = 0;
  /** Announced length of the argument being read; -1 before its header. */
  #bulkLength = -1;
  /** The argument (and its CRLF) being gathered from several chunks. */
  #gathering: Buffer | undefined;
  #gathered = 0;

  constructor(limits: RequestLimits = DEFAULT_REQUEST_LIMITS) {
    this.#limits = limits;
  }

  /** Bytes held for a request that is not complete. */
  get pendingBytes(): number {
    return this.#input.length - this.#at + this.#requestBytes;
  }

  /** Takes the next chunk of the stream; it must not be changed afterwards. */
  push(chunk: Buffer): void {
    const rest = this.#input.length - this.#at;
    this.#input = rest === 0 ? chunk : Buffer.concat([this.#input.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** The next complete request. Throws `protocol`, worded as Redis words it, when the stream can't be followed any more. */
  next(): Request | undefined {
    for (;;) {
      if (this.#missing >= 0) return this.#arguments() ? this.#finish() : undefined;
      if (this.#at >= this.#input.length) return undefined;
      if (this.#input[this.#at] !== ARRAY) return this.#inline();
      const count = this.#header("multibulk", "mbulk count string");
      if (count === undefined) return undefined;
      if (count > this.#limits.maxArguments) throw broken("invalid multibulk length");
      // As in Redis: an empty or null array is no request.
      if (count > 0) this.#missing = count;
    }
  }

  #finish(): Request {
    const request = { name: this.#name ?? "", args: this.#args };
    this.#name = undefined;
    this.#args = [];
    this.#missing = -1;
    this.#requestBytes = 0;
    return request;
  }

  /** Whether all arguments are there. */
  #arguments(): boolean {
    while (this.#missing > 0) {
      if (this.#bulkLength < 0 && !this.#bulkHeader()) return false;
      if (this.#name === undefined) {
        this.#name = this.#nameBulk();
        if (this.#name === undefined) return false;
      } else {
        const bulk = this.#bulk();
        if (!bulk) return false;
        this.#args.push(bulk);
      }
      this.#bulkLength = -1;
      this.#missing--;
    }
    return true;
  }

  #bulkHeader(): boolean {
    const first = this.#input[this.#at];
    if (first === undefined) return false;
    if (first !== BULK) throw broken(`expected '$', got '${printable(first)}'`);
    const length = this.#header("bulk", "bulk count string");
    if (length === undefined) return false;
    if (length < 0 || length > this.#limits.maxBulkBytes) throw broken("invalid bulk length");
    this.#requestBytes += length;
    if (this.#requestBytes > this.#limits.maxRequestBytes) throw broken("too big request");
    this.#bulkLength = length;
    return true;
  }

  #nameBulk(): string | undefined {
    if (!this.#isWholeHere()) return this.#bulk()?.toString("latin1");
    const start = this.#skipWhole();
    return this.#isLastName(start) ? this.#lastName : this.#rename(start);
  }

  /** Clients repeat themselves, and comparing a few bytes is cheaper than making a string of them. */
  #isLastName(start: number): boolean {
    const name = this.#lastName;
    if (name.length !== this.#bulkLength) return false;
    for (let i = 0; i < name.length; i++) if (this.#input[start + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  #rename(start: number): string {
    const end = start + this.#bulkLength;
    if (this.#bulkLength > LONGEST_NAME) return this.#input.toString("latin1", start, end);
    this.#lastName = this.#input.toString("latin1", start, end);
    return this.#lastName;
  }

  #bulk(): Buffer | undefined {
    const length = this.#bulkLength;
    const wanted = length + 2;
    if (this.#isWholeHere()) {
      const start = this.#skipWhole();
      return this.#input.subarray(start, start + length);
    }
    this.#gathering ??= Buffer.allocUnsafe(wanted);
    const copied = this.#input.copy(this.#gathering, this.#gathered, this.#at);
    this.#gathered += copied;
    this.#at += copied;
    return this.#gathered < wanted ? undefined : this.#ended(this.#endGathering());
  }

  /** The common case: the bulk string lies in one chunk, so it needs no copy. */
  #isWholeHere(): boolean {
    return !this.#gathering && this.#input.length - this.#at >= this.#bulkLength + 2;
  }

  /** Goes past it; returns where it begins. */
  #skipWhole(): number {
    const start = this.#at;
    const end = start + this.#bulkLength;
    if (this.#input[end] !== CR || this.#input[end + 1] !== LF) throw noEnd();
    this.#at = end + 2;
    return start;
  }

  #endGathering(): Buffer {
    const bytes = this.#gathering ?? NOTHING;
    this.#gathering = undefined;
    this.#gathered = 0;
    return bytes;
  }

  #take(length: number): Buffer {
    const start = this.#at;
    this.#at += length;
    return this.#input.subarray(start, this.#at);
  }

  #ended(bytes: Buffer): Buffer {
    const length = bytes.length - 2;
    if (bytes[length] !== CR || bytes[length + 1] !== LF) throw noEnd();
    return bytes.subarray(0, length);
  }

  /** The number behind `*` or `$`; undefined while the line is not complete. */
  #header(what: string, line: string): number | undefined {
    const end = this.#lineEnd();
    if (end < 0 || end + 1 >= this.#input.length) {
      if (this.#input.length - this.#at > this.#limits.maxInlineBytes) throw broken(`too big ${line}`);
      return undefined;
    }
    const value = integerIn(this.#input, this.#at + 1, end);
    if (value === undefined || this.#input[end + 1] !== LF) throw broken(`invalid ${what} length`);
    this.#at = end + 2;
    return value;
  }

  /** Where the next CR stands; headers are so short that looking byte by byte beats a call into native code. */
  #lineEnd(): number {
    const near = Math.min(this.#input.length, this.#at + NEAR_BYTES);
    for (let at = this.#at; at < near; at++) if (this.#input[at] === CR) return at;
    return this.#input.indexOf(CR, near);
  }

  #inline(): Request | undefined {
    const end = this.#input.indexOf(LF, this.#at);
    const length = (end < 0 ? this.#input.length : end) - this.#at;
    if (length > this.#limits.maxInlineBytes) throw broken("too big inline request");
    if (end < 0) return undefined;
    const line = this.#take(length + 1);
    return { line: line.subarray(0, line[length - 1] === CR ? length - 1 : length) };
  }
}

/** A decimal integer of at most ten digits in its shortest form; undefined for anything else. */
function integerIn(bytes: Buffer, start: number, end: number): number | undefined {
  const isNegative = bytes[start] === 45;
  const first = isNegative ? start + 1 : start;
  const hasLeadingZero = bytes[first] === 48 && (isNegative || end - first > 1);
  if (end <= first || end - first > 10 || hasLeadingZero) return undefined;
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

const printable = (byte: number): string =>
  byte === CR || byte === LF ? " " : byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "?";

const noEnd = (): KvStoreError => broken("expected CRLF behind a bulk string");

const broken = (why: string): KvStoreError => new KvStoreError("protocol", `Protocol error: ${why}`);
