import { ElectionError } from "../errors.ts";
import type { LeaseRecord } from "./types.ts";

export type AnnotationChange = (
  annotations: Readonly<Record<string, string>>,
) => Readonly<Record<string, string | null>>;

interface Pending {
  readonly change: AnnotationChange;
  readonly resolve: (record: LeaseRecord) => void;
  readonly reject: (error: unknown) => void;
}

const maxPending = 1000;

/**
 * Changes that wait for the holder's next write. They ride along with a renewal, many in one PUT, and are computed again from what was
 * read whenever a write failed: an answer that was lost therefore does no harm, as long as a change of its own result is the same.
 */
export class PendingAnnotations {
  #pending: Pending[] = [];

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  add(change: AnnotationChange): Promise<LeaseRecord> {
    return new Promise((resolve, reject) => {
      if (this.#pending.length < maxPending) this.#pending.push({ change, resolve, reject });
      else reject(new ElectionError("not-leader", `more than ${maxPending} changes of the Lease are waiting`));
    });
  }

  /** What the waiting changes make of `current`, and what to call once that is written. A change that throws is rejected and left out. */
  apply(current: Readonly<Record<string, string>>): {
    readonly change: Readonly<Record<string, string | null>>;
    readonly written: (record: LeaseRecord) => void;
  } {
    let change: Readonly<Record<string, string | null>> = {};
    const batch = this.#pending.filter((entry) => {
      try {
        change = { ...change, ...entry.change(merged(current, change)) };
        return true;
      } catch (error) {
        entry.reject(error);
        return false;
      }
    });
    this.#pending = batch.slice();
    return { change, written: (record) => this.#settle(batch, record) };
  }

  rejectAll(error: unknown): void {
    for (const entry of this.#pending.splice(0)) entry.reject(error);
  }

  #settle(batch: readonly Pending[], record: LeaseRecord): void {
    this.#pending = this.#pending.filter((entry) => !batch.includes(entry));
    for (const entry of batch) entry.resolve(record);
  }
}

const merged = (
  current: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string | null>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...current, ...change }).filter((e): e is [string, string] => e[1] !== null));
