/**
 * One client's socket. Requests that have arrived are executed in rows of one kind (reads, writes), each row with one wait: pipelined
 * writes share a log entry and pipelined reads a barrier, while every command still sees all those before it.
 *
 * Bounds. While a row is executed nothing more is read from the socket beyond what it holds already, and while the client does not take its
 * answers nothing more is executed: a client that only sends, or never reads, stops itself and holds at most a few megabytes here.
 */
import type { Socket } from "node:net";
import { KvStoreError } from "../errors.ts";
import { type Reply, ReplyError } from "../reply.ts";
import { writePlain, writeReply } from "../resp/encode.ts";
import type { RequestLimits } from "../resp/limits.ts";
import { Output } from "../resp/output.ts";
import { RequestParser } from "../resp/parser.ts";
import { type Call, callOf } from "./calls.ts";
import { drained } from "./drained.ts";
import type { Session } from "./session.ts";
import { streamSnapshot } from "./stream.ts";

/** Calls executed with one wait. */
const MAX_ROW = 1024;
/** Answers are sent when they reach this size, though more could be computed. */
const OUTPUT_BYTES = 1024 * 1024;

interface Row {
  kind: Call["kind"];
  readonly calls: Call[];
}

export class Connection {
  readonly session: Session;
  readonly #socket: Socket;
  readonly #parser: RequestParser;
  readonly #output = new Output();
  /** Resolved already, but not part of the row before: of another kind, or too much for it. The next comes last. */
  #left: Call[] = [];
  #isRunning = false;
  #isRetiring = false;
  #isSending = false;
  /** What the client did wrong on the protocol's level; answered after everything before it. */
  #broken: KvStoreError | undefined;

  constructor(socket: Socket, session: Session, limits: RequestLimits) {
    this.session = session;
    this.#socket = socket;
    this.#parser = new RequestParser(limits);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("end", () => this.retire());
  }

  /** Ends the connection once what was received is answered, so that the client asks anew who is primary. */
  retire(): void {
    this.#isRetiring = true;
    if (this.#isRunning) return;
    this.#send();
    this.#socket.end();
  }

  get pendingBytes(): number {
    return this.#parser.pendingBytes;
  }

  get unsentBytes(): number {
    return this.#output.sizeBytes + this.#socket.writableLength;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.session.server.stats.bytesIn += chunk.length;
    this.#parser.push(chunk);
    if (this.#isRunning) this.#socket.pause();
    else this.#run();
  }

  /** Executes rows for as long as nothing has to be waited for; `#goOn` continues. */
  #run(): void {
    this.#isRunning = true;
    try {
      for (let row = this.#collect(); row; row = this.#collect()) if (!this.#execute(row) || !this.#follow()) return;
      this.#pause();
    } catch (error) {
      this.session.server.logger.warn("connection dropped", { client: this.session.address, error });
      this.#socket.destroy();
    }
  }

  /** Everything received is answered. Must not wait: what arrived meanwhile would lie until the next chunk. */
  #pause(): void {
    if (this.#broken) writeReply(this.#output, new ReplyError(`ERR ${this.#broken.message}`), 2);
    this.#isRunning = false;
    const isLast = this.#broken !== undefined || this.#isRetiring;
    if (isLast) this.#send();
    else this.#sendSoon();
    if (this.#socket.destroyed) return;
    if (isLast) this.#socket.end();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Whether the row is answered already; otherwise it will go on by itself. */
  #execute(row: Row): boolean {
    let isWaiting = false;
    let isAnswered = false;
    this.session.execute(row.kind, row.calls, (replies) => {
      this.#answer(row, replies);
      isAnswered = true;
      if (isWaiting && this.#follow()) this.#run();
    });
    isWaiting = !isAnswered;
    // What is answered so far should not wait for what is not.
    if (isWaiting) this.#sendSoon();
    return isAnswered;
  }

  /** After a row: whether the next may follow now. */
  #follow(): boolean {
    if (this.session.takeOver || this.session.isEnding) {
      void this.#leaveRequests();
      return false;
    }
    if (this.#output.sizeBytes < OUTPUT_BYTES) return true;
    this.#send();
    if (this.#socket.writableLength <= OUTPUT_BYTES) return true;
    void drained(this.#socket).then(() => this.#run());
    return false;
  }

  #answer({ calls }: Row, replies: readonly Reply[]): void {
    for (let i = calls.length - 1; i >= replies.length; i--) this.#left.push(calls[i] as Call);
    for (let i = 0; i < replies.length; i++) {
      const reply = replies[i] ?? null;
      if (calls[i]?.isPlain) writePlain(this.#output, reply);
      else writeReply(this.#output, reply, this.session.respVersion);
    }
  }

  /** The connection becomes a stream for a while, or ends. */
  async #leaveRequests(): Promise<void> {
    this.#send();
    const { takeOver } = this.session;
    this.session.takeOver = undefined;
    try {
      if (takeOver) await streamSnapshot(this.#socket, takeOver());
    } catch (error) {
      this.session.server.logger.warn("a stream broke off", { client: this.session.address, error });
      this.#socket.destroy();
    }
    if (this.session.isEnding) this.#socket.end();
    else this.#run();
  }

  /** The next calls of one kind. A session call may change how later ones are understood, so it ends its row. */
  #collect(): Row | undefined {
    if (this.#socket.destroyed) return undefined;
    let row: Row | undefined;
    while (row === undefined || row.calls.length < MAX_ROW) {
      const call = this.#nextCall();
      if (!call) break;
      if (row && call.kind !== row.kind && call.kind !== "reply" && row.kind !== "reply") {
        this.#left.push(call);
        break;
      }
      row ??= { kind: call.kind, calls: [] };
      if (row.kind === "reply") row.kind = call.kind;
      row.calls.push(call);
      if (call.kind === "session") break;
    }
    return row;
  }

  #nextCall(): Call | undefined {
    const call = this.#left.pop();
    if (call || this.#broken || this.session.isEnding) return call;
    try {
      for (let request = this.#parser.next(); request; request = this.#parser.next()) {
        const found = callOf(request, this.session);
        if (found) return found;
      }
    } catch (error) {
      if (!(error instanceof KvStoreError && error.code === "protocol")) throw error;
      this.#broken = error;
    }
    return undefined;
  }

  #sendSoon(): void {
    if (this.#isSending || this.#output.sizeBytes === 0) return;
    this.#isSending = true;
    this.session.server.flusher.add(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isSending = false;
    if (!this.#socket.destroyed) this.#send();
  };

  #send(): void {
    if (this.#output.sizeBytes === 0) return;
    this.session.server.stats.bytesOut += this.#output.sizeBytes;
    const pieces = this.#output.take();
    if (pieces.length === 1) this.#socket.write(pieces[0] as Uint8Array);
    else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
  }
}
