/**
 * What a command answers, apart from how it is written (RESP2, RESP3 or the seed's plain text): a status, an error, an integer,
 * bytes, nothing, or a list of these. Strings are text that the server made itself and are written like bytes.
 */
export type Reply =
  | Status
  | ReplyError
  | ReplyMap
  | Report
  | number
  | bigint
  | string
  | Uint8Array
  | null
  | typeof NO_LIST
  | readonly Reply[];

/** Nothing where a list was asked for; RESP2 tells it apart from null. */
export const NO_LIST = Symbol("no list");

/** A short word such as OK or PONG. */
export class Status {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An error as Redis words them: an upper-case code, a space, a sentence. One line. */
export class ReplyError {
  readonly message: string;

  constructor(message: string) {
    this.message = message.replaceAll(/^[\r\n]+|[\r\n]+$/g, "").replaceAll(/[\r\n]/g, " ");
  }
}

/** Text for people to read: RESP3 marks it as such. */
export class Report {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Pairs: a map in RESP3, a flat list in RESP2. */
export class ReplyMap {
  readonly pairs: readonly (readonly [Reply, Reply])[];

  constructor(pairs: readonly (readonly [Reply, Reply])[]) {
    this.pairs = pairs;
  }
}

export const OK = new Status("OK");
export const QUEUED = new Status("QUEUED");

export const wrongArity = (command: string): ReplyError =>
  new ReplyError(`ERR wrong number of arguments for '${command}' command`);
export const SYNTAX_ERROR = new ReplyError("ERR syntax error");
export const NOT_AN_INTEGER = new ReplyError("ERR value is not an integer or out of range");
export const NOT_A_FLOAT = new ReplyError("ERR value is not a valid float");
export const NO_SUCH_DB = new ReplyError("ERR DB index is out of range");
export const WOULD_OVERFLOW = new ReplyError("ERR increment or decrement would overflow");

/** The most that one command's reply may take, so that no client can make a server hold gigabytes for it. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;
export const TOO_LARGE_A_REPLY = new ReplyError(
  `ERR the reply would be larger than ${MAX_REPLY_BYTES / 1024 / 1024} MiB: ask for less at once`,
);

/** About what a reply takes on the wire. */
export function replyBytes(reply: Reply): number {
  if (reply instanceof Uint8Array || typeof reply === "string") return reply.length + 16;
  return Array.isArray(reply) ? reply.reduce((sum: number, item: Reply) => sum + replyBytes(item), 16) : 16;
}
