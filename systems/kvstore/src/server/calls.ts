/** From a request to what is to be done: a command with its arguments, or at once the reply to give. */
import { type Reply, ReplyError, wrongArity } from "../reply.ts";
import { parseInline } from "../resp/inline.ts";
import type { Request } from "../resp/parser.ts";
import { MAX_KEY_BYTES } from "../store/keyspace.ts";
import {
  type Args,
  type Command,
  hasArity,
  type ReadCommand,
  type SessionCommand,
  type WriteCommand,
} from "./command.ts";
import { findCommand } from "./commands/table.ts";
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

function resolve(name: string, args: Args, session: Session, isPlain: boolean): Call {
  const command = findCommand(name);
  const refusal = command ? checkCall(command, args, session) : unknownCommand(name, args);
  if (refusal) return refuse(refusal, session, isPlain);
  const found = command as Command;
  session.lastCommand = found.name;
  const isQueued = session.transaction.isOpen && !(found.kind === "session" && found.insideMulti);
  // One literal, so that all calls have one shape.
  return { kind: isQueued ? "queue" : found.kind, command: found, args, isPlain } as Call;
}

/** A refused command spoils an open transaction, as in Redis. */
function refuse(reply: ReplyError, session: Session, isPlain: boolean): Call {
  session.transaction.spoil();
  return { kind: "reply", reply, isPlain };
}

const WITHOUT_LOGIN = new Set(["auth", "hello", "quit", "reset"]);

function checkCall(command: Command, args: Args, session: Session): ReplyError | undefined {
  if (!hasArity(command, args.length + 1)) return wrongArity(command.name);
  if (!session.isAuthenticated && !WITHOUT_LOGIN.has(command.name))
    return new ReplyError("NOAUTH Authentication required.");
  return command.kind === "write" ? checkKeys(command, args) : undefined;
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
  let quoted = "";
  for (const arg of args) {
    if (quoted.length >= QUOTED_BYTES) break;
    quoted += `'${arg.toString("utf8").slice(0, QUOTED_BYTES - quoted.length)}' `;
  }
  const text = Buffer.from(name, "latin1").toString("utf8").slice(0, QUOTED_BYTES);
  return new ReplyError(`ERR unknown command '${text}', with args beginning with: ${quoted}`);
}
