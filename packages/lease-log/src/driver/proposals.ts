/** Proposals from their acceptance to their answer. Bounded in number and bytes; every one is settled exactly once. */
import { LeaseLogError } from "../errors.ts";
import type { LogLimits } from "../options.ts";
import { ENTRY_OVERHEAD_BYTES } from "./entries.ts";

export interface Proposal {
  readonly commands: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly at: number;
  readonly resolve: (results: readonly unknown[]) => void;
  readonly reject: (error: LeaseLogError) => void;
}

interface Appended {
  readonly proposal: Proposal;
  readonly last: number;
  /** Results so far, when the proposal's entries were not committed at once. */
  results: unknown[] | undefined;
}

export class Proposals {
  readonly #limits: LogLimits;
  #staged: Proposal[] = [];
  #appended: Appended[] = [];
  /** Answered ones at the front of `#appended`; cut off now and then. */
  #answered = 0;
  #entries = 0;
  #bytes = 0;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get hasStaged(): boolean {
    return this.#staged.length > 0;
  }

  get pendingEntries(): number {
    return this.#entries;
  }

  /** Accepts commands for the next batch, or throws `too-large` or `overloaded`. */
  stage(commands: readonly Uint8Array[], now: number): Promise<readonly unknown[]> {
    let sizeBytes = 0;
    for (const command of commands) {
      if (command.length > this.#limits.maxCommandBytes) {
        throw new LeaseLogError(
          "too-large",
          `a command of ${command.length} bytes is longer than ${this.#limits.maxCommandBytes}`,
        );
      }
      sizeBytes += command.length + ENTRY_OVERHEAD_BYTES;
    }
    const { maxPendingEntries, maxPendingBytes } = this.#limits;
    const isFull = this.#entries + commands.length > maxPendingEntries || this.#bytes + sizeBytes > maxPendingBytes;
    if (isFull && this.#entries > 0) {
      throw new LeaseLogError("overloaded", `${this.#entries} writes are waiting for the replicas; retry later`);
    }
    this.#entries += commands.length;
    this.#bytes += sizeBytes;
    return new Promise((resolve, reject) => {
      this.#staged.push({ commands, sizeBytes, at: now, resolve, reject });
    });
  }

  takeStaged(): readonly Proposal[] {
    const staged = this.#staged;
    this.#staged = [];
    return staged;
  }

  appended(first: number, proposals: readonly Proposal[]): void {
    let last = first - 1;
    for (const proposal of proposals) {
      last += proposal.commands.length;
      this.#appended.push({ proposal, last, results: undefined });
    }
  }

  /** Answers what the entries from `first` on were proposed by; returns how many proposals, and when the oldest was made. */
  answer(first: number, results: readonly unknown[]): { readonly count: number; readonly oldestAt: number } {
    const last = first + results.length - 1;
    const from = this.#answered;
    let oldestAt = Infinity;
    for (let item = this.#appended[this.#answered]; item; item = this.#appended[this.#answered]) {
      const { proposal } = item;
      const start = item.last - proposal.commands.length + 1;
      if (start > last) break;
      const part = results.slice(Math.max(0, start - first), item.last - first + 1);
      item.results = item.results ? item.results.concat(part) : part;
      if (item.last > last) break;
      this.#answered++;
      this.#release(proposal);
      oldestAt = Math.min(oldestAt, proposal.at);
      proposal.resolve(item.results);
    }
    const count = this.#answered - from;
    if (this.#answered > 1024 || this.#answered === this.#appended.length) this.#cut();
    return { count, oldestAt };
  }

  #cut(): void {
    this.#appended = this.#appended.slice(this.#answered);
    this.#answered = 0;
  }

  /** Entries that were appended may or may not survive; what was only staged was certainly not accepted. */
  lose(reason: string, primary: string | undefined): void {
    this.#cut();
    const appended = this.#appended;
    this.#appended = [];
    for (const { proposal } of appended) {
      this.refuse(
        proposal,
        new LeaseLogError("indeterminate", `${reason}: the write may or may not survive`, { primary }),
      );
    }
    for (const proposal of this.takeStaged())
      this.refuse(proposal, new LeaseLogError("not-primary", reason, { primary }));
  }

  refuse(proposal: Proposal, error: LeaseLogError): void {
    this.#release(proposal);
    proposal.reject(error);
  }

  #release(proposal: Proposal): void {
    this.#entries -= proposal.commands.length;
    this.#bytes -= proposal.sizeBytes;
  }
}
