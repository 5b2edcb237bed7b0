/** Shortens the log behind the flushed state, keeping a tail for replicas that were away. */
import type { Core } from "../core/core.ts";
import type { StateMachine } from "../types.ts";
import type { Storage } from "./storage.ts";

/** A flush is due early once this much was written since the last: it bounds what a start after a crash reads again. */
const FLUSH_BYTES = 128 << 20;

export class Compaction {
  readonly #core: Core;
  readonly #storage: Storage;
  readonly #stateMachine: StateMachine;
  readonly #retainBytes: number;
  readonly #pins = new Set<number>();
  #flushedIndex = 0;
  #isRunning = false;

  constructor(core: Core, storage: Storage, stateMachine: StateMachine, retainBytes: number) {
    this.#core = core;
    this.#storage = storage;
    this.#stateMachine = stateMachine;
    this.#retainBytes = retainBytes;
  }

  get isDue(): boolean {
    return !this.#isRunning && this.#storage.bytesAfter(this.#flushedIndex) > FLUSH_BYTES;
  }

  /** Keeps everything after what is applied now, until the returned function is called: a snapshot is followed by the log after it. */
  pin(): () => void {
    const index = this.#stateMachine.applied().index;
    this.#pins.add(index);
    return () => this.#pins.delete(index);
  }

  /** Returns the new first index when something was dropped. */
  async run(): Promise<number | undefined> {
    if (this.#isRunning) return undefined;
    this.#isRunning = true;
    try {
      const applied = this.#stateMachine.applied().index;
      await this.#stateMachine.flush();
      this.#flushedIndex = applied;
      const before = Math.min(applied, this.#storage.indexOfLast(this.#retainBytes), ...this.#pins);
      if (before <= this.#core.base.index) return undefined;
      await this.#storage.dropBefore(before);
      return this.#storage.firstIndex > this.#core.base.index ? this.#storage.firstIndex : undefined;
    } finally {
      this.#isRunning = false;
    }
  }
}
