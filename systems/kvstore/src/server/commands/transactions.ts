/** MULTI, EXEC, DISCARD, WATCH: a transaction is one operation in the log, so it happens entirely or not at all, on every replica. */
import { MAX_REPLY_BYTES, NO_LIST, OK, type Reply, ReplyError, replyBytes, TOO_LARGE_A_REPLY } from "../../reply.ts";
import { digestOf } from "../../store/digest.ts";
import type { Operation } from "../../store/entry.ts";
import { operation, transactionOf } from "../../store/operations.ts";
import { admitRead } from "../access.ts";
import type { Args, SessionCommand } from "../command.ts";
import type { Session } from "../session.ts";
import type { Queued } from "../transaction.ts";

const command = (row: Omit<SessionCommand, "kind" | "insideMulti">): SessionCommand => ({
  ...row,
  kind: "session",
  insideMulti: true,
});

function multi({ transaction }: Session): Reply {
  if (transaction.isOpen) return new ReplyError("ERR MULTI calls can not be nested");
  transaction.open();
  return OK;
}

function discard({ transaction }: Session): Reply {
  if (!transaction.isOpen) return new ReplyError("ERR DISCARD without MULTI");
  transaction.end();
  return OK;
}

async function watch(session: Session, keys: Args): Promise<Reply> {
  if (session.transaction.isOpen) return new ReplyError("ERR WATCH inside MULTI is not allowed");
  const refusal = await admitRead(session.server.backend);
  if (refusal) return refusal;
  const space = session.server.backend.store.reader();
  for (const key of keys) session.transaction.watch(key, digestOf(space.get(key)));
  return OK;
}

async function exec(session: Session): Promise<Reply> {
  const { transaction } = session;
  if (!transaction.isOpen) return new ReplyError("ERR EXEC without MULTI");
  const { isSpoilt, queued, watched } = transaction;
  transaction.end();
  if (isSpoilt) return new ReplyError("EXECABORT Transaction discarded because of previous errors.");
  const needsLog = watched.length > 0 || queued.some(({ command }) => command.kind === "write");
  return needsLog ? commit(session, queued, watched) : readAll(session, queued);
}

/** What an EXEC does that was refused before it ran. */
export const refusedExec = ({ message }: ReplyError): SessionCommand =>
  command({
    name: "exec",
    arity: -1,
    summary: "",
    run: ({ transaction }) => {
      transaction.end();
      return new ReplyError(`EXECABORT Transaction discarded because of: ${message.replace(/^ERR /, "")}`);
    },
  });

/** Reads alone need no log entry: nothing can come between them. */
async function readAll(session: Session, queued: readonly Queued[]): Promise<Reply> {
  const refusal = await admitRead(session.server.backend);
  if (refusal) return refusal;
  let size = 0;
  const replies = queued.map(({ command, args }) => {
    if (command.kind === "session") return command.run(session, args);
    if (command.kind === "write") return null;
    if (size > MAX_REPLY_BYTES) return TOO_LARGE_A_REPLY;
    const reply = session.runRead(command, args);
    size += replyBytes(reply);
    return reply;
  });
  return Promise.all(replies);
}

/** A command refused at this point (its arguments, a full disk) answers its error; the others run, as in Redis. */
async function commit(
  session: Session,
  queued: readonly Queued[],
  watched: Session["transaction"]["watched"],
): Promise<Reply> {
  const now = Date.now();
  const planned = queued.map((item) => plan(session, item, now));
  const operations = planned.filter((item): item is Operation => isOperation(item));
  const outcome = await session.commit(transactionOf(watched, operations));
  if (outcome === null) return NO_LIST;
  if (!Array.isArray(outcome)) return outcome;
  const results = outcome.values();
  return Promise.all(
    planned.map((item, index) => (isOperation(item) ? answer(queued[index], results.next().value ?? null) : item)),
  );
}

function plan(session: Session, { command, args }: Queued, now: number): Operation | Reply | Promise<Reply> {
  if (command.kind === "write") return session.planWrite(command, args, now);
  return command.kind === "read" ? operation("query", command.name, ...args) : command.run(session, args);
}

const isOperation = (item: Operation | Reply | Promise<Reply>): item is Operation =>
  typeof item === "object" && item !== null && "code" in item;

function answer(queued: Queued | undefined, reply: Reply): Reply {
  if (queued?.command.kind !== "write" || reply instanceof ReplyError) return reply;
  return queued.command.answer ? queued.command.answer(reply) : reply;
}

export const TRANSACTION_COMMANDS: readonly SessionCommand[] = [
  command({ name: "multi", arity: 1, summary: "Begins a transaction.", run: multi }),
  command({ name: "exec", arity: 1, summary: "Runs the transaction.", run: exec }),
  command({ name: "discard", arity: 1, summary: "Drops the transaction.", run: discard }),
  command({
    name: "watch",
    arity: -2,
    keys: [1, -1, 1],
    summary: "Makes EXEC depend on keys being unchanged.",
    run: watch,
  }),
  {
    kind: "session",
    name: "unwatch",
    arity: 1,
    summary: "Forgets the watched keys.",
    run: ({ transaction }) => {
      transaction.unwatch();
      return OK;
    },
  },
];
