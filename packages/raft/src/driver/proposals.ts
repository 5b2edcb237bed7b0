/**
 * Proposals from their acceptance to their answer, bounded in number and bytes; each is settled exactly once.
 *
 * A proposal carries an id of its own, by which this member recognises it when it applies it, whoever led. One that was sent to a leader of term T
 * and is not applied when an entry of a later term is, never will be: terms in the log never go down. Only then is it proposed again, so that a
 * change of leader is hidden from the caller and nothing is applied twice.
 */
import type { LogEntry } from "../core/types.ts";
import { RaftError } from "../errors.ts";

const ORIGIN_BYTES = 6;
const ID_BYTES = 12;
/** What a proposal costs beyond its command. */
const OVERHEAD_BYTES = 64;
const NOTHING = new Uint8Array(0);

/** What the system proposed. */
export const commandOf = ({ command }: LogEntry): Uint8Array => command?.subarray(ID_BYTES) ?? NOTHING;

export interface Proposal {
  readonly number: number;
  /** Id and command. */
  readonly bytes: Buffer;
  readonly at: number;
  /** The term of the leader that it was sent to; undefined while it waits for one. */
  term: number | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: RaftError) => void;
}

export interface ProposalLimits {
  readonly maxCommandBytes: number;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
}

export class Proposals {
  readonly #limits: ProposalLimits;
  /** A number that tells this run of this member from every other. */
  readonly #origin: number;
  readonly #pending = new Map<number, Proposal>();
  #waiting: Proposal[] = [];
  #bytes = 0;
  #nextNumber = 1;
  #appliedTerm = 0;

  /** `origin` is 48 random bits. */
  constructor(limits: ProposalLimits, origin: number) {
    this.#limits = limits;
    this.#origin = origin;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get count(): number {
    return this.#pending.size;
  }

  /** Returns its number, for `giveUp`. Throws `too-large` or `overloaded`. */
  add(command: Uint8Array, now: number, { resolve, reject }: Pick<Proposal, "resolve" | "reject">): number {
    const { maxCommandBytes, maxPending, maxPendingBytes } = this.#limits;
    if (command.length > maxCommandBytes)
      throw new RaftError("too-large", `a command of ${command.length} bytes is longer than ${maxCommandBytes}`);
    const isFull = this.#pending.size >= maxPending || this.#bytes + command.length > maxPendingBytes;
    if (isFull && this.#pending.size > 0)
      throw new RaftError("overloaded", `${this.#pending.size} proposals are waiting; retry later`);
    const number = this.#nextNumber++;
    const proposal = { number, bytes: this.#encode(number, command), at: now, term: undefined, resolve, reject };
    this.#pending.set(number, proposal);
    this.#bytes += proposal.bytes.length + OVERHEAD_BYTES;
    this.#waiting.push(proposal);
    return number;
  }

  #encode(number: number, command: Uint8Array): Buffer {
    const bytes = Buffer.allocUnsafe(ID_BYTES + command.length);
    bytes.writeUIntBE(this.#origin, 0, ORIGIN_BYTES);
    bytes.writeUIntBE(number, ORIGIN_BYTES, ID_BYTES - ORIGIN_BYTES);
    bytes.set(command, ID_BYTES);
    return bytes;
  }

  /** The next ones to send, at least one and no more than `maxBytes`. */
  take(maxBytes: number): Proposal[] {
    let bytes = 0;
    let count = 0;
    for (const proposal of this.#waiting) {
      bytes += proposal.bytes.length + OVERHEAD_BYTES;
      if (bytes > maxBytes && count > 0) break;
      count++;
    }
    return this.#waiting.splice(0, count).filter((proposal) => this.#pending.has(proposal.number));
  }

  /** They go to the leader of `term` now. */
  sent(proposals: readonly Proposal[], term: number): void {
    for (const proposal of proposals) proposal.term = term;
  }

  /** The leader of `term` did not take them. What has been sent to another since is none of its business. */
  putBack(proposals: readonly Proposal[], term: number): void {
    const left = this.#sentIn(proposals, term);
    for (const proposal of left) proposal.term = undefined;
    this.#waiting = [...left, ...this.#waiting];
  }

  /** As `putBack`, and it would be refused again. */
  refuse(proposals: readonly Proposal[], term: number, error: RaftError): void {
    for (const proposal of this.#sentIn(proposals, term)) this.#settle(proposal)?.reject(error);
  }

  #sentIn(proposals: readonly Proposal[], term: number): Proposal[] {
    return proposals.filter((proposal) => this.#pending.has(proposal.number) && proposal.term === term);
  }

  /** Answers those that were made here; returns how many, and when the first was made. */
  applied(
    entries: readonly LogEntry[],
    results: readonly unknown[],
  ): { readonly count: number; readonly since: number } {
    let count = 0;
    let since = Infinity;
    for (const [i, { command }] of entries.entries()) {
      const proposal = command && this.#pending.get(this.#numberOf(command as Buffer));
      if (!proposal) continue;
      count++;
      since = Math.min(since, proposal.at);
      this.#settle(proposal)?.resolve(results[i]);
    }
    const term = entries.at(-1)?.term ?? 0;
    if (term > this.#appliedTerm) this.#outlive(term);
    return { count, since };
  }

  /** 0 when it was made elsewhere. */
  #numberOf(command: Buffer): number {
    const isOwn = command.length >= ID_BYTES && command.readUIntBE(0, ORIGIN_BYTES) === this.#origin;
    return isOwn ? command.readUIntBE(ORIGIN_BYTES, ID_BYTES - ORIGIN_BYTES) : 0;
  }

  /** What was sent in an earlier term and not applied by now is lost for certain. */
  #outlive(term: number): void {
    this.#appliedTerm = term;
    for (const proposal of this.#pending.values())
      if (proposal.term !== undefined && proposal.term < term) this.putBack([proposal], proposal.term);
  }

  /** The state was replaced by a later one: whether it holds what was under way, nobody can tell. */
  skipped(term: number): void {
    for (const proposal of [...this.#pending.values()])
      if (proposal.term !== undefined && proposal.term <= term)
        this.giveUp(proposal.number, "this member skipped ahead by a snapshot");
  }

  /** Ends what was made before then. */
  expire(before: number): void {
    for (const proposal of [...this.#pending.values()])
      if (proposal.at < before) this.giveUp(proposal.number, "there was no leader, or no answer from it, in time");
  }

  /** Ends everything: `error` for what was not sent, `indeterminate` for the rest. */
  end(error: RaftError): void {
    for (const proposal of [...this.#pending.values()]) {
      if (proposal.term === undefined) this.#settle(proposal)?.reject(error);
      else this.giveUp(proposal.number, error.message);
    }
  }

  /** Ends it: nobody waits for it any more. It may yet take effect if it was sent. */
  giveUp(number: number, reason: string): void {
    const proposal = this.#pending.get(number);
    if (!proposal) return;
    const error =
      proposal.term === undefined
        ? new RaftError("no-leader", `nothing was proposed: ${reason}`)
        : new RaftError("indeterminate", `${reason}: the command may or may not take effect`);
    this.#settle(proposal)?.reject(error);
  }

  #settle(proposal: Proposal): Proposal | undefined {
    if (!this.#pending.delete(proposal.number)) return undefined;
    this.#bytes -= proposal.bytes.length + OVERHEAD_BYTES;
    return proposal;
  }
}
