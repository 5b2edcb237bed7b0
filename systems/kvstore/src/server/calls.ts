/** From a request to what is to be done: a command with its arguments, or at once the reply to give. */
import { type Reply, ReplyError, wrongArity } from "../reply.ts";
import { parseInline } from "../resp/inline.ts";
import type { Request } from "../resp/parser.ts";
import { MAX_KEY_BYTES } from "../store/keyspace.ts";
import {
  type Args,
  type Command,
  hasArity,
  keyword,
  type ReadCommand,
  type SessionCommand,
  type WriteCommand,
} from "./command.ts";
import { HTTP_REQUEST } from "./commands/connection.ts";
import { findCommand } from "./commands/table.ts";
import { refusedExec } from "./commands/transactions.ts";
import type { Session } from "./session.ts";

interface CallOf<Kind extends string, C extends Command> {
  readonly kind: Kind;
  readonly command: C;
  readonly args: Args;
  /** Whether the answer is due in the original's plain text. */
  readonly isPlain: boolean;
}

export type Call =
  | CallOf<"read", ReadCommand>
  | CallOf<"write", WriteCommand>
  | CallOf<"session", SessionCommand>
  /** To be kept until EXEC. */
  | CallOf<"queue", Command>
  | { readonly kind: "reply"; readonly reply: Reply; readonly isPlain: boolean };

/** Undefined for a blank line. Throws `protocol` for a line that can't be split. */
export function callOf(request: Request, session: Session): Call | undefined {
  if ("args" in request) return resolve(request.name, request.args, session, false);
  const inline = parseInline(request.line);
  if (!inline) return undefined;
  const [name, ...args] = inline.args;
  return resolve(name?.toString("latin1") ?? "", args, session, inline.isPlain);
}

/** A request line and a header that every browser sends. */
const HTTP_WORDS = new Set(["post", "host:"]);

function resolve(name: string, args: Args, session: Session, isPlain: boolean): Call {
  const command = findCommand(name);
  if (!command && HTTP_WORDS.has(name.toLowerCase())) return { kind: "session", command: HTTP_REQUEST, args, isPlain };
  const refusal = command ? checkCall(command, args, session) : unknownCommand(name, args);
  if (refusal) return refuse(command, refusal, session, isPlain);
  const found = command as Command;
  session.lastCommand = found.name;
  const isQueued = session.transaction.isOpen && !(found.kind === "session" && found.insideMulti);
  // One literal, so that all calls have one shape.
  return { kind: isQueued ? "queue" : found.kind, command: found, args, isPlain } as Call;
}

/** A refused command spoils an open transaction, and a refused EXEC ends it, as in Redis. */
function refuse(command: Command | undefined, reason: ReplyError, session: Session, isPlain: boolean): Call {
  // In its turn: the commands before it may still have to be queued.
  if (command?.name === "exec") return { kind: "session", command: refusedExec(reason), args: [], isPlain };
  session.transaction.spoil();
  return { kind: "reply", reply: reason, isPlain };
}

const WITHOUT_LOGIN = new Set(["auth", "hello", "quit", "reset"]);

function checkCall(command: Command, args: Args, session: Session): ReplyError | undefined {
  if (!hasArity(command, args.length + 1)) return wrongArity(command.name);
  const refusal = checkSubcommand(command, args);
  if (refusal) return refusal;
  if (!session.isAuthenticated && !WITHOUT_LOGIN.has(command.name))
    return new ReplyError("NOAUTH Authentication required.");
  return command.kind === "write" ? checkKeys(command, args) : undefined;
}

/** As in Redis, an unknown subcommand is no command at all: it spoils a transaction, and needs no log-in to be told so. */
function checkSubcommand({ name, subcommands }: Command, args: Args): ReplyError | undefined {
  if (!subcommands || !args[0]) return undefined;
  const found = subcommands[keyword(args[0])];
  if (!found) return unknownSubcommand(name, args[0]);
  return hasArity(found, args.length + 1) ? undefined : wrongArity(`${name}|${args[0].toString().toLowerCase()}`);
}

function checkKeys({ keys }: Command, args: Args): ReplyError | undefined {
  if (!keys) return undefined;
  const [first, last, step] = keys;
  const end = last < 0 ? args.length + last : last - 1;
  for (let at = first - 1; at <= end; at += step)
    if ((args[at]?.length ?? 0) > MAX_KEY_BYTES) return new ReplyError(`ERR key is longer than ${MAX_KEY_BYTES} bytes`);
  return undefined;
}

/** Redis quotes at most this much of a name or of the arguments. */
const QUOTED_BYTES = 128;

function unknownCommand(name: string, args: Args): ReplyError {
  let list = "";
  for (const arg of args) {
    const room = QUOTED_BYTES - Buffer.byteLength(list);
    if (room <= 0) break;
    list += `'${quoted(arg, room)}' `;
  }
  const text = quoted(Buffer.from(name, "latin1"), QUOTED_BYTES);
  return new ReplyError(`ERR unknown command '${text}', with args beginning with: ${list}`);
}

const unknownSubcommand = (name: string, word: Buffer): ReplyError =>
  new ReplyError(`ERR unknown subcommand '${quoted(word, QUOTED_BYTES)}'. Try ${name.toUpperCase()} HELP.`);

/** To the first zero byte, which ends a string in Redis' language. */
function quoted(bytes: Buffer, limit: number): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, Math.min(limit, end < 0 ? bytes.length : end));
}
