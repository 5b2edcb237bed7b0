/** What the clients did and saw: the history for the checker, and the counts for the plot. */
import type { Operation } from "@coracle/sim";
import type { Outcome } from "./plugin.ts";

/** One slice of the plot. */
export interface Slice {
  /** Its beginning, in milliseconds from the drill's. */
  readonly atMs: number;
  readonly reads: number;
  readonly writes: number;
  readonly failures: number;
}

export interface Counts {
  reads: number;
  writes: number;
  refused: number;
  unknown: number;
}

export const SLICE_MS = 100;

/** Times are milliseconds from `startedAt` on one monotonic clock. */
export class Recorder<In, Out> {
  readonly history: Operation<In, Out>[] = [];
  readonly counts: Counts = { reads: 0, writes: 0, refused: 0, unknown: 0 };
  /** When each acknowledged write was acknowledged, rising. */
  readonly writeTimes: number[] = [];
  /** When operations failed, rising. */
  readonly failureTimes: number[] = [];
  readonly #slices: { reads: number; writes: number; failures: number }[] = [];
  readonly #startedAt: number;
  readonly #clock: () => number;

  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#startedAt = clock();
  }

  now(): number {
    return this.#clock() - this.#startedAt;
  }

  /** Notes an operation that began at `calledAt` and is over now. What was refused has no place in the history. */
  note(
    call: Pick<Operation<In, Out>, "client" | "key" | "input" | "calledAt">,
    isWrite: boolean,
    outcome: Outcome<Out>,
  ) {
    const at = this.now();
    if (outcome.kind === "done") {
      this.#count(at, isWrite ? "writes" : "reads");
      if (isWrite) this.writeTimes.push(at);
      this.history.push({ ...call, returnedAt: at, output: outcome.output });
      return;
    }
    this.counts[outcome.kind]++;
    this.failureTimes.push(at);
    this.#slice(at).failures++;
    if (outcome.kind === "unknown" && isWrite) this.history.push({ ...call, returnedAt: Infinity, output: undefined });
  }

  /** From the beginning to now, without holes. */
  slices(): Slice[] {
    this.#slice(this.now());
    return Array.from(this.#slices, (slice, n) => ({ atMs: n * SLICE_MS, ...slice }));
  }

  #count(at: number, what: "reads" | "writes"): void {
    this.counts[what]++;
    this.#slice(at)[what]++;
  }

  #slice(at: number): { reads: number; writes: number; failures: number } {
    const n = Math.floor(at / SLICE_MS);
    while (this.#slices.length <= n) this.#slices.push({ reads: 0, writes: 0, failures: 0 });
    return this.#slices[n] as { reads: number; writes: number; failures: number };
  }
}
