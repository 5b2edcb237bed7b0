/** A log seen by the core: which epoch each index has, kept as runs. Commands stay with the driver. */
import { assert } from "../errors.ts";
import type { Position } from "../types.ts";
import type { EpochCount, LogShape } from "./messages.ts";

/** Runs told to the primary; older ones are left out, which only makes a replica that is 1000 epochs behind take a snapshot. */
const MAX_TOLD_RUNS = 1000;

interface Run {
  readonly epoch: number;
  readonly first: number;
}

/**
 * Invariants: (1) runs have growing `epoch` and `first`, all above `base`; (2) an index has one epoch: the last run that begins at or before it.
 * Log matching: two logs with the same epoch at an index are the same up to it, as an epoch has one writer.
 */
export class LogIndex {
  base: Position;
  last: number;
  readonly #runs: Run[];

  constructor(shape: LogShape) {
    this.base = shape.base;
    this.last = shape.last;
    this.#runs = [...shape.runs];
  }

  get lastPosition(): Position {
    return { epoch: this.epochAt(this.last) ?? 0, index: this.last };
  }

  /** Undefined outside of `base.index..last`. */
  epochAt(index: number): number | undefined {
    if (index > this.last || index < this.base.index) return undefined;
    return runAt(this.#runs, index)?.epoch ?? this.base.epoch;
  }

  append(epoch: number, count: number): void {
    assert(epoch >= this.lastPosition.epoch, "epochs grow along the log");
    if (this.lastPosition.epoch !== epoch && count > 0) this.#runs.push({ epoch, first: this.last + 1 });
    this.last += count;
  }

  truncateAfter(index: number): void {
    assert(index >= this.base.index, "what is before the base is part of the state");
    while ((this.#runs.at(-1)?.first ?? 0) > index) this.#runs.pop();
    this.last = index;
  }

  compactTo(base: Position): void {
    assert(this.epochAt(base.index) === base.epoch, "a base is an entry of the log");
    const later = this.#runs.filter((run) => run.first > base.index);
    const current = runAt(this.#runs, base.index);
    const continues = current && this.last > base.index && (later[0]?.first ?? Infinity) > base.index + 1;
    this.#runs.splice(
      0,
      this.#runs.length,
      ...(continues ? [{ epoch: current.epoch, first: base.index + 1 }] : []),
      ...later,
    );
    this.base = base;
  }

  reset(base: Position): void {
    this.#runs.length = 0;
    this.base = base;
    this.last = base.index;
  }

  /** Entries after `after` up to `through`, as counts per epoch. */
  counts(after: number, through: number): EpochCount[] {
    const counts: EpochCount[] = [];
    for (let at = after + 1; at <= through; ) {
      const next = this.#runs.find((run) => run.first > at)?.first ?? Infinity;
      const end = Math.min(through + 1, next);
      counts.push({ epoch: this.epochAt(at) ?? 0, count: end - at });
      at = end;
    }
    return counts;
  }

  shape(): LogShape {
    const told = this.#runs.slice(-MAX_TOLD_RUNS);
    const first = told[0];
    const isCut = first !== undefined && told.length < this.#runs.length;
    const base = isCut ? { epoch: first.epoch, index: first.first } : this.base;
    return { base, runs: told, last: this.last };
  }

  /** Highest index up to which both logs are the same; undefined when what they keep does not meet. */
  commonPrefix(other: LogShape): number | undefined {
    const lowest = Math.max(this.base.index, other.base.index);
    let at = Math.min(this.last, other.last);
    while (at >= lowest) {
      const mine = runAt(this.#runs, at) ?? { epoch: this.base.epoch, first: this.base.index };
      const theirs = runAt(other.runs, at) ?? { epoch: other.base.epoch, first: other.base.index };
      if (mine.epoch === theirs.epoch) return at;
      // The newer epoch's run can't be in the other log from here back to its beginning.
      at = (mine.epoch > theirs.epoch ? mine.first : theirs.first) - 1;
    }
    return undefined;
  }
}

function runAt(runs: readonly Run[], index: number): Run | undefined {
  return runs.findLast((run) => run.first <= index);
}

export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.index - b.index;
}
