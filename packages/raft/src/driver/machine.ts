/**
 * Steps the core and performs its batches, one at a time and in order. A batch with something that must reach the disk first holds up everything after
 * it; all others are performed without waiting. Inputs that arrive meanwhile queue up: the proposals' and the connections' own bounds bound them.
 */
import type { Core } from "../core/core.ts";
import type { Batch, Input } from "../core/types.ts";
import { RaftError } from "../errors.ts";

export interface Effects {
  /** What must be durable first; undefined when nothing is. */
  persist(batch: Batch): Promise<void> | undefined;
  /** The rest. */
  perform(batch: Batch): void;
  /** Something failed for good: disk, or a defect. */
  fail(error: RaftError): void;
}

interface Queued {
  readonly input: Input;
  /** Told once the batch was performed. */
  readonly done: ((batch: Batch) => void) | undefined;
}

export class Machine {
  readonly #core: Core;
  readonly #effects: Effects;
  #queue: Queued[] = [];
  #isRunning = false;
  #isHalted = false;
  #idle: (() => void)[] = [];

  constructor(core: Core, effects: Effects) {
    this.#core = core;
    this.#effects = effects;
  }

  submit(input: Input, done?: (batch: Batch) => void): void {
    if (this.#isHalted) return;
    // While the disk keeps everything waiting, time stands still: ticks that pile up would end in an election for nothing.
    if (input.type === "tick" && this.#isRunning) return;
    this.#queue.push({ input, done });
    if (!this.#isRunning) this.#run();
  }

  /** Takes no more inputs; resolves when nothing is under way. */
  async halt(): Promise<void> {
    this.#isHalted = true;
    this.#queue = [];
    if (this.#isRunning) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #run(): void {
    this.#isRunning = true;
    try {
      for (let at = 0; at < this.#queue.length; at++) {
        const { input, done } = this.#queue[at] as Queued;
        const batch = this.#core.step(input);
        const persisted = this.#effects.persist(batch);
        if (persisted) {
          this.#queue = this.#queue.slice(at + 1);
          this.#resumeAfter(persisted, batch, done);
          return;
        }
        this.#finish(batch, done);
      }
      this.#queue = [];
    } catch (error) {
      this.#fail(error);
    }
    this.#rest();
  }

  #resumeAfter(persisted: Promise<void>, batch: Batch, done: Queued["done"]): void {
    persisted
      .then(() => this.#finish(batch, done))
      .then(
        () => this.#run(),
        (error: unknown) => {
          this.#fail(error);
          this.#rest();
        },
      );
  }

  #finish(batch: Batch, done: Queued["done"]): void {
    this.#effects.perform(batch);
    done?.(batch);
  }

  #rest(): void {
    this.#isRunning = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    this.#isHalted = true;
    this.#queue = [];
    const message = error instanceof Error ? error.message : String(error);
    this.#effects.fail(error instanceof RaftError ? error : new RaftError("failed", message, { cause: error }));
  }
}
