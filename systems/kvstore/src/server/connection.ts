/**
 * One client's socket. Requests that have arrived are executed in rows of one kind (reads, writes), each row with one wait: pipelined
 * writes share a log entry and pipelined reads a barrier, while every command still sees all those before it.
 *
 * Bounds. While a row is executed nothing more is read from the socket beyond what it holds already, and while the client does not take its
 * answers nothing more is executed: a client that only sends, or never reads, stops itself and holds at most a few megabytes here.
 */
import type { Socket } from "node:net";
import { KvStoreError } from "../errors.ts";
import { ReplyError } from "../reply.ts";
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
  /** Resolved already, but of another kind than the row before it. */
  #next: Call | undefined;
  #isRunning = false;
  #isRetiring = false;
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
    if (!this.#isRunning) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.session.server.stats.bytesIn += chunk.length;
    this.#parser.push(chunk);
    if (this.#isRunning) this.#socket.pause();
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (await this.#step());
    } catch (error) {
      this.session.server.logger.warn("connection dropped", { client: this.session.address, error });
      this.#socket.destroy();
    }
    this.#isRunning = false;
    if (!this.#socket.destroyed) this.#socket.resume();
  }

  /** Executes one row; whether there may be more to do. */
  async #step(): Promise<boolean> {
    if (this.#socket.destroyed) return false;
    const row = this.#collect();
    if (!row) return this.#pause();
    await this.#execute(row);
    await this.#send();
    if (this.session.takeOver) await this.#takeOver(this.session.takeOver);
    if (this.session.isEnding) this.#socket.end();
    return !this.session.isEnding;
  }

  /** Everything received is answered. Must not wait: what arrived meanwhile would lie until the next chunk. */
  #pause(): false {
    if (this.#broken) writeReply(this.#output, new ReplyError(`ERR ${this.#broken.message}`), 2);
    void this.#send();
    if (this.#broken || this.#isRetiring) this.#socket.end();
    return false;
  }

  async #execute({ kind, calls }: Row): Promise<void> {
    const replies = await this.session.execute(kind, calls);
    for (const [index, call] of calls.entries()) {
      const reply = replies[index] ?? null;
      if (call.isPlain) writePlain(this.#output, reply);
      else writeReply(this.#output, reply, this.session.respVersion);
    }
  }

  /** The next calls of one kind. A session call may change how later ones are understood, so it ends its row. */
  #collect(): Row | undefined {
    let row: Row | undefined;
    while (row === undefined || row.calls.length < MAX_ROW) {
      const call = this.#nextCall();
      if (!call) break;
      if (row && call.kind !== row.kind && call.kind !== "reply" && row.kind !== "reply") {
        this.#next = call;
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
    const call = this.#next;
    this.#next = undefined;
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

  async #send(): Promise<void> {
    if (this.#output.sizeBytes === 0) return;
    this.session.server.stats.bytesOut += this.#output.sizeBytes;
    this.#socket.cork();
    for (const piece of this.#output.take()) this.#socket.write(piece);
    this.#socket.uncork();
    if (this.#socket.writableLength > OUTPUT_BYTES) await drained(this.#socket);
  }

  async #takeOver(chunks: () => AsyncIterable<Uint8Array>): Promise<void> {
    this.session.takeOver = undefined;
    await streamSnapshot(this.#socket, chunks());
  }
}
