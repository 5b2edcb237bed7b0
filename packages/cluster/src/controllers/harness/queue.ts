import type { Clock } from "../../machinery/types.ts";

/** What a queue does with a key; resolves with the milliseconds after which to look at it again, if any. */
export type Process = (key: string) => Promise<number | undefined>;

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly process: Process;
  /** Told of every failure with the delay before the retry. */
  readonly onFailure: (key: string, error: unknown, retryInMs: number) => void;
  /** How many keys may be in hand at once. */
  readonly concurrency: number;
}

const firstBackOffMs = 5;
const longestBackOffMs = 60_000;

/** 5 ms, doubled by every failure in a row, at most a minute. */
export const backOffMs = (failures: number) => Math.min(firstBackOffMs * 2 ** (failures - 1), longestBackOffMs);

/**
 * A work queue of keys. Invariants: a key waits at most once, however often it is added; a key is never in two hands at
 * once; a key added while it is in hand is taken again afterwards, so the last change is always seen. It is bounded by
 * the number of distinct keys.
 *
 * Work starts in the check phase of the event loop (`setImmediate`), not in a microtask: changes made in one turn are
 * seen together, and controllers that feed each other cannot keep API requests from being read.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  readonly #inHand = new Set<string>();
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  readonly #waiters = new Set<() => void>();
  #turn: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Nothing to do now; keys that wait for a time do not count. */
  get isIdle(): boolean {
    return this.#ready.size === 0 && this.#inHand.size === 0;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#ready.add(key);
    this.#turn ??= setImmediate(() => this.#takeTurn());
  }

  /** Adds the key after `ms`; an earlier appointment of the same key stands. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const dueMs = this.#options.clock.now() + ms;
    const appointment = this.#delayed.get(key);
    if (appointment && appointment.dueMs <= dueMs) return;
    appointment?.cancel();
    const cancel = this.#options.clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, cancel });
  }

  /** Resolves when the queue is idle. */
  async idle(): Promise<void> {
    while (!this.isIdle) await new Promise<void>((resolve) => this.#waiters.add(resolve));
  }

  /** Drops what waits and resolves when nothing is in hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearImmediate(this.#turn);
    this.#ready.clear();
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    await this.idle();
  }

  #takeTurn(): void {
    this.#turn = undefined;
    for (const key of this.#ready) {
      if (this.#inHand.size >= this.#options.concurrency) break;
      if (this.#inHand.has(key)) continue;
      this.#ready.delete(key);
      this.#inHand.add(key);
      void this.#handle(key);
    }
  }

  async #handle(key: string): Promise<void> {
    try {
      const againInMs = await this.#options.process(key);
      this.#failures.delete(key);
      if (againInMs !== undefined) this.addAfter(key, againInMs);
    } catch (error) {
      this.#retry(key, error);
    }
    this.#inHand.delete(key);
    if (this.#ready.size > 0) this.#turn ??= setImmediate(() => this.#takeTurn());
    if (this.isIdle) this.#wake();
  }

  #retry(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#options.onFailure(key, error, backOffMs(failures));
    this.addAfter(key, backOffMs(failures));
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}
