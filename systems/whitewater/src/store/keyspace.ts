/** The versioned keys: what etcd calls MVCC, without time, disk or network. */
import type { KeyValue } from "../proto/kv.ts";
import { History } from "./history.ts";
import { OrderedKeys } from "./ordered.ts";
import { Slabs } from "./slabs.ts";
import { type Steps, stepKeys } from "./steps.ts";
import { type KeyEntry, KeyVersion } from "./version.ts";

/** As in etcd, an empty store is at revision 1, and one that was never compacted says -1. */
const firstRevision = 1;
const neverCompacted = -1;

/** A part of a range: what is there of the next keys, and how many were looked at. */
export interface Piece {
  readonly found: readonly KeyVersion[];
  readonly scanned: number;
}

export class Keyspace {
  revision = firstRevision;
  compactRevision = neverCompacted;
  /** Keys that exist now. */
  liveKeys = 0;
  sizeBytes = 0;
  readonly history = new History();
  private readonly ordered = new OrderedKeys();
  private readonly byKey = new Map<string, KeyEntry>();
  private readonly slabs = new Slabs();
  private changes: KeyVersion[] = [];

  /** The revision that a reader within the open transaction is at: its own changes are visible to it. */
  get openRevision(): number {
    return this.changes.length > 0 ? this.revision + 1 : this.revision;
  }

  /** The key's state at `revision`, which must be at or above the compacted one. Undefined: not there. */
  get(key: string, revision: number): KeyVersion | undefined {
    const entry = this.byKey.get(key);
    return entry === undefined ? undefined : visibleAt(entry, revision);
  }

  /** Calls `visit` for each key of the range that is there at `revision`, in order, until it answers false. */
  walk(key: string, rangeEnd: string, revision: number, visit: (version: KeyVersion) => boolean): void {
    if (rangeEnd === "") {
      const version = this.get(key, revision);
      if (version !== undefined) visit(version);
      return;
    }
    this.ordered.walk(key, rangeEnd === "\0" ? undefined : rangeEnd, (entry) => {
      const version = visibleAt(entry, revision);
      return version === undefined || visit(version);
    });
  }

  /** As `walk`, piece by piece; between two of them keys may come and go, and history be reclaimed up to `revision`. */
  *pieces(key: string, rangeEnd: string, revision: number): Generator<Piece, void, void> {
    const end = rangeEnd === "\0" ? undefined : rangeEnd;
    for (let from: string | undefined = key; from !== undefined; ) {
      const found: KeyVersion[] = [];
      let scanned = 0;
      let next: string | undefined;
      this.ordered.walk(from, end, (entry) => {
        if (scanned === stepKeys) {
          next = entry.key;
          return false;
        }
        scanned++;
        const version = visibleAt(entry, revision);
        if (version !== undefined) found.push(version);
        return true;
      });
      yield { found, scanned };
      from = next;
    }
  }

  put(key: string, value: Uint8Array, lease: bigint): KeyVersion {
    const revision = this.revision + 1;
    const before = this.get(key, revision);
    const { length: sub } = this.changes;
    const created = before?.createRevision ?? revision;
    const version = new KeyVersion(key, created, revision, sub, (before?.version ?? 0) + 1, lease, this.slabs.empty);
    this.slabs.place(version, value);
    if (before === undefined) this.liveKeys++;
    return this.add(version);
  }

  /** `version` is the key's state now. */
  remove(version: KeyVersion): KeyVersion {
    const { length: sub } = this.changes;
    this.liveKeys--;
    return this.add(new KeyVersion(version.key, 0, this.revision + 1, sub, 0, 0n, this.slabs.empty));
  }

  /** Ends the transaction: its changes, all of one revision; none, and the revision stays. */
  commit(): readonly KeyVersion[] {
    const { changes } = this;
    if (changes.length === 0) return changes;
    this.changes = [];
    this.revision++;
    return changes;
  }

  /** Takes over one revision of a snapshot; they come in order. */
  load(from: KeyValue & { readonly sub: number }): void {
    const { key, createRevision, modRevision, sub, version, lease } = from;
    const loaded = new KeyVersion(key, createRevision, modRevision, sub, version, lease, this.slabs.empty);
    this.slabs.place(loaded, from.value);
    const wasLive = this.byKey.get(key)?.last.isTombstone === false;
    if (wasLive !== !loaded.isTombstone) this.liveKeys += wasLive ? -1 : 1;
    this.link(loaded);
  }

  /** Gives memory back, a block of history at each step; readers at the compacted revision or later see no difference. */
  reclaim(): Steps<void> {
    return this.history.reclaim(
      this.compactRevision,
      (version) => this.drop(version),
      (version) => this.slabs.place(version, version.value),
    );
  }

  private add(version: KeyVersion): KeyVersion {
    this.changes.push(version);
    return this.link(version);
  }

  private link(version: KeyVersion): KeyVersion {
    const entry = this.byKey.get(version.key);
    if (entry === undefined) {
      const made = { key: version.key, last: version };
      this.byKey.set(version.key, made);
      this.ordered.insert(made);
    } else {
      version.previous = entry.last;
      entry.last.next = version;
      entry.last = version;
    }
    this.sizeBytes += version.sizeBytes;
    this.history.push(version);
    return version;
  }

  private drop(version: KeyVersion): void {
    this.sizeBytes -= version.sizeBytes;
    if (version.next !== undefined) {
      version.next.previous = undefined;
      return;
    }
    this.byKey.delete(version.key);
    this.ordered.remove(version.key);
  }
}

function visibleAt(entry: KeyEntry, revision: number): KeyVersion | undefined {
  let version: KeyVersion | undefined = entry.last;
  while (version !== undefined && version.modRevision > revision) version = version.previous;
  return version === undefined || version.isTombstone ? undefined : version;
}
