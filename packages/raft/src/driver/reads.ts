/** Read barriers: callers that come while a round is under way share the next one. */
import { RaftError } from "../errors.ts";

interface Waiting {
  readonly at: number;
  readonly resolve: () => void;
  readonly reject: (error: RaftError) => void;
}

export interface ReadSource {
  now(): number;
  /** The index that must be applied; rejects with a RaftError when that can't be said now. */
  readIndex(): Promise<number>;
  waitFor(index: number): Promise<void>;
  /** Resolves after a while, or when there may be another leader. */
  pause(): Promise<void>;
}

export class ReadBarriers {
  readonly #source: ReadSource;
  readonly #timeoutMs: number;
  readonly #maxWaiting: number;
  #waiting: Waiting[] = [];
  #isRunning = false;
  #ended: RaftError | undefined;

  constructor(source: ReadSource, timeoutMs: number, maxWaiting: number) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
    this.#maxWaiting = maxWaiting;
  }

  barrier(signal: AbortSignal | undefined): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#waiting.length >= this.#maxWaiting)
      return Promise.reject(new RaftError("overloaded", "too many reads wait; retry later"));
    let giveUp: (error: RaftError) => void = () => {};
    const barrier = new Promise<void>((resolve, reject) => {
      giveUp = reject;
      this.#waiting.push({ at: this.#source.now(), resolve, reject });
    });
    if (!this.#isRunning) void this.#run();
    return unlessAborted(barrier, signal, () => giveUp(new RaftError("no-leader", "the caller gave up")));
  }

  end(error: RaftError): void {
    this.#ended = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Yields first, so that callers of one turn of the event loop share a round. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const callers = this.#waiting.splice(0);
      const error = await this.#round(callers);
      if (error) await this.#retry(callers, error);
    }
    this.#isRunning = false;
  }

  async #round(callers: readonly Waiting[]): Promise<RaftError | undefined> {
    try {
      const index = await this.#source.readIndex();
      void this.#source.waitFor(index).then(() => {
        for (const { resolve } of callers) resolve();
      });
      return undefined;
    } catch (error) {
      return error instanceof RaftError ? error : new RaftError("no-leader", String(error), { cause: error });
    }
  }

  async #retry(callers: readonly Waiting[], error: RaftError): Promise<void> {
    const isFinal = this.#ended !== undefined || error.code === "overloaded";
    const oldest = this.#source.now() - this.#timeoutMs;
    for (const caller of callers) {
      if (isFinal || caller.at < oldest) caller.reject(this.#ended ?? error);
      else this.#waiting.push(caller);
    }
    if (this.#waiting.length > 0) await this.#source.pause();
  }
}

/** The promise, with `giveUp` called when the signal aborts before it settles. Leaves nothing behind on a signal that outlives it. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, giveUp: () => void): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", giveUp));
}
