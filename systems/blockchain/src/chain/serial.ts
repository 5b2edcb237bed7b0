/** One at a time, in order: what changes the chain waits for what is changing it. */
import { BlockchainError } from "../errors.ts";

export class Serial {
  readonly #limit: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Beyond `limit` that wait, more are refused with `busy`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#limit) {
      return Promise.reject(new BlockchainError("busy", "The chain has too much to do; try again in a moment."));
    }
    this.#waiting++;
    const result = this.#last.then(work).finally(() => this.#waiting--);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves once all that was given before is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
