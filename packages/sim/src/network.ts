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

/** Messages remembered of each link, for `replay`; older ones are forgotten. */
const REMEMBERED = 2048;

interface Sent {
  readonly deliver: () => void;
  readonly isOpening: boolean;
}

/** Messages between nodes, with faults. A partition can be one-way, and also stops what is under way. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #cut = new Set<string>();
  readonly #sent = new Map<string, Sent[]>();
  faults: NetworkFaults;

  constructor(scheduler: Scheduler, random: Random, faults: NetworkFaults) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.faults = faults;
  }

  /** Calls `deliver` later, once, twice or never; once more for each `replay`. What opens a session is where a replay begins. */
  send(from: string, to: string, deliver: () => void, isOpening = false): void {
    const name = link(from, to);
    this.#remember(name, { deliver, isOpening });
    if (this.#random.chance(this.faults.loss)) return;
    const copies = this.#random.chance(this.faults.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const delayMs = this.#random.between(this.faults.minDelayMs, this.faults.maxDelayMs);
      this.#scheduler.after(delayMs, () => {
        if (!this.#cut.has(name)) deliver();
      });
    }
  }

  /**
   * Old messages come again: a session that was opened before, in its order, up to `count` messages of it; the last session in half of the calls. No
   * partition stops them: they may have waited anywhere.
   */
  replay(from: string, to: string, count: number): void {
    const sent = this.#sent.get(link(from, to)) ?? [];
    const openings = sent.flatMap(({ isOpening }, at) => (isOpening ? [at] : []));
    if (openings.length === 0) return;
    const last = openings.at(-1) as number;
    const start = this.#random.chance(0.5) ? last : this.#random.pick(openings);
    let delayMs = 0;
    for (const { deliver } of sent.slice(start, start + count)) {
      delayMs += this.#random.between(0.01, 1);
      this.#scheduler.after(delayMs, deliver);
    }
  }

  /** From a link's first opening on: nothing before it can be replayed, and most simulations never open a session. */
  #remember(name: string, message: Sent): void {
    const known = this.#sent.get(name);
    if (!known && !message.isOpening) return;
    const sent = known ?? [];
    if (sent.push(message) > 2 * REMEMBERED) sent.splice(0, REMEMBERED);
    this.#sent.set(name, sent);
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
