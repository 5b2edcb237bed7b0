/** What a row of the command table says about a command. */
import type { Reply, ReplyError } from "../reply.ts";
import type { Operation } from "../store/entry.ts";
import type { ReadableKeyspace } from "../store/keyspace.ts";
import type { ScanCursors } from "./cursors.ts";
import type { Session } from "./session.ts";

/** Arguments behind the command's name. */
export type Args = readonly Buffer[];

interface CommandBase {
  /** Lower case. */
  readonly name: string;
  /** As in Redis, the name included: exactly n, or at least n when negative. */
  readonly arity: number;
  /** Positions of keys among all words: first, last (negative from the end), step. Absent: no keys. */
  readonly keys?: readonly [first: number, last: number, step: number];
  /** One sentence for COMMAND DOCS. */
  readonly summary: string;
  /** The words that may follow the name, in upper case. Absent: what follows is arguments. */
  readonly subcommands?: Readonly<Record<string, { readonly arity: number }>>;
}

/** Answers from the data as it is; sees every write acknowledged before it arrived. */
export interface ReadCommand extends CommandBase {
  readonly kind: "read";
  run(space: ReadableKeyspace, args: Args, cursors: ScanCursors): Reply;
}

/** Becomes an operation in the log; the operation's answer, through `answer` if there is one, is the reply. */
export interface WriteCommand extends CommandBase {
  readonly kind: "write";
  /** `now` is milliseconds since 1970. A reply instead of an operation refuses the arguments. */
  plan(args: Args, now: number): Operation | ReplyError;
  answer?(reply: Reply): Reply;
  /** Whether it makes room, so that it is still accepted on a nearly full disk. */
  readonly frees?: boolean;
}

/** Concerns the connection or the server and not the data. */
export interface SessionCommand extends CommandBase {
  readonly kind: "session";
  /** Whether MULTI does not queue it. */
  readonly insideMulti?: boolean;
  run(session: Session, args: Args): Reply | Promise<Reply>;
}

export type Command = ReadCommand | WriteCommand | SessionCommand;

export const hasArity = ({ arity }: { readonly arity: number }, words: number): boolean =>
  arity < 0 ? words >= -arity : words === arity;

/** Text of an argument that names something, in upper case. */
export const keyword = (arg: Buffer | undefined): string => arg?.toString("latin1").toUpperCase() ?? "";

export const EMPTY_ARG = Buffer.alloc(0);

/** The argument at `index`; the arity check came first, so it is there. */
export const at = (args: Args, index: number): Buffer => args[index] ?? EMPTY_ARG;
