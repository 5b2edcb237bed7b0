/** Worker threads that check batches of inputs. */
import { Worker } from "node:worker_threads";
import { BlockchainError, messageOf } from "../errors.ts";
import type { FailedInput } from "./script-batch.ts";

/** Two, so that a thread has its next batch when it is done with one. */
const batchesPerThread = 2;
/** How much may wait; beyond, `run` fails. A block has at most 4 MB, what it spends seldom more than that. */
const maxWaitingBytes = 256 * 2 ** 20;

interface Task {
  readonly batch: () => ArrayBuffer;
  readonly size: number;
  readonly resolve: (failed: FailedInput | undefined) => void;
  readonly reject: (error: BlockchainError) => void;
}

interface Thread {
  readonly worker: Worker;
  /** What the worker has been given, in order: it answers in the same. */
  readonly running: Task[];
}

/** The compiled worker, also when this file is run from its source by tests. */
const workerUrl = new URL(
  import.meta.url.endsWith(".ts")
    ? import.meta.url.replace("/src/", "/dist/").replace(/script-pool\.ts$/, "script-worker.js")
    : import.meta.url.replace(/script-pool\.js$/, "script-worker.js"),
);

/** Threads start with the first batch and live until `close`; one that dies fails its batches and is replaced. */
export class ScriptPool {
  readonly #size: number;
  readonly #threads: Thread[] = [];
  readonly #waiting: Task[] = [];
  #waitingBytes = 0;
  #closed = false;

  constructor(size: number) {
    this.#size = size;
  }

  /** `batch` is asked for when a thread is about to get it, so that not all batches of a block are in memory twice. */
  run(batch: () => ArrayBuffer, size: number): Promise<FailedInput | undefined> {
    if (this.#closed) return Promise.reject(closed());
    if (this.#waitingBytes + size > maxWaitingBytes) {
      return Promise.reject(new BlockchainError("busy", "too many scripts wait to be checked; try again later"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, size, resolve, reject });
      this.#waitingBytes += size;
      this.#feed();
    });
  }

  /** Ends all threads; what waits or runs fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = this.#threads.splice(0);
    for (const task of this.#waiting.splice(0)) task.reject(closed());
    for (const { running } of threads) for (const task of running.splice(0)) task.reject(closed());
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #feed(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#leastBusy();
      if (thread === undefined) return;
      this.#give(thread, this.#waiting.shift() as Task);
    }
  }

  /** A thread that can take a batch: a new one as long as there are fewer than allowed and none is idle. */
  #leastBusy(): Thread | undefined {
    const [least] = this.#threads.toSorted((a, b) => a.running.length - b.running.length);
    if (least?.running.length === 0) return least;
    if (this.#threads.length < this.#size) return this.#start();
    return least !== undefined && least.running.length < batchesPerThread ? least : undefined;
  }

  #give(thread: Thread, task: Task): void {
    this.#waitingBytes -= task.size;
    thread.running.push(task);
    thread.worker.ref();
    const batch = task.batch();
    thread.worker.postMessage(batch, [batch]);
  }

  #start(): Thread {
    const worker = new Worker(workerUrl);
    const thread: Thread = { worker, running: [] };
    worker.on("message", (failed: FailedInput | undefined) => this.#answered(thread, failed));
    worker.on("error", (error) => this.#died(thread, messageOf(error)));
    worker.on("exit", (code) => this.#died(thread, `exit code ${code}`));
    this.#threads.push(thread);
    return thread;
  }

  #answered(thread: Thread, failed: FailedInput | undefined): void {
    thread.running.shift()?.resolve(failed);
    // An idle thread does not keep the process alive.
    if (thread.running.length === 0) thread.worker.unref();
    this.#feed();
  }

  #died(thread: Thread, why: string): void {
    const at = this.#threads.indexOf(thread);
    if (at !== -1) this.#threads.splice(at, 1);
    const error = new BlockchainError("verifier", `the thread that checked scripts died (${why}); nothing was decided`);
    for (const task of thread.running.splice(0)) task.reject(error);
    if (!this.#closed) this.#feed();
  }
}

const closed = (): BlockchainError => new BlockchainError("closed", "the verifier is closed");
