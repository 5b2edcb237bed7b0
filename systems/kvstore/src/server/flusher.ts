/**
 * Sends answers at the end of a turn of the event loop, after everything that had arrived was executed. Sending to a client that waits wakes it, and a client
 * woken after each answer runs between the requests of the others; when they are all executed first, one waking serves many answers. It costs no
 * waiting: nothing else happens between the last request of the turn and the first answer.
 */
export class Flusher {
  #waiting: (() => void)[] = [];

  /** Calls `send` at the end of this turn. */
  add(send: () => void): void {
    if (this.#waiting.length === 0) setImmediate(this.#flush);
    this.#waiting.push(send);
  }

  readonly #flush = (): void => {
    const due = this.#waiting;
    this.#waiting = [];
    for (const send of due) send();
  };
}
