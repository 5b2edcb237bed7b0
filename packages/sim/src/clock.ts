import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** A node's own monotonic clock: it begins anywhere and runs at its own rate. */
export class NodeClock {
  readonly #scheduler: Scheduler;
  readonly #rate: number;
  readonly #offset: number;

  /** `maxSkew` 0.1 means rates between 0.9 and 1.1. */
  constructor(scheduler: Scheduler, random: Random, maxSkew: number) {
    this.#scheduler = scheduler;
    this.#rate = random.between(1 - maxSkew, 1 + maxSkew);
    this.#offset = random.between(1, 1e10);
  }

  now(): number {
    return this.#offset + this.#scheduler.now * this.#rate;
  }

  /** Runs `task` after `ms` by this clock. */
  after(ms: number, task: () => void): () => void {
    return this.#scheduler.after(ms / this.#rate, task);
  }
}
