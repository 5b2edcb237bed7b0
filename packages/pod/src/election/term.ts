import type { PodClock } from "../clock.ts";
import { ElectionError } from "../errors.ts";
import type { Term } from "./types.ts";

/**
 * A term that its election prolongs and ends. The timer is only there to abort the signal in time; the truth is the comparison with the
 * monotonic clock, so a process that was stopped or starved finds its term over at its very first look.
 */
export class LiveTerm implements Term {
  readonly epoch: number;
  readonly #clock: PodClock;
  readonly #onEnd: (reason: string) => void;
  readonly #controller = new AbortController();
  #validUntil: number;
  #cancelTimer: () => void = () => undefined;

  constructor(epoch: number, validUntil: number, clock: PodClock, onEnd: (reason: string) => void) {
    this.epoch = epoch;
    this.#validUntil = validUntil;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get validUntil(): number {
    return this.#validUntil;
  }

  isValid(): boolean {
    if (this.signal.aborted) return false;
    if (this.#clock.now() < this.#validUntil) return true;
    this.end("the renew deadline has passed");
    return false;
  }

  remainingMs(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.#validUntil - this.#clock.now());
  }

  /** Prolongs a term that is still valid; an answer that comes too late prolongs nothing. */
  extend(validUntil: number): void {
    if (this.isValid()) this.#validUntil = Math.max(this.#validUntil, validUntil);
  }

  end(reason: string): void {
    if (this.signal.aborted) return;
    this.#cancelTimer();
    this.#controller.abort(new ElectionError("not-leader", `epoch ${this.epoch} is over: ${reason}`));
    this.#onEnd(reason);
  }

  /** One timer per deadline reached instead of one per renewal. */
  #arm(): void {
    this.#cancelTimer = this.#clock.after(Math.max(1, this.remainingMs()), () => {
      if (this.isValid()) this.#arm();
    });
  }
}
