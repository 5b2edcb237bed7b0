/**
 * Writes to the tree in a thread of its own. A transaction of many changes takes tenths of a second, most of them waiting for the disk; on the thread that
 * serves clients nobody would be answered meanwhile. The thread is started when it is first needed.
 */
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Position } from "@coracle/lease-log";
import { KvStoreError, type KvStoreErrorCode } from "../errors.ts";

const THREAD = fileURLToPath(new URL("./tree-writer-thread.js", import.meta.url)).replace(
  "/src/store/",
  "/dist/store/",
);
/** How long one look at whether the thread has answered waits. */
const LOOK_MS = 1000;
/** Looks without an answer after which the disk counts as broken. */
const MAX_LOOKS = 120;

export interface Commit {
  /** Changes as changes.ts keeps them. */
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** Whether everything in the tree is removed first. */
  readonly clears: boolean;
  readonly position: Position;
  readonly timeMs: number;
}

export type Task = Commit | "close";

export interface Answer {
  readonly failure?: { readonly code: KvStoreErrorCode; readonly message: string };
}

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
  /** How many answers there were. */
  readonly answered: Int32Array;
  readonly ended: Promise<void>;
}

type Done = (failure: KvStoreError | undefined) => void;

export class TreeWriter {
  readonly #dir: string;
  #thread: Thread | undefined;
  #done: Done | undefined;
  #answers = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  get isBusy(): boolean {
    return this.#done !== undefined;
  }

  /** All of it in one transaction. `done` is called once, later. One write at a time; the parts are given away. */
  write(commit: Commit, done: Done): void {
    this.#thread ??= this.#start();
    // A process that has nothing else to do waits for it.
    this.#thread.port.ref();
    this.#thread.worker.ref();
    this.#done = done;
    const buffers = commit.parts.map(({ buffer }) => buffer);
    this.#thread.port.postMessage(commit satisfies Task, buffers);
  }

  /** Blocks until the write under way is done; `done` was called then. */
  finish(): void {
    const thread = this.#thread;
    if (!thread || !this.#done) return;
    for (let looks = 0; Atomics.load(thread.answered, 0) === this.#answers; looks++) {
      if (looks === MAX_LOOKS) {
        this.#end(broken("it has not answered for two minutes"));
        return;
      }
      Atomics.wait(thread.answered, 0, this.#answers, LOOK_MS);
    }
    this.#take((receiveMessageOnPort(thread.port) as { message: Answer }).message);
  }

  /** To be called when no write is under way. A later write starts the thread again. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (!thread) return;
    thread.worker.ref();
    thread.port.postMessage("close" satisfies Task);
    await thread.ended;
  }

  #start(): Thread {
    const { port1: port, port2 } = new MessageChannel();
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const workerData = { dir: this.#dir, port: port2, answered };
    const worker = new Worker(THREAD, { workerData, transferList: [port2], execArgv: [] });
    this.#answers = 0;
    port.on("message", (answer: Answer) => this.#take(answer));
    worker.on("error", (error) => this.#end(broken(error.message)));
    const ended = new Promise<void>((resolve) => {
      worker.once("exit", () => {
        if (this.#thread?.worker === worker) this.#thread = undefined;
        this.#end(broken("its thread ended"));
        resolve();
      });
    });
    return { worker, port, answered, ended };
  }

  #take({ failure }: Answer): void {
    this.#answers++;
    this.#end(failure && new KvStoreError(failure.code, failure.message));
  }

  #end(failure: KvStoreError | undefined): void {
    const done = this.#done;
    if (!done) return;
    this.#done = undefined;
    this.#thread?.port.unref();
    this.#thread?.worker.unref();
    done(failure);
  }
}

const broken = (why: string): KvStoreError =>
  new KvStoreError(
    "failed",
    `The data file can't be written: ${why}. What was acknowledged is safe in the log; restart this member, and look at its disk if it happens again.`,
  );
