import type { Logger } from "./logging/types.ts";

/** Told in order, each in the same turn as the change; one that throws doesn't keep the others from hearing. */
export class Listeners<T> {
  readonly #listeners = new Set<(state: T) => void>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Returns the cancel function. */
  add(listener: (state: T) => void): () => void {
    const entry = (state: T) => listener(state);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  tell(state: T): void {
    for (const listener of [...this.#listeners]) this.tellOne(listener, state);
  }

  tellOne(listener: (state: T) => void, state: T): void {
    try {
      listener(state);
    } catch (error) {
      this.#logger.error("a listener failed", { error });
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
