export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  readonly random?: () => number;
}

/** Delays that double up to a limit, each scattered over its upper half so that many clients don't come back as one. */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const { minMs, maxMs, random } = this.#options;
    const ceiling = Math.min(maxMs, minMs * 2 ** this.#attempt++);
    return ceiling * (0.5 + random() / 2);
  }

  reset(): void {
    this.#attempt = 0;
  }
}
