/** The replicated state as Raft's state machine: applies, copies, restores, and tells its listeners. */
import type { Entry } from "@coracle/raft";
import { type LeaseEvents, perform } from "./apply.ts";
import { hashOf } from "./hash.ts";
import { checkRevision, range } from "./range.ts";
import { Refused } from "./refused.ts";
import { capture, read, write } from "./snapshot.ts";
import { emptyState, type State } from "./state.ts";
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

  const apply = (entries: readonly Entry[]): readonly unknown[] => {
    const changed: KeyVersion[] = [];
    const before = state.keys.compactRevision;
    const results = entries.map(({ index, command }) => {
      const result = command.length === 0 ? undefined : perform(state, command, leaseEvents);
      for (const version of state.keys.commit()) changed.push(version);
      applied = index;
      return result;
    });
    if (changed.length > 0) tell((listener) => listener.changed(changed));
    if (state.keys.compactRevision !== before) reclaimer.start();
    options.onApplied?.(applied);
    return results;
  };

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
    range: (request) => range(state.keys, request, state.keys.revision, mostAnswerBytes),
    readTxn: (request) => txn(state, request),
    history: (revision, limit) => state.keys.history.from(revision, limit),
    lease: (id) => state.leases.get(id),
    leases: () => state.leases.all(),
    alarms: () => [...state.alarms.values()],
    hash(revision) {
      checkRevision(state.keys, revision, state.keys.revision);
      if (revision < 0) throw new Refused("compacted");
      return hashOf(state.keys, revision === 0 ? state.keys.revision : revision);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    settled: reclaimer.settled,
  };
}

/** Gives memory back beside the work, a few blocks of history in each turn of the event loop. */
function createReclaimer(current: () => State) {
  const blocksPerTurn = 4;
  let running: Promise<void> | undefined;
  let isWanted = false;

  async function run(): Promise<void> {
    while (isWanted) {
      isWanted = false;
      const { keys } = current();
      let count = 0;
      for (const _ of keys.reclaim()) {
        if (++count % blocksPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
        if (isWanted || current().keys !== keys) break;
      }
    }
    running = undefined;
  }

  return {
    start(): void {
      isWanted = true;
      running ??= run();
    },
    settled: async (): Promise<void> => running,
  };
}
