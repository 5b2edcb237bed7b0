/** Threads that look for a nonce together. */
import { Worker } from "node:worker_threads";
import { targetOf } from "../../consensus/target.ts";
import { BlockchainError, messageOf } from "../../errors.ts";
import { type Block, encodeHeader } from "../../primitives/block.ts";
import { type Job, type Report, SHARED } from "./protocol.ts";

export interface SearchOptions {
  /** Blocks that differ in their extra nonce: each has 2^32 nonces. */
  readonly next: () => Block;
  readonly cpuShare: number;
  readonly signal: AbortSignal;
  /** Hashes after which to give up; checked twice a second. */
  readonly maxHashes?: number;
}

interface Search extends SearchOptions {
  readonly id: number;
  readonly given: Map<Worker, Block>;
  readonly finish: (found: Block | undefined) => void;
  readonly fail: (error: BlockchainError) => void;
  hashes: number;
}

/** The compiled worker, also when this file is run from its source by tests. */
const workerUrl = new URL(
  import.meta.url.endsWith(".ts")
    ? import.meta.url.replace("/src/", "/dist/").replace(/hashers\.ts$/, "hash-worker.js")
    : import.meta.url.replace(/hashers\.js$/, "hash-worker.js"),
);

export class Hashers {
  readonly #count: number;
  readonly #shared = new SharedArrayBuffer(SHARED.bytes);
  readonly #current = new Int32Array(this.#shared);
  #workers: Worker[] = [];
  #search: Search | undefined;
  /** Since the start, over all threads. */
  hashes = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** A block with a nonce that meets its target; undefined when told to stop. One search at a time. Rejects if a thread dies. */
  search(options: SearchOptions): Promise<Block | undefined> {
    if (this.#search) throw new BlockchainError("busy", "The hashing threads work on a block already.");
    if (options.signal.aborted) return Promise.resolve(undefined);
    const id = Atomics.add(this.#current, SHARED.job, 1) + 1;
    return new Promise<Block | undefined>((resolve, reject) => {
      const stop = (): void => this.#end(resolve, undefined);
      const release = (): void => options.signal.removeEventListener("abort", stop);
      options.signal.addEventListener("abort", stop);
      const finish = (found: Block | undefined): void => {
        release();
        this.#end(resolve, found);
      };
      const fail = (error: BlockchainError): void => {
        release();
        this.#end(() => reject(error), undefined);
      };
      this.#search = { ...options, id, given: new Map(), finish, fail, hashes: 0 };
      for (const worker of this.#running()) this.#give(worker, this.#search);
    });
  }

  /** Ends the threads; a search under way finds nothing. It can search again. */
  async stop(): Promise<void> {
    this.#search?.finish(undefined);
    const workers = this.#workers;
    this.#workers = [];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #running(): readonly Worker[] {
    while (this.#workers.length < this.#count) this.#workers.push(this.#startWorker());
    return this.#workers;
  }

  #startWorker(): Worker {
    const worker = new Worker(workerUrl, { workerData: { shared: this.#shared }, name: "miner" });
    worker.unref();
    worker.on("message", (report: Report) => this.#reported(worker, report));
    worker.on("error", (error) => this.#died(worker, messageOf(error)));
    worker.on("exit", (code) => this.#died(worker, `exit code ${code}`));
    return worker;
  }

  #give(worker: Worker, search: Search): void {
    const block = search.next();
    search.given.set(worker, block);
    const target = Buffer.from((targetOf(block.header.bits) as bigint).toString(16).padStart(64, "0"), "hex");
    const { id, cpuShare } = search;
    worker.postMessage({ id, header: encodeHeader(block.header), target, cpuShare } satisfies Job);
  }

  #reported(worker: Worker, { id, nonce, hashes, isLast }: Report): void {
    this.hashes += hashes;
    const search = this.#search;
    if (search?.id !== id) return;
    search.hashes += hashes;
    const block = search.given.get(worker);
    if (nonce !== undefined && block) search.finish({ ...block, header: { ...block.header, nonce } });
    else if (search.hashes >= (search.maxHashes ?? Number.POSITIVE_INFINITY)) search.finish(undefined);
    else if (isLast) this.#give(worker, search);
  }

  #end(resolve: (found: Block | undefined) => void, found: Block | undefined): void {
    if (!this.#search) return;
    this.#search = undefined;
    // Stops the threads within a few milliseconds, also those that sleep.
    Atomics.add(this.#current, SHARED.job, 1);
    Atomics.notify(this.#current, SHARED.job);
    resolve(found);
  }

  #died(worker: Worker, why: string): void {
    if (!this.#workers.includes(worker)) return;
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#search?.fail(new BlockchainError("miner", `A hashing thread died (${why}).`));
  }
}
