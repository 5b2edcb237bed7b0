/** One client's conversation: its settings, its transaction, and the execution of its commands in order. */
import { KvStoreError } from "../errors.ts";
import { QUEUED, type Reply, ReplyError, replyBytes } from "../reply.ts";
import type { RespVersion } from "../resp/encode.ts";
import type { Operation } from "../store/entry.ts";
import { admitRead, canReadNow, failureReply, refuseWrite } from "./access.ts";
import type { Call } from "./calls.ts";
import type { ReadCommand, WriteCommand } from "./command.ts";
import type { ServerContext } from "./context.ts";
import { Transaction } from "./transaction.ts";

export class Session {
  readonly id: number;
  /** The client's end, `host:port`. */
  readonly address: string;
  /** The server's end. */
  readonly localAddress: string;
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

  constructor(id: number, [address, localAddress]: readonly [string, string], server: ServerContext) {
    this.id = id;
    this.address = address;
    this.localAddress = localAddress;
    this.server = server;
    this.isAuthenticated = server.password === undefined;
  }

  /**
   * Answers calls of one kind (and replies that are known already) that came in a row, in order; `done` is called exactly once, before
   * this returns where nothing has to be waited for. Reads whose answers grow large are answered in part: the rest is to be asked again.
   */
  execute(kind: Call["kind"], calls: readonly Call[], done: Done): void {
    this.lastActiveAt = Date.now();
    this.server.stats.commands += calls.length;
    try {
      if (kind === "write") this.#write(calls, done);
      else if (kind === "read" && canReadNow(this.server.backend)) done(this.#readAll(calls));
      else this.#executeSlowly(kind, calls).then(done, (error: unknown) => done(this.#unexpected(calls, error)));
    } catch (error) {
      done(this.#unexpected(calls, error));
    }
  }

  async #executeSlowly(kind: Call["kind"], calls: readonly Call[]): Promise<readonly Reply[]> {
    if (kind !== "read") return Promise.all(calls.map((call) => this.#answer(call)));
    const refusal = await admitRead(this.server.backend);
    return refusal ? calls.map((call) => (call.kind === "reply" ? call.reply : refusal)) : this.#readAll(calls);
  }

  #unexpected(calls: readonly Call[], error: unknown): readonly Reply[] {
    this.server.logger.error("a command failed unexpectedly", { error });
    const isDamage = error instanceof KvStoreError && error.code === "damaged";
    const reply = new ReplyError(
      isDamage ? `MISCONF ${error.message}` : "ERR internal error; the server's log says more",
    );
    return calls.map(() => reply);
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

  #readAll(calls: readonly Call[]): readonly Reply[] {
    const { store } = this.server.backend;
    const space = store.reader();
    const { cursors } = this.server;
    const replies: Reply[] = [];
    let size = 0;
    for (const call of calls) {
      const reply = call.kind === "read" ? call.command.run(space, call.args, cursors) : replyOf(call);
      replies.push(reply);
      size += replyBytes(reply);
      if (size > PART_BYTES) break;
    }
    return replies;
  }

  runRead(command: ReadCommand, args: readonly Buffer[]): Reply {
    return command.run(this.server.backend.store.reader(), args, this.server.cursors);
  }

  #write(calls: readonly Call[], done: Done): void {
    const now = Date.now();
    const operations: Operation[] = [];
    // Answers that are known now; the log's answers fill the gaps in order.
    const known: (Reply | undefined)[] = [];
    for (const call of calls) {
      const planned = call.kind === "write" ? this.planWrite(call.command, call.args, now) : replyOf(call);
      if (isOperation(planned)) operations.push(planned);
      known.push(isOperation(planned) ? undefined : planned);
    }
    if (operations.length === 0) {
      done(known as readonly Reply[]);
      return;
    }
    this.server.proposer.propose(operations, {
      acknowledged: (replies, first) => {
        let next = first;
        done(calls.map((call, i) => (known[i] === undefined ? answerOf(call, replies[next++] ?? null) : known[i])));
      },
      failed: (error) => {
        const reply = failureReply(this.server.backend, error);
        done(known.map((answer) => (answer === undefined ? reply : answer)));
      },
    });
  }

  /** The operation of a write that may go to the log, or why not. */
  planWrite(command: WriteCommand, args: readonly Buffer[], now: number): Operation | ReplyError {
    return refuseWrite(this.server.backend, command.frees ?? false) ?? command.plan(args, now);
  }

  /** The reply of one operation; an error when the log did not acknowledge it. Never rejects. */
  commit(operation: Operation): Promise<Reply> {
    return new Promise((resolve) => {
      this.server.proposer.propose([operation], {
        acknowledged: (replies, first) => resolve(replies[first] ?? null),
        failed: (error) => resolve(failureReply(this.server.backend, error)),
      });
    });
  }
}

/** Answers of one row of reads that are held at once, give or take one. */
const PART_BYTES = 1024 * 1024;

type Done = (replies: readonly Reply[]) => void;

const replyOf = (call: Call): Reply => (call.kind === "reply" ? call.reply : new ReplyError("ERR mixed calls"));

const isOperation = (planned: Operation | Reply): planned is Operation =>
  typeof planned === "object" && planned !== null && "code" in planned;

function answerOf(call: Call, reply: Reply): Reply {
  if (call.kind !== "write" || reply instanceof ReplyError) return reply;
  return call.command.answer ? call.command.answer(reply) : reply;
}
