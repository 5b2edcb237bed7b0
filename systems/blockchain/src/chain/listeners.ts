import type { Logger } from "@coracle/pod";

/** Who wants to hear of something. One that throws is logged and does not keep the others from hearing. */
export class Listeners<A extends readonly unknown[]> {
  readonly #logger: Logger;
  readonly #all = new Set<(...args: A) => void>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(listener: (...args: A) => void): () => void {
    // Wrapped, so that one function may listen twice.
    const own = (...args: A): void => listener(...args);
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  tell(...args: A): void {
    for (const listener of [...this.#all]) {
      try {
        listener(...args);
      } catch (error) {
        this.#logger.error("a listener failed", { error });
      }
    }
  }
}
