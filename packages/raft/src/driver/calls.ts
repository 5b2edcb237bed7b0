/** Calls that end in the leader's core: reads, changes of membership, transfers. Made here when this member leads, forwarded otherwise. */
import type { WireEndpoint } from "@coracle/wire";
import type { Core } from "../core/core.ts";
import type { Batch } from "../core/types.ts";
import { RaftError } from "../errors.ts";
import type { MemberChange } from "../types.ts";
import type { Applier } from "./applier.ts";
import type { Machine } from "./machine.ts";
import { fromRemote } from "./remote.ts";
import { checkChange, decodeIndex } from "./requests.ts";

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: RaftError) => void;
}

export class Calls {
  readonly #core: Core;
  readonly #machine: Machine;
  readonly #endpoint: WireEndpoint;
  readonly #applier: Applier;
  readonly #timeoutMs: number;
  readonly #reads = new Map<number, Waiting<number>>();
  readonly #changes = new Set<() => void>();
  readonly #ending = new Set<(error: RaftError) => void>();
  #nextRead = 1;
  #transferProblem: string | undefined;
  #ended: RaftError | undefined;

  constructor(
    { core, machine, endpoint, applier }: { core: Core; machine: Machine; endpoint: WireEndpoint; applier: Applier },
    timeoutMs: number,
  ) {
    this.#core = core;
    this.#machine = machine;
    this.#endpoint = endpoint;
    this.#applier = applier;
    this.#timeoutMs = timeoutMs;
  }

  async readIndex(): Promise<number> {
    if (this.#core.isLeading) return this.readIndexHere();
    return decodeIndex(await this.#ask("read-index", new Uint8Array(0), "no-leader"));
  }

  readIndexHere(): Promise<number> {
    const id = this.#nextRead++;
    const answered = new Promise<number>((resolve, reject) => {
      this.#reads.set(id, { resolve, reject });
      this.#machine.submit({ type: "read", id }, ({ refused }) => {
        if (refused) reject(new RaftError(refused.code, refused.message));
      });
    });
    return this.unlessEnded(answered).finally(() => this.#reads.delete(id));
  }

  /** What a batch says about reads. */
  read(reads: Batch["reads"], lost: readonly number[]): void {
    for (const { id, index } of reads) this.#reads.get(id)?.resolve(index);
    for (const id of lost) this.#reads.get(id)?.reject(new RaftError("no-leader", "leadership was lost"));
  }

  /** Resolves with the index of the change, applied where the leader is. */
  async change(change: MemberChange, signal?: AbortSignal): Promise<number> {
    checkChange(change);
    await this.#someLeader(signal);
    if (this.#core.isLeading) return this.changeHere(change);
    return decodeIndex(await this.#ask("change", Buffer.from(JSON.stringify(change)), "indeterminate", signal));
  }

  async changeHere(change: MemberChange): Promise<number> {
    const { index, term } = await this.#accepted({ type: "change", change });
    await this.#within(this.#applier.waitFor(index), "indeterminate", "the change was not committed in time");
    if (this.#core.termAt(index) !== term && index > this.#core.base.index)
      throw new RaftError("no-leader", "leadership was lost, and the change with it");
    return index;
  }

  async transfer(to: string | undefined, signal?: AbortSignal): Promise<void> {
    await this.#someLeader(signal);
    if (this.#core.isLeading) await this.transferHere(to);
    else await this.#ask("transfer", Buffer.from(to ?? ""), "not-transferred", signal);
  }

  async transferHere(to: string | undefined): Promise<void> {
    const own = this.#core.leader;
    this.#transferProblem = undefined;
    await this.#accepted({ type: "transfer", to });
    const isDone = () => this.#core.leader !== undefined && this.#core.leader !== own;
    await this.#until(
      () => isDone() || this.#transferProblem !== undefined,
      "not-transferred",
      "no other leads in time",
    );
    if (!isDone()) throw new RaftError("not-transferred", this.#transferProblem ?? "it was given up");
    if (to !== undefined && this.#core.leader !== to)
      throw new RaftError("not-transferred", `${this.#core.leader} leads instead`);
  }

  transferFailed(reason: string): void {
    this.#transferProblem = reason;
    this.changed();
  }

  /** Role, term, leader or membership changed. */
  changed(): void {
    for (const check of [...this.#changes]) check();
  }

  /** Resolves when something changed, or after `ms`. */
  async nextLeader(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#changes.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#changes.add(done);
    });
  }

  end(error: RaftError): void {
    this.#ended = error;
    for (const reject of [...this.#ending]) reject(error);
  }

  /** As the promise, unless this member stops before. */
  async unlessEnded<T>(promise: Promise<T>): Promise<T> {
    if (this.#ended) throw this.#ended;
    let onEnd: (error: RaftError) => void = () => {};
    const ended = new Promise<never>((_, reject) => {
      onEnd = reject;
      this.#ending.add(reject);
    });
    try {
      return await Promise.race([promise, ended]);
    } finally {
      this.#ending.delete(onEnd);
    }
  }

  #accepted(input: { type: "change"; change: MemberChange } | { type: "transfer"; to: string | undefined }) {
    const answered = new Promise<{ index: number; term: number }>((resolve, reject) => {
      this.#machine.submit(input, ({ accepted, refused }) => {
        if (refused) reject(new RaftError(refused.code, refused.message));
        else resolve(accepted ?? { index: 0, term: 0 });
      });
    });
    return this.unlessEnded(answered);
  }

  async #ask(
    method: string,
    payload: Uint8Array,
    lost: "no-leader" | "indeterminate" | "not-transferred",
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const { leader } = this.#core;
    if (leader === undefined || !this.#endpoint.isConnected(leader))
      throw new RaftError(
        "no-leader",
        leader === undefined ? "no leader is known" : `the leader ${leader} can't be reached`,
      );
    try {
      return await this.#endpoint.request(leader, method, payload, {
        timeoutMs: this.#timeoutMs,
        ...(signal && { signal }),
      });
    } catch (error) {
      throw fromRemote(error, lost);
    }
  }

  #someLeader(signal?: AbortSignal): Promise<void> {
    return this.#until(() => this.#core.leader !== undefined, "no-leader", "no leader is known", signal);
  }

  #until(
    condition: () => boolean,
    code: "no-leader" | "not-transferred",
    problem: string,
    signal?: AbortSignal,
  ): Promise<void> {
    if (condition()) return Promise.resolve();
    let check = () => {};
    const met = new Promise<void>((resolve) => {
      check = () => condition() && resolve();
      this.#changes.add(check);
    });
    return this.#within(met, code, problem, signal).finally(() => this.#changes.delete(check));
  }

  #within<T>(
    promise: Promise<T>,
    code: "no-leader" | "not-transferred" | "indeterminate",
    problem: string,
    signal?: AbortSignal,
  ): Promise<T> {
    const bounded = new Promise<T>((resolve, reject) => {
      const fail = () => reject(new RaftError(code, problem));
      const timer = setTimeout(fail, this.#timeoutMs);
      signal?.addEventListener("abort", fail, { once: true });
      promise.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", fail);
      });
    });
    return this.unlessEnded(bounded);
  }
}
