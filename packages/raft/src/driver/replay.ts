/** The log as its records build it up, oldest first; the simulator's disks use it too. */
import type { HardState, LogEntry, Restored, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../errors.ts";

/** One of the three. Entries replace everything from their first index on; a base replaces everything. */
export interface LogRecord {
  readonly hardState?: HardState;
  readonly entries?: readonly LogEntry[];
  readonly base?: SnapshotMeta;
}

export const CORRUPT_ADVICE = "Remove this member, empty its folder, and let it join under a new id.";

export class Replay {
  #hardState: HardState = { term: 0, vote: undefined };
  #base: SnapshotMeta | undefined;
  #entries: LogEntry[] = [];

  /** Throws RangeError when entries are missing before these. */
  take({ hardState, entries, base }: LogRecord): void {
    if (hardState) this.#hardState = { term: hardState.term, vote: hardState.vote };
    if (base) {
      this.#base = base;
      this.#entries = [];
    }
    if (entries?.[0]) this.#append(entries, entries[0].index);
  }

  #append(entries: readonly LogEntry[], first: number): void {
    // Where segments were dropped, the first entries found stand anywhere.
    const start = this.#entries[0]?.index ?? (this.#base ? this.#base.index + 1 : first);
    const kept = Math.max(0, first - start);
    if (kept > this.#entries.length) throw new RangeError(`entries before ${first} are missing`);
    this.#entries.length = kept;
    for (const entry of entries) this.#entries.push(entry);
  }

  /**
   * The log behind the snapshot that is the state. Where the snapshot is not on the log, it was taken in and the note of that did not reach the
   * disk: the log begins anew (`isCut`), as figure 13 has it. Throws RaftError `corrupt` when the two leave a gap.
   */
  result(snapshot: SnapshotMeta): Restored & { readonly isCut: boolean } {
    const { index, term } = snapshot;
    const first = this.#entries[0]?.index ?? (this.#base?.index ?? index) + 1;
    if (first > index + 1)
      throw new RaftError("corrupt", `the log begins at ${first}, the snapshot ends at ${index}. ${CORRUPT_ADVICE}`);
    const found = this.#termAt(index, first);
    // Nothing is known of what stands right before a log whose beginning was dropped: it was dropped because the snapshot covers it.
    const isOn = found === term || (found === undefined && index === first - 1);
    const entries = isOn ? this.#entries.slice(index + 1 - first) : [];
    const isCut = !isOn && (this.#entries.length > 0 || this.#base !== undefined);
    // A snapshot's term was entered before it was taken in; no vote was given in it, or it would be here.
    const hardState = this.#hardState.term < term ? { term, vote: undefined } : this.#hardState;
    return { hardState, base: snapshot, entries, applied: index, isCut };
  }

  #termAt(index: number, first: number): number | undefined {
    return index === this.#base?.index && index === first - 1 ? this.#base.term : this.#entries[index - first]?.term;
  }
}
