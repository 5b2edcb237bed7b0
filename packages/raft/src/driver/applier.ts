/** Feeds committed entries, and snapshots, to the state machine, in order and without holding up the event loop. */
import type { Core } from "../core/core.ts";
import type { LogEntry, SnapshotMeta } from "../core/types.ts";
import type { Entry, StateMachine } from "../types.ts";
import { commandOf } from "./proposals.ts";

/** Applied in one turn of the event loop. */
const TURN_ENTRIES = 2048;

export interface ApplierHooks {
  applied(entries: readonly LogEntry[], results: readonly unknown[]): void;
  restored(meta: SnapshotMeta): void;
  fail(error: unknown): void;
}

interface Restoring {
  readonly meta: SnapshotMeta;
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

export class Applier {
  readonly #core: Core;
  readonly #stateMachine: StateMachine;
  readonly #hooks: ApplierHooks;
  #applied: number;
  #target: number;
  #restore: Restoring | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #waiting: { readonly index: number; readonly resolve: () => void }[] = [];

  constructor(core: Core, stateMachine: StateMachine, applied: number, hooks: ApplierHooks) {
    this.#core = core;
    this.#stateMachine = stateMachine;
    this.#applied = applied;
    this.#target = applied;
    this.#hooks = hooks;
  }

  /** Last index whose effect is in the state machine. */
  get applied(): number {
    return this.#applied;
  }

  advance(index: number): void {
    this.#target = index;
    this.#go();
  }

  /** Entries up to the snapshot's index that were not applied yet never will be. */
  restore(meta: SnapshotMeta, chunks: () => AsyncIterable<Uint8Array>): void {
    this.#restore = { meta, chunks };
    this.#target = meta.index;
    this.#go();
  }

  /** Resolves once `index` is applied; never when this stops before. */
  waitFor(index: number): Promise<void> {
    if (this.#applied >= index) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ index, resolve }));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** What can be done at once is; the rest goes on later, turn by turn. */
  #go(): void {
    if (this.#running || this.#isStopped) return;
    try {
      const begun = this.#restore ? undefined : this.#turn();
      if (begun || this.#isBehind) this.#running = this.#run(begun);
    } catch (error) {
      this.#hooks.fail(error);
    }
  }

  get #isBehind(): boolean {
    return this.#restore !== undefined || this.#applied < this.#target;
  }

  async #run(begun: Promise<void> | undefined): Promise<void> {
    try {
      await begun;
      while (this.#isBehind && !this.#isStopped) {
        if (this.#restore) await this.#install();
        else await this.#turn();
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      this.#hooks.fail(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #install(): Promise<void> {
    const { meta, chunks } = this.#restore as Restoring;
    await this.#stateMachine.restore(meta.index, chunks());
    this.#stateMachine.membersChanged?.(meta.membership.members, meta.index);
    if (this.#restore?.meta === meta) this.#restore = undefined;
    this.#moveTo(meta.index);
    this.#hooks.restored(meta);
  }

  /** Up to the next change of membership, which the state machine is told before anything behind it. A promise while the state machine is not done. */
  #turn(): Promise<void> | undefined {
    const from = this.#applied + 1;
    const to = Math.min(this.#target, this.#applied + TURN_ENTRIES);
    // The log already begins behind the state: the snapshot that it begins with is on its way here.
    if (from > to || from <= this.#core.base.index) return undefined;
    const entries = upToMembership(this.#core.entries(from, to));
    const results = this.#stateMachine.apply(entries.map(toEntry));
    if (results instanceof Promise) return results.then((settled) => this.#done(entries, settled));
    this.#done(entries, results);
    return undefined;
  }

  #done(entries: readonly LogEntry[], results: readonly unknown[]): void {
    const { index, membership } = entries.at(-1) as LogEntry;
    this.#moveTo(index);
    this.#hooks.applied(entries, results);
    if (membership) this.#stateMachine.membersChanged?.(membership.members, index);
  }

  #moveTo(index: number): void {
    this.#applied = index;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((waiter) => waiter.index <= index);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter.index > index);
    for (const { resolve } of due) resolve();
  }
}

function upToMembership(entries: readonly LogEntry[]): readonly LogEntry[] {
  const at = entries.findIndex(({ membership }) => membership !== undefined);
  return at < 0 ? entries : entries.slice(0, at + 1);
}

function toEntry(entry: LogEntry): Entry {
  return { index: entry.index, term: entry.term, command: commandOf(entry) };
}
