/** One client's conversation: its settings, its transaction, and the execution of its commands in order. */
import { QUEUED, type Reply, ReplyError } from "../reply.ts";
import type { RespVersion } from "../resp/encode.ts";
import type { Operation } from "../store/entry.ts";
import { admitRead, failureReply, refuseWrite } from "./access.ts";
import type { Call } from "./calls.ts";
import type { ReadCommand, WriteCommand } from "./command.ts";
import type { ServerContext } from "./context.ts";
import { Transaction } from "./transaction.ts";

export class Session {
  readonly id: number;
  readonly address: string;
  readonly server: ServerContext;
  readonly connectedAt = Date.now();
  readonly transaction = new Transaction();
  name = "";
  library = "";
  libraryVersion = "";
  respVersion: RespVersion = 2;
  lastCommand = "";
  lastActiveAt = Date.now();
  isAuthenticated: boolean;
  /** Set to end the connection once everything before is answered. */
  isEnding = false;
  /** Takes the connection over for a stream (SNAPSHOT); runs after the reply is sent. */
  takeOver: (() => AsyncIterable<Uint8Array>) | undefined;

  constructor(id: number, address: string, server: ServerContext) {
    this.id = id;
    this.address = address;
    this.server = server;
    this.isAuthenticated = server.password === undefined;
  }

  /** Answers calls of one kind (and replies that are known already) that came in a row, in order. Never rejects. */
  async execute(kind: Call["kind"], calls: readonly Call[]): Promise<readonly Reply[]> {
    this.lastActiveAt = Date.now();
    this.server.stats.commands += calls.length;
    try {
      if (kind === "write") return await this.#write(calls);
      if (kind === "read") return await this.#read(calls);
      return await Promise.all(calls.map((call) => this.#answer(call)));
    } catch (error) {
      this.server.logger.error("a command failed unexpectedly", { error });
      return calls.map(() => new ReplyError("ERR internal error; the server's log says more"));
    }
  }

  #answer(call: Call): Reply | Promise<Reply> {
    if (call.kind === "reply") return call.reply;
    if (call.kind === "queue") return this.#queue(call);
    return call.kind === "session" ? call.command.run(this, call.args) : new ReplyError("ERR mixed calls");
  }

  #queue(call: Call & { kind: "queue" }): Reply {
    this.transaction.queue(call.command, call.args);
    return QUEUED;
  }

  async #read(calls: readonly Call[]): Promise<readonly Reply[]> {
    const refusal = await admitRead(this.server.backend);
    if (refusal) return calls.map((call) => (call.kind === "reply" ? call.reply : refusal));
    return calls.map((call) => (call.kind === "read" ? this.runRead(call.command, call.args) : replyOf(call)));
  }

  runRead(command: ReadCommand, args: readonly Buffer[]): Reply {
    return command.run(this.server.backend.store.reader(), args, this.server.cursors);
  }

  async #write(calls: readonly Call[]): Promise<readonly Reply[]> {
    const now = Date.now();
    const operations: Operation[] = [];
    const slots = calls.map((call) => {
      const planned = call.kind === "write" ? this.planWrite(call.command, call.args, now) : replyOf(call);
      if (!isOperation(planned)) return () => planned;
      const index = operations.push(planned) - 1;
      return (replies: readonly Reply[]) => answerOf(call, replies[index] ?? null);
    });
    const replies = await this.commit(operations);
    return slots.map((slot) => slot(replies));
  }

  /** The operation of a write that may go to the log, or why not. */
  planWrite(command: WriteCommand, args: readonly Buffer[], now: number): Operation | ReplyError {
    return refuseWrite(this.server.backend, command.frees ?? false) ?? command.plan(args, now);
  }

  /** One reply per operation; all of them the same error when the log did not acknowledge. */
  async commit(operations: readonly Operation[]): Promise<readonly Reply[]> {
    if (operations.length === 0) return [];
    try {
      return await this.server.proposer.propose(operations);
    } catch (error) {
      const reply = failureReply(this.server.backend, error);
      return operations.map(() => reply);
    }
  }
}

const replyOf = (call: Call): Reply => (call.kind === "reply" ? call.reply : new ReplyError("ERR mixed calls"));

const isOperation = (planned: Operation | Reply): planned is Operation =>
  typeof planned === "object" && planned !== null && "code" in planned;

function answerOf(call: Call, reply: Reply): Reply {
  if (call.kind !== "write" || reply instanceof ReplyError) return reply;
  return call.command.answer ? call.command.answer(reply) : reply;
}
