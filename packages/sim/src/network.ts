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

/** Remembered of each link for `replay`: the last sessions, and how each began. */
const SESSIONS = 256;
const MESSAGES = 64;

type Session = (() => void)[];

/** Messages between nodes, with faults. A partition can be one-way, and also stops what is under way. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #cut = new Set<string>();
  readonly #sessions = new Map<string, Session[]>();
  faults: NetworkFaults;

  constructor(scheduler: Scheduler, random: Random, faults: NetworkFaults) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.faults = faults;
  }

  /** Calls `deliver` later, once, twice or never; once more for each `replay`. What opens a session is where a replay begins. */
  send(from: string, to: string, deliver: () => void, isOpening = false): void {
    const name = link(from, to);
    this.#remember(name, deliver, isOpening);
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
   * Old messages come again: a session that was opened before, in its order, its first `count` messages (64 at most); the last session in half of the calls. No
   * partition stops them: they may have waited anywhere.
   */
  replay(from: string, to: string, count: number): void {
    const sessions = this.#sessions.get(link(from, to));
    if (!sessions) return;
    const session = this.#random.chance(0.5) ? (sessions.at(-1) as Session) : this.#random.pick(sessions);
    let delayMs = 0;
    for (const deliver of session.slice(0, count)) {
      delayMs += this.#random.between(0.01, 1);
      this.#scheduler.after(delayMs, deliver);
    }
  }

  #remember(name: string, deliver: () => void, isOpening: boolean): void {
    const sessions = this.#sessions.get(name) ?? [];
    const session = sessions.at(-1);
    if (!isOpening) {
      if (session && session.length < MESSAGES) session.push(deliver);
      return;
    }
    if (sessions.push([deliver]) > SESSIONS) sessions.shift();
    this.#sessions.set(name, sessions);
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
