/** Replies out of a byte stream, for the command line's client. RESP2 is all it asks for. */
import { KvStoreError } from "../errors.ts";
import { type Reply, ReplyError, Status } from "../reply.ts";

const MAX_DEPTH = 8;
const MAX_REPLY_BYTES = 128 * 1024 * 1024;

/** Thrown inside when the reply is not complete; never leaves this file. */
const INCOMPLETE = Symbol("incomplete");

export class ReplyParser {
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #input: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Where the reply that is being read begins. */
  #start = 0;
  /** The reply is known to take at least this much: before, there is no use in trying, or in copying chunks together. */
  #neededBytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > MAX_REPLY_BYTES)
      throw new KvStoreError("protocol", "The server's answer is longer than 128 MiB.");
  }

  /** The next complete reply; undefined while there is none. Throws `protocol` when the server does not speak RESP2. */
  next(): Reply | undefined {
    if (this.#sizeBytes < this.#neededBytes) return undefined;
    this.#gather();
    this.#start = this.#at;
    try {
      const reply = this.#reply(MAX_DEPTH);
      this.#neededBytes = 0;
      this.#sizeBytes = this.#input.length - this.#at;
      return reply;
    } catch (error) {
      if (error !== INCOMPLETE) throw error;
      this.#at = this.#start;
      return undefined;
    }
  }

  #gather(): void {
    if (this.#chunks.length === 0) return;
    this.#input = Buffer.concat([this.#input.subarray(this.#at), ...this.#chunks]);
    this.#chunks = [];
    this.#at = 0;
  }

  #reply(depth: number): Reply {
    if (depth === 0) throw foreign("its lists are nested too deep");
    const line = this.#line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return new Status(rest);
      case "-":
        return new ReplyError(rest);
      case ":":
        return Number(rest);
      case "$":
        return rest === "-1" ? null : this.#bulk(lengthOf(rest));
      case "*":
        return rest === "-1" ? null : Array.from({ length: lengthOf(rest) }, () => this.#reply(depth - 1));
      default:
        throw foreign(`it begins with ${JSON.stringify(line.slice(0, 20))}`);
    }
  }

  #line(): string {
    const end = this.#input.indexOf("\r\n", this.#at);
    if (end < 0) throw INCOMPLETE;
    const line = this.#input.toString("utf8", this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #bulk(length: number): Buffer {
    const end = this.#at + length;
    if (this.#input.length < end + 2) {
      this.#neededBytes = end + 2 - this.#start;
      throw INCOMPLETE;
    }
    const bytes = this.#input.subarray(this.#at, end);
    this.#at = end + 2;
    return bytes;
  }
}

function lengthOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw foreign(`a length is ${JSON.stringify(text)}`);
}

const foreign = (why: string): KvStoreError =>
  new KvStoreError("protocol", `The server does not answer as a kvstore does: ${why}. Is the port right?`);
