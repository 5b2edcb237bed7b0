/**
 * Steps the core and performs its batches, one at a time and in order. A batch whose `meta` or `truncateAfter` must reach the disk first holds up
 * everything after it; all other batches are performed without waiting. Inputs that arrive meanwhile queue up: they are bounded by the proposals' and
 * the connections' own bounds.
 */
import type { Core } from "../core/core.ts";
import type { Batch, Input, Instant } from "../core/types.ts";
import { LeaseLogError } from "../errors.ts";
import type { Proposal } from "./proposals.ts";

/** What comes with an input and does not concern the core. */
export interface Payload {
  readonly proposals?: readonly Proposal[];
  readonly block?: Buffer;
  /** Told once the batch was performed. */
  readonly done?: (batch: Batch) => void;
}

export interface Effects {
  /** Now, and how much of the term that the core knows of is left. */
  instant(): Instant;
  /** The first half of a batch: what must be durable first. Undefined when nothing is. */
  persist(batch: Batch): Promise<void> | undefined;
  /** The rest. */
  perform(input: Input, batch: Batch, payload: Payload): void;
  /** Something failed for good: disk, or a defect. */
  fail(error: LeaseLogError): void;
}

export class Machine {
  readonly #core: Core;
  readonly #effects: Effects;
  #queue: { readonly input: Input; readonly payload: Payload }[] = [];
  #isRunning = false;
  #isHalted = false;
  #idle: (() => void)[] = [];

  constructor(core: Core, effects: Effects) {
    this.#core = core;
    this.#effects = effects;
  }

  submit(input: Input, payload: Payload = NONE): void {
    if (this.#isHalted) return;
    this.#queue.push({ input, payload });
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
      while (this.#queue.length > 0) {
        const batchOfInputs = this.#queue;
        this.#queue = [];
        for (const [i, { input, payload }] of batchOfInputs.entries()) {
          const batch = this.#core.step(input, this.#effects.instant());
          const persisted = this.#effects.persist(batch);
          if (persisted) {
            this.#queue.unshift(...batchOfInputs.slice(i + 1));
            this.#resumeAfter(persisted, input, batch, payload);
            return;
          }
          this.#finish(input, batch, payload);
          if (this.#isHalted) break;
        }
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#rest();
  }

  #resumeAfter(persisted: Promise<void>, input: Input, batch: Batch, payload: Payload): void {
    persisted
      .then(() => this.#finish(input, batch, payload))
      .then(
        () => this.#run(),
        (error: unknown) => {
          this.#fail(error);
          this.#rest();
        },
      );
  }

  #finish(input: Input, batch: Batch, payload: Payload): void {
    this.#effects.perform(input, batch, payload);
    payload.done?.(batch);
  }

  #rest(): void {
    this.#isRunning = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    this.#isHalted = true;
    this.#queue = [];
    const message = error instanceof Error ? error.message : String(error);
    this.#effects.fail(error instanceof LeaseLogError ? error : new LeaseLogError("failed", message, { cause: error }));
  }
}

const NONE: Payload = {};

/** Whether a batch may hold anything but appends, sends and commits. */
export function isRare(input: Input, batch: Batch): boolean {
  if (input.type !== "durable" && input.type !== "fed" && input.type !== "propose" && input.type !== "message")
    return true;
  if (input.type === "message" && input.message.type !== "ack" && input.message.type !== "append") return true;
  return (
    batch.record !== undefined || batch.stepDown !== undefined || batch.lost !== undefined || batch.snapshots.length > 0
  );
}
