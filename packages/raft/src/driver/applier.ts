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
      if (!this.#restore) this.#turn();
    } catch (error) {
      this.#hooks.fail(error);
      return;
    }
    if (this.#isBehind) this.#running = this.#run();
  }

  get #isBehind(): boolean {
    return this.#restore !== undefined || this.#applied < this.#target;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isBehind && !this.#isStopped) {
        if (this.#restore) await this.#install();
        else this.#turn();
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

  /** Up to the next change of membership, which the state machine is told before anything behind it. */
  #turn(): void {
    const from = this.#applied + 1;
    const to = Math.min(this.#target, this.#applied + TURN_ENTRIES);
    // The log already begins behind the state: the snapshot that it begins with is on its way here.
    if (from > to || from <= this.#core.base.index) return;
    const entries = this.#core.entries(from, to);
    let start = 0;
    for (let i = 0; i < entries.length; i++) {
      const { membership, index } = entries[i] as LogEntry;
      if (!membership) continue;
      this.#apply(entries.slice(start, i + 1));
      this.#stateMachine.membersChanged?.(membership.members, index);
      start = i + 1;
    }
    this.#apply(start === 0 ? entries : entries.slice(start));
  }

  #apply(entries: readonly LogEntry[]): void {
    const last = entries.at(-1);
    if (!last) return;
    const results = this.#stateMachine.apply(entries.map(toEntry));
    this.#moveTo(last.index);
    this.#hooks.applied(entries, results);
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

function toEntry(entry: LogEntry): Entry {
  return { index: entry.index, term: entry.term, command: commandOf(entry) };
}
