/** Shortens the log behind the flushed state, keeping a tail for replicas that were away. */
import type { Core } from "../core/core.ts";
import type { StateMachine } from "../types.ts";
import type { Storage } from "./storage.ts";

/** A flush is due early once this much was written since the last: it bounds what a start after a crash reads again. */
const FLUSH_BYTES = 128 << 20;

type Shortened = Pick<Storage, "bytesAfter" | "indexOfLast" | "dropBefore" | "firstIndex">;
type Flushed = Pick<StateMachine, "applied" | "flush">;

export class Compaction {
  readonly #core: Pick<Core, "base">;
  readonly #storage: Shortened;
  readonly #stateMachine: Flushed;
  readonly #retainBytes: number;
  readonly #pins = new Set<number>();
  #flushedIndex = 0;
  #running: Promise<unknown> | undefined;
  #isHeld = false;

  constructor(core: Pick<Core, "base">, storage: Shortened, stateMachine: Flushed, retainBytes: number) {
    this.#core = core;
    this.#storage = storage;
    this.#stateMachine = stateMachine;
    this.#retainBytes = retainBytes;
  }

  get isDue(): boolean {
    return !this.#running && this.#storage.bytesAfter(this.#flushedIndex) > FLUSH_BYTES;
  }

  /** Keeps everything after what is applied now, until the returned function is called: a snapshot is followed by the log after it. */
  pin(): () => void {
    const index = this.#stateMachine.applied().index;
    this.#pins.add(index);
    return () => this.#pins.delete(index);
  }

  /** Runs `task` once no flush is under way, and begins none before it has ended: the state machine is called by one at a time. */
  async hold(task: () => Promise<void>): Promise<void> {
    this.#isHeld = true;
    try {
      await this.#running?.catch(() => {});
      await task();
    } finally {
      this.#isHeld = false;
    }
  }

  /** Returns the new first index when something was dropped. */
  async run(): Promise<number | undefined> {
    if (this.#running || this.#isHeld) return undefined;
    const running = this.#flushAndDrop();
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }

  async #flushAndDrop(): Promise<number | undefined> {
    const applied = this.#stateMachine.applied().index;
    await this.#stateMachine.flush();
    this.#flushedIndex = applied;
    const before = Math.min(applied, this.#storage.indexOfLast(this.#retainBytes), ...this.#pins);
    if (before <= this.#core.base.index) return undefined;
    await this.#storage.dropBefore(before);
    return this.#storage.firstIndex > this.#core.base.index ? this.#storage.firstIndex : undefined;
  }
}
