/** One watch: what it wants, and up to where it has been told. */
import { type KeyVersion, rowOf } from "../../store/version.ts";
import type { WatchEvent, WatchOptions, WatchSink } from "../types.ts";

/**
 * `current`: told as things happen. `behind`: reads history to catch up. `paused`: its sink wants nothing for now. Invariant: everything that it wants
 * below `next` has been sent and nothing from `next` on, so that between any two states nothing is lost or repeated.
 */
export class Watching {
  readonly key: string;
  /** Undefined: to the last key. */
  readonly end: string | undefined;
  readonly isSingle: boolean;
  readonly sink: WatchSink;
  readonly options: WatchOptions;
  state: "current" | "behind" | "paused" | "ended" = "behind";
  next: number;
  /** Collected of one batch of changes. */
  collected: WatchEvent[] = [];

  constructor(options: WatchOptions, next: number, sink: WatchSink) {
    const { key, rangeEnd = "" } = options;
    this.key = key;
    this.isSingle = rangeEnd === "";
    this.end = rangeEnd === "\0" ? undefined : rangeEnd;
    this.options = options;
    this.next = next;
    this.sink = sink;
  }

  covers(key: string): boolean {
    if (this.isSingle) return key === this.key;
    return key >= this.key && (this.end === undefined || key < this.end);
  }

  /** `compactRevision`: what was there before is no longer known, so that it is not told even where it still could be. */
  eventOf(version: KeyVersion, compactRevision: number): WatchEvent | undefined {
    if (version.modRevision < this.next) return undefined;
    if (version.isTombstone ? this.options.noDelete === true : this.options.noPut === true) return undefined;
    const type = version.isTombstone ? "delete" : "put";
    if (this.options.prevKv !== true || version.modRevision - 1 < compactRevision) return { type, kv: rowOf(version) };
    const { previous } = version;
    return { type, kv: rowOf(version), prevKv: previous?.isTombstone === false ? rowOf(previous) : undefined };
  }
}
