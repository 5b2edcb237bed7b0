/** What was opened is closed in reverse, once, whatever fails on the way. */
import type { Logger } from "@coracle/pod";

export class Closers {
  readonly #closers: { readonly name: string; close(): Promise<void> | void }[] = [];
  readonly #logger: Logger;
  #closed: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, close: () => Promise<void> | void): void {
    this.#closers.push({ name, close });
  }

  /** Idempotent; never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const { name, close } of this.#closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        this.#logger.error(`${name} could not be closed`, { error });
      }
    }
  }
}
