/** From a request's words to what is to be done: a command with its arguments, or at once the reply to give. */
import { type Reply, ReplyError, wrongArity } from "../reply.ts";
import { parseInline } from "../resp/inline.ts";
import type { Request } from "../resp/parser.ts";
import { MAX_KEY_BYTES } from "../store/keyspace.ts";
import { type Command, hasArity, type ReadCommand, type SessionCommand, type WriteCommand } from "./command.ts";
import { findCommand } from "./commands/table.ts";
import type { Session } from "./session.ts";

type CallBody =
  | { readonly kind: "read"; readonly command: ReadCommand; readonly args: readonly Buffer[] }
  | { readonly kind: "write"; readonly command: WriteCommand; readonly args: readonly Buffer[] }
  | { readonly kind: "session"; readonly command: SessionCommand; readonly args: readonly Buffer[] }
  /** To be kept until EXEC. */
  | {
      readonly kind: "queue";
      readonly command: ReadCommand | WriteCommand | SessionCommand;
      readonly args: readonly Buffer[];
    }
  | { readonly kind: "reply"; readonly reply: Reply };

export type Call = CallBody & {
  /** Whether the answer is due in the original's plain text. */
  readonly isPlain: boolean;
};

/** Undefined for a blank line. Throws `protocol` for a line that can't be split. */
export function callOf(request: Request, session: Session): Call | undefined {
  if ("args" in request) return { ...resolve(request.args, session), isPlain: false };
  const inline = parseInline(request.line);
  return inline && { ...resolve(inline.args, session), isPlain: inline.isPlain };
}

function resolve(words: readonly Buffer[], session: Session): CallBody {
  const name = (words[0] as Buffer).toString("latin1").toLowerCase();
  const command = findCommand(name);
  const refusal = command ? checkCall(command, words, session) : unknownCommand(words);
  if (refusal) return refuse(refusal, session);
  session.lastCommand = name;
  return bodyOf(command as Command, words.slice(1), session);
}

function bodyOf(command: Command, args: readonly Buffer[], session: Session): CallBody {
  const isQueued = session.transaction.isOpen && !(command.kind === "session" && command.insideMulti);
  if (isQueued) return { kind: "queue", command, args };
  if (command.kind === "read") return { kind: "read", command, args };
  return command.kind === "write" ? { kind: "write", command, args } : { kind: "session", command, args };
}

/** A refused command spoils an open transaction, as in Redis. */
function refuse(reply: ReplyError, session: Session): CallBody {
  session.transaction.spoil();
  return { kind: "reply", reply };
}

const WITHOUT_LOGIN = new Set(["auth", "hello", "quit", "reset"]);

function checkCall(command: Command, words: readonly Buffer[], session: Session): ReplyError | undefined {
  if (!hasArity(command, words.length)) return wrongArity(command.name);
  if (!session.isAuthenticated && !WITHOUT_LOGIN.has(command.name))
    return new ReplyError("NOAUTH Authentication required.");
  return command.kind === "write" ? checkKeys(command, words) : undefined;
}

function checkKeys({ keys }: Command, words: readonly Buffer[]): ReplyError | undefined {
  if (!keys) return undefined;
  const [first, last, step] = keys;
  const end = last < 0 ? words.length + last : last;
  for (let at = first; at <= end; at += step)
    if ((words[at]?.length ?? 0) > MAX_KEY_BYTES)
      return new ReplyError(`ERR key is longer than ${MAX_KEY_BYTES} bytes`);
  return undefined;
}

/** Redis quotes at most this much of a name or of the arguments. */
const QUOTED_BYTES = 128;

function unknownCommand(words: readonly Buffer[]): ReplyError {
  const [name = "", ...args] = words.map((word) => word.toString("utf8"));
  let quoted = "";
  for (const arg of args) {
    if (quoted.length >= QUOTED_BYTES) break;
    quoted += `'${arg.slice(0, QUOTED_BYTES - quoted.length)}' `;
  }
  return new ReplyError(`ERR unknown command '${name.slice(0, QUOTED_BYTES)}', with args beginning with: ${quoted}`);
}
