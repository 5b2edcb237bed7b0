/**
 * The log in memory, from the last compaction on, with the memberships in it.
 *
 * Invariants: (1) indexes are dense from `base.index + 1`; (2) terms never go down; (3) `membership` is that of the last entry that has one, or the base's.
 */
import { assert } from "../errors.ts";
import type { LogEntry, Membership, Position, SnapshotMeta } from "./types.ts";

/** What an entry counts beyond its command. */
const ENTRY_OVERHEAD_BYTES = 32;

export const sizeOf = (entry: LogEntry): number => ENTRY_OVERHEAD_BYTES + (entry.command?.length ?? 0);

interface MembershipAt {
  readonly index: number;
  readonly membership: Membership;
}

export class RaftLog {
  #base: SnapshotMeta;
  #entries: LogEntry[] = [];
  #bytes = 0;
  #memberships: MembershipAt[] = [];

  constructor(base: SnapshotMeta, entries: readonly LogEntry[]) {
    this.#base = base;
    this.append(entries);
  }

  get base(): SnapshotMeta {
    return this.#base;
  }

  get last(): number {
    return this.#base.index + this.#entries.length;
  }

  get lastTerm(): number {
    return (this.#entries.at(-1) ?? this.#base).term;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  get membership(): Membership {
    return (this.#memberships.at(-1) ?? this.#base).membership;
  }

  /** Where the membership in force stands. */
  get membershipIndex(): number {
    return (this.#memberships.at(-1) ?? this.#base).index;
  }

  membershipAt(index: number): Membership {
    return (this.#memberships.findLast((each) => each.index <= index) ?? this.#base).membership;
  }

  /** How many entries after `index` change the membership. */
  membershipsAfter(index: number): number {
    return this.#memberships.length - 1 - this.#memberships.findLastIndex((each) => each.index <= index);
  }

  /** Undefined past the end and before the base. */
  termAt(index: number): number | undefined {
    return index === this.#base.index ? this.#base.term : this.#entries[index - this.#base.index - 1]?.term;
  }

  /** Entries from `from` (after the base) to `to`, of no more than `maxBytes`, at least one. */
  slice(from: number, to: number, maxBytes = Infinity): readonly LogEntry[] {
    const start = from - this.#base.index - 1;
    const end = Math.min(to, this.last) - this.#base.index;
    if (maxBytes === Infinity) return this.#entries.slice(start, end);
    let bytes = 0;
    let stop = start;
    while (stop < end) {
      bytes += sizeOf(this.#entries[stop] as LogEntry);
      if (bytes > maxBytes && stop > start) break;
      stop++;
    }
    return this.#entries.slice(start, stop);
  }

  append(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.last + 1 && entry.term >= this.lastTerm, "entries follow each other in the log");
      this.#entries.push(entry);
      this.#bytes += sizeOf(entry);
      if (entry.membership) this.#memberships.push({ index: entry.index, membership: entry.membership });
    }
  }

  truncateAfter(index: number): void {
    const cut = this.#entries.splice(index - this.#base.index);
    for (const entry of cut) this.#bytes -= sizeOf(entry);
    while ((this.#memberships.at(-1)?.index ?? 0) > index) this.#memberships.pop();
  }

  /** Forgets entries up to `index`, which is held. */
  compactTo(index: number): void {
    if (index <= this.#base.index) return;
    const base = { index, term: this.termAt(index) as number, membership: this.membershipAt(index) };
    for (const entry of this.#entries.splice(0, index - this.#base.index)) this.#bytes -= sizeOf(entry);
    this.#memberships = this.#memberships.filter((each) => each.index > index);
    this.#base = base;
  }

  reset(base: SnapshotMeta): void {
    this.#base = base;
    this.#entries = [];
    this.#bytes = 0;
    this.#memberships = [];
  }

  /** The last position at or before `index` whose term is at most `term`: where two logs may still agree. At least the base. */
  lastWithin(index: number, term: number): Position {
    let low = this.#base.index;
    let high = Math.min(index, this.last);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.termAt(middle) as number) <= term) low = middle;
      else high = middle - 1;
    }
    return { index: low, term: this.termAt(low) as number };
  }
}
