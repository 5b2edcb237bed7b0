/**
 * All watches of this member. Those that are current are told of changes as they are applied; those that start in the past, and those whose reader was
 * slow, read history in bounded steps until they are current. Nothing is queued for a slow reader: the store's history is the queue.
 */
import { inTurns, type Steps, stepKeys } from "../../store/steps.ts";
import type { Store } from "../../store/types.ts";
import type { KeyVersion } from "../../store/version.ts";
import type { WatchEvent, Watcher, WatchOptions, WatchSink } from "../types.ts";
import { WatchesByKey } from "./by-key.ts";
import { Watching } from "./watching.ts";

/** Changes read for one watch before it is another's turn. */
const historyPerStep = 1000;

export interface WatchHub {
  readonly size: number;
  watch(options: WatchOptions, sink: WatchSink): Watcher;
  changed(versions: readonly KeyVersion[]): void;
  /** The state is another: every watch reads on from where it was, or learns that it cannot. */
  restored(): void;
  stop(): void;
}

export function createWatchHub(store: Pick<Store, "revision" | "compactRevision" | "history">): WatchHub {
  const all = new Set<Watching>();
  const current = new WatchesByKey();
  const behind = new Set<Watching>();
  let isCatchingUp = false;
  /** Changes that not all watches have been told of yet. */
  const untold: (readonly KeyVersion[])[] = [];

  const end = (watching: Watching): void => {
    if (watching.state === "current") current.remove(watching);
    watching.state = "ended";
    behind.delete(watching);
    all.delete(watching);
  };

  const fallBehind = (watching: Watching): void => {
    if (watching.state === "current") current.remove(watching);
    watching.state = "behind";
    behind.add(watching);
    if (isCatchingUp) return;
    isCatchingUp = true;
    setImmediate(() => void inTurns(catchUp()));
  };

  const send = (watching: Watching, events: readonly WatchEvent[]): void => {
    if (events.length === 0 || watching.sink.events(events, store.revision) || watching.state === "ended") return;
    if (watching.state === "current") current.remove(watching);
    behind.delete(watching);
    watching.state = "paused";
  };

  /** One step for each that is behind, and again. */
  function* catchUp(): Steps<void> {
    while (behind.size > 0) for (const watching of [...behind]) if (watching.state === "behind") yield step(watching);
    isCatchingUp = false;
  }

  /** Returns how many changes it looked at. */
  function step(watching: Watching): number {
    const { compactRevision, revision } = store;
    if (watching.next < compactRevision) {
      end(watching);
      watching.sink.compacted(compactRevision);
      return 1;
    }
    const { found, isWhole } = store.history(watching.next, historyPerStep);
    const events = eventsFor(watching, found, compactRevision);
    const last = isWhole ? revision : found.at(-1)!.modRevision;
    watching.next = Math.max(watching.next, last + 1);
    if (last >= revision) {
      behind.delete(watching);
      watching.state = "current";
      current.add(watching);
    }
    send(watching, events);
    return 1 + found.length;
  }

  /** In order, a bounded part in each turn of the event loop: one revision may change very many keys, and very many may watch one key. */
  function* tellAll(): Steps<void> {
    for (let versions = untold[0]; versions !== undefined; versions = untold[0]) {
      yield* tell(versions);
      untold.shift();
    }
  }

  function* tell(versions: readonly KeyVersion[]): Steps<void> {
    const touched = new Set<Watching>();
    let done = 0;
    for (const version of versions) {
      done++;
      current.visit(version.key, (watching) => {
        done++;
        const event = watching.eventOf(version, store.compactRevision);
        if (event === undefined) return;
        watching.collected.push(event);
        touched.add(watching);
      });
      if (done < stepKeys) continue;
      yield done;
      done = 0;
    }
    const next = versions.at(-1)!.modRevision + 1;
    for (const watching of touched) {
      const events = watching.collected;
      watching.collected = [];
      if (watching.state === "current" && watching.next < next) {
        watching.next = next;
        send(watching, events);
      }
      if (++done < stepKeys) continue;
      yield done;
      done = 0;
    }
  }

  return {
    get size() {
      return all.size;
    },
    watch(options, sink) {
      const { startRevision = 0 } = options;
      const watching = new Watching(options, startRevision > 0 ? startRevision : store.revision + 1, sink);
      all.add(watching);
      if (watching.next <= store.revision) fallBehind(watching);
      else {
        watching.state = "current";
        current.add(watching);
      }
      return {
        resume: () => {
          if (watching.state === "paused") fallBehind(watching);
        },
        isCurrent: () => watching.state === "current" && untold.length === 0,
        cancel: () => end(watching),
      };
    },
    changed(versions) {
      if (current.isEmpty && untold.length === 0) return;
      untold.push(versions);
      if (untold.length === 1) void inTurns(tellAll());
    },
    restored() {
      for (const watching of all) if (watching.state !== "paused") fallBehind(watching);
    },
    stop() {
      for (const watching of [...all]) end(watching);
    },
  };
}

function eventsFor(watching: Watching, versions: readonly KeyVersion[], compactRevision: number): WatchEvent[] {
  const events: WatchEvent[] = [];
  for (const version of versions) {
    if (!watching.covers(version.key) || version.isDeadAt(compactRevision)) continue;
    const event = watching.eventOf(version, compactRevision);
    if (event !== undefined) events.push(event);
  }
  return events;
}
