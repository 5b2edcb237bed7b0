import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

export interface NetworkFaults {
  /** Probability that a message is lost. */
  readonly loss: number;
  /** Probability that it arrives twice. */
  readonly duplicate: number;
  /** Delay of each message, drawn evenly: a wide range reorders. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/** Messages between nodes, with faults. A partition can be one-way, and also stops what is under way. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #cut = new Set<string>();
  faults: NetworkFaults;

  constructor(scheduler: Scheduler, random: Random, faults: NetworkFaults) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.faults = faults;
  }

  /** Calls `deliver` later, once, twice or never. */
  send(from: string, to: string, deliver: () => void): void {
    if (this.#random.chance(this.faults.loss)) return;
    const copies = this.#random.chance(this.faults.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const delayMs = this.#random.between(this.faults.minDelayMs, this.faults.maxDelayMs);
      this.#scheduler.after(delayMs, () => {
        if (!this.#cut.has(link(from, to))) deliver();
      });
    }
  }

  /** Nothing arrives from `from` at `to` any more; the other way is not touched. */
  cut(from: string, to: string): void {
    this.#cut.add(link(from, to));
  }

  isolate(node: string, others: readonly string[]): void {
    for (const other of others) {
      this.cut(node, other);
      this.cut(other, node);
    }
  }

  heal(): void {
    this.#cut.clear();
  }
}

function link(from: string, to: string): string {
  return `${from}>${to}`;
}
