/** A ledger's rows by time, the newest first, so that a page of a long history costs what its own lines cost. */
import { timeOf } from "./history.ts";
import type { Ledger } from "./ledger.ts";
import { isChange, type Row } from "./row.ts";

export interface Stretch {
  readonly rows: readonly Row[];
  /** Lines of the first row that come before the stretch. */
  readonly before: number;
}

/** Made anew when the ledger has changed and somebody asks: sorting what is nearly sorted is quick, and most changes are never looked at. */
export class Timeline {
  readonly #ledger: Ledger;
  #version = -1;
  #rows: readonly Row[] = [];
  /** How many lines end with each row. */
  #ends: readonly number[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Lines of all rows. */
  get lines(): number {
    this.#refresh();
    return this.#ends.at(-1) ?? 0;
  }

  /** The rows that `count` lines after `skip` newer ones belong to. */
  stretch(skip: number, count: number): Stretch {
    this.#refresh();
    const first = this.#rowOf(skip);
    const last = this.#rowOf(skip + count - 1);
    return { rows: this.#rows.slice(first, last + 1), before: skip - (this.#ends[first - 1] ?? 0) };
  }

  #refresh(): void {
    if (this.#version === this.#ledger.version) return;
    this.#version = this.#ledger.version;
    this.#rows = [...this.#ledger.rows()].reverse().sort((a, b) => timeOf(b) - timeOf(a));
    let end = 0;
    this.#ends = this.#rows.map((row) => {
      end += this.#linesOf(row);
      return end;
    });
  }

  /** As many as `entriesOf` makes. */
  #linesOf(row: Row): number {
    const debit = this.#ledger.debitOf(row).value;
    const own = row.credits.filter((credit) => !isChange(credit, debit)).length;
    return debit > 0 ? row.payouts.length + 2 * own : own;
  }

  /** The place of the row with that line; the number of rows when there is none. */
  #rowOf(line: number): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle]! > line) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
