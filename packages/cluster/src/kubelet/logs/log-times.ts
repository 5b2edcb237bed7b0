/**
 * When a log's bytes were written. Programs write straight into their log file, so nothing stands in the file itself; instead the kubelet
 * notes the file's size whenever the system tells of a change. A line's time is that of the first note that includes its end.
 */
export class LogTimes {
  /** Ascending in both; at most `limit` entries. */
  #notes: (readonly [size: number, at: number])[];
  readonly #limit: number;

  constructor(notes: readonly (readonly [number, number])[] = [], limit = 4096) {
    this.#notes = [...notes];
    this.#limit = limit;
  }

  get size(): number {
    return this.#notes.at(-1)?.[0] ?? 0;
  }

  /** At the limit every second note is dropped: old lines get coarser times, not the newest. */
  note(size: number, at: number): void {
    if (size <= this.size) return;
    if (this.#notes.length >= this.#limit) this.#notes = this.#notes.filter((_, index) => index % 2 === 1);
    this.#notes.push([size, at]);
  }

  /** Time of the byte that ends at `end`; `fallback` for bytes not noted yet. */
  at(end: number, fallback: number): number {
    let low = 0;
    let high = this.#notes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#notes[middle]?.[0] ?? 0) < end) low = middle + 1;
      else high = middle;
    }
    return this.#notes[low]?.[1] ?? fallback;
  }

  toJSON(): readonly (readonly [number, number])[] {
    return this.#notes;
  }
}
