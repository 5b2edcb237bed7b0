/** Disks that forget what was not synced. They outlive the nodes that use them. */
import type { Random } from "./random.ts";

/**
 * A log of records. A crash keeps what was synced and, of the rest, a beginning of any length: the last record of that may be torn, which a
 * checksum finds, so that it counts as absent.
 */
export class LogDisk<T> {
  #records: T[] = [];
  #first = 1;
  #durable = 0;

  get firstIndex(): number {
    return this.#first;
  }

  get lastIndex(): number {
    return this.#first + this.#records.length - 1;
  }

  get durableIndex(): number {
    return this.#durable;
  }

  at(index: number): T | undefined {
    return this.#records[index - this.#first];
  }

  slice(from: number, to: number): readonly T[] {
    return this.#records.slice(from - this.#first, to - this.#first + 1);
  }

  append(records: readonly T[]): void {
    this.#records.push(...records);
  }

  /** Everything up to `index` (as it was when the sync began) survives from now on. */
  synced(index: number): void {
    this.#durable = Math.max(this.#durable, Math.min(index, this.lastIndex));
  }

  truncateAfter(index: number): void {
    this.#records.length = Math.max(0, index - this.#first + 1);
    this.#durable = Math.min(this.#durable, index);
  }

  dropBefore(index: number): void {
    this.#records.splice(0, index - this.#first);
    this.#first = index;
  }

  reset(nextIndex: number): void {
    this.#records = [];
    this.#first = nextIndex;
    this.#durable = nextIndex - 1;
  }

  crash(random: Random): void {
    const unsynced = this.lastIndex - this.#durable;
    if (unsynced > 0) this.truncateAfter(this.#durable + random.int(unsynced + 1));
    this.#durable = this.lastIndex;
  }
}

/** A file that is replaced as a whole. A crash before `synced` leaves the old or the new content. */
export class CellDisk<T> {
  #durable: T;
  #written: T;

  constructor(initial: T) {
    this.#durable = initial;
    this.#written = initial;
  }

  get value(): T {
    return this.#written;
  }

  write(value: T): void {
    this.#written = value;
  }

  synced(): void {
    this.#durable = this.#written;
  }

  crash(random: Random): void {
    if (random.chance(0.5)) this.#written = this.#durable;
    this.#durable = this.#written;
  }
}
