/** One object of an API server: read and compare-and-swap, with an API that may be away, answer late, or lose its answer. */
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Versioned<T> {
  readonly version: number;
  readonly value: T | undefined;
}

export interface ApiFaults {
  /** Probability that a request never arrives, and that its answer is lost after it took effect. */
  readonly lostRequest: number;
  readonly lostAnswer: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export type PutAnswer<T> = { readonly isWritten: boolean; readonly current: Versioned<T> };

export class VersionedObject<T> {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  #current: Versioned<T> = { version: 0, value: undefined };
  #away = new Set<string>();
  faults: ApiFaults;

  constructor(scheduler: Scheduler, random: Random, faults: ApiFaults) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.faults = faults;
  }

  /** The truth, for checks. */
  get current(): Versioned<T> {
    return this.#current;
  }

  /** Removes the object, as an operator would. */
  delete(): void {
    this.#current = { version: this.#current.version + 1, value: undefined };
  }

  setAway(client: string, isAway: boolean): void {
    if (isAway) this.#away.add(client);
    else this.#away.delete(client);
  }

  get(client: string, answer: (current: Versioned<T>) => void): void {
    this.#call(client, () => {
      const seen = this.#current;
      return () => answer(seen);
    });
  }

  /** Takes effect only if `version` is still the current one. No answer at all is possible. */
  put(client: string, version: number, value: T, answer: (result: PutAnswer<T>) => void): void {
    this.#call(client, () => {
      const isWritten = version === this.#current.version;
      if (isWritten) this.#current = { version: version + 1, value };
      const result = { isWritten, current: this.#current };
      return () => answer(result);
    });
  }

  /** The request arrives after a while, also when the API went away meanwhile: it may have been on its way. */
  #call(client: string, effect: () => () => void): void {
    if (this.#away.has(client) || this.#random.chance(this.faults.lostRequest)) return;
    this.#scheduler.after(this.#delayMs(), () => {
      const answer = effect();
      if (this.#random.chance(this.faults.lostAnswer)) return;
      this.#scheduler.after(this.#delayMs(), () => {
        if (!this.#away.has(client)) answer();
      });
    });
  }

  #delayMs(): number {
    return this.#random.between(this.faults.minDelayMs, this.faults.maxDelayMs);
  }
}
