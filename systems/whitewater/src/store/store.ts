/** The replicated state as Raft's state machine: applies, copies, restores, and tells its listeners. */
import type { Entry } from "@coracle/raft";
import { isSteps, type LeaseEvents, perform } from "./apply.ts";
import { hashOf } from "./hash.ts";
import type { Keyspace } from "./keyspace.ts";
import { checkRevision, range } from "./range.ts";
import { Refused } from "./refused.ts";
import { capture, read, write } from "./snapshot.ts";
import { emptyState, type State } from "./state.ts";
import { inTurns, type Steps } from "./steps.ts";
import type { Store, StoreListener } from "./types.ts";
import type { KeyVersion } from "./version.ts";
import { txn } from "./writes.ts";

export interface StoreOptions {
  /** Told the index when commands up to it have been applied or restored; for metrics. */
  readonly onApplied?: (index: number) => void;
}

/** Of keys and values in the answer to one range read. */
const mostAnswerBytes = 64 * 1024 * 1024;

export function createStore(options: StoreOptions = {}): Store {
  let state: State = emptyState();
  let applied = 0;
  const listeners = new Set<StoreListener>();
  const tell = (say: (listener: StoreListener) => void): void => {
    for (const listener of listeners) say(listener);
  };
  const leaseEvents: LeaseEvents = {
    granted: (lease) => tell((listener) => listener.granted(lease)),
    renewed: (lease) => tell((listener) => listener.renewed(lease)),
    removed: (id) => tell((listener) => listener.removed(id)),
  };
  const reclaimer = createReclaimer(() => state);

  function* performAll(entries: readonly Entry[]): Steps<readonly unknown[]> {
    const results: unknown[] = [];
    let changed: KeyVersion[] = [];
    const tellChanged = (): void => {
      const told = changed;
      changed = [];
      if (told.length > 0) tell((listener) => listener.changed(told));
    };
    const before = state.keys.compactRevision;
    for (const { index, command } of entries) {
      const outcome = command.length === 0 ? undefined : perform(state, command, leaseEvents);
      // Before others get a turn, listeners know of every revision that readers can see.
      if (isSteps(outcome)) tellChanged();
      results.push(isSteps(outcome) ? yield* outcome : outcome);
      for (const version of state.keys.commit()) changed.push(version);
      applied = index;
    }
    tellChanged();
    if (state.keys.compactRevision !== before) reclaimer.start();
    options.onApplied?.(applied);
    return results;
  }

  let applying: Promise<unknown> | undefined;
  const apply = (entries: readonly Entry[]): readonly unknown[] | Promise<readonly unknown[]> => {
    const results = inTurns(performAll(entries), true);
    applying = results instanceof Promise ? results : undefined;
    return results;
  };

  /** The read is of one revision. Where a compaction took that away before it was done, it is made again. */
  function* reading<T>(read: (keys: Keyspace) => Steps<T>): Steps<T> {
    for (;;) {
      const { keys } = state;
      const { compactRevision } = keys;
      const steps = read(keys);
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done === true) return step.value;
        yield step.value;
        if (keys.compactRevision !== compactRevision) break;
      }
    }
  }

  return {
    get revision() {
      return state.keys.revision;
    },
    get compactRevision() {
      return state.keys.compactRevision;
    },
    get liveKeys() {
      return state.keys.liveKeys;
    },
    get sizeBytes() {
      return state.keys.sizeBytes;
    },
    get leaseCount() {
      return state.leases.size;
    },
    applied: () => applied,
    apply,
    snapshot: () => ({ index: applied, chunks: write(applied, capture(state)) }),
    async restore(index, chunks) {
      ({ state } = await read(chunks));
      applied = index;
      tell((listener) => listener.restored());
      options.onApplied?.(applied);
    },
    range: (request) => inTurns(reading((keys) => range(keys, request, keys.revision, mostAnswerBytes))),
    readTxn: (request) => inTurns(reading(({ revision }) => txn(state, request, revision))),
    history: (revision, limit) => state.keys.history.from(revision, state.keys.revision, limit),
    lease: (id) => state.leases.get(id),
    leases: () => state.leases.all(),
    alarms: () => [...state.alarms.values()],
    hash(revision) {
      checkRevision(state.keys, revision, state.keys.revision);
      if (revision < 0) throw new Refused("compacted");
      return inTurns(hashOf(state.keys, revision === 0 ? state.keys.revision : revision));
    },
    whole: async () => void (await applying),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    settled: reclaimer.settled,
  };
}

/** Gives memory back beside the work, a few blocks of history in each turn of the event loop. */
function createReclaimer(current: () => State) {
  let done: Promise<void> | void;
  let isRunning = false;
  let isWanted = false;

  function* passes(): Steps<void> {
    while (isWanted) {
      isWanted = false;
      const { keys } = current();
      for (const touched of keys.reclaim()) {
        yield touched;
        if (isWanted || current().keys !== keys) break;
      }
    }
    isRunning = false;
  }

  return {
    start(): void {
      isWanted = true;
      if (isRunning) return;
      isRunning = true;
      done = inTurns(passes());
    },
    settled: async (): Promise<void> => done,
  };
}
