/** One revision of one key, and the key's place in the index. Revisions of a key form a list, so that history needs no search. */
import type { KeyValue } from "../proto/kv.ts";

/** A key that has at least one revision that is not reclaimed. */
export interface KeyEntry {
  readonly key: string;
  last: KeyVersion;
}

/**
 * Invariants: all but the value's place and the links never change; `previous.modRevision < modRevision < next.modRevision`; `next` stays for ever,
 * `previous` is cut once it is reclaimed.
 */
export class KeyVersion implements KeyValue {
  readonly key: string;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Position among the changes of one revision. */
  readonly sub: number;
  readonly version: number;
  readonly lease: bigint;
  /** A deletion: version 0, no value. */
  readonly isTombstone: boolean;
  /** Where the value lies, so that a small value costs no buffer object of its own. */
  slab: Buffer;
  start: number;
  length: number;
  previous: KeyVersion | undefined;
  next: KeyVersion | undefined;

  constructor(
    key: string,
    createRevision: number,
    modRevision: number,
    sub: number,
    version: number,
    lease: bigint,
    slab: Buffer,
  ) {
    this.key = key;
    this.createRevision = createRevision;
    this.modRevision = modRevision;
    this.sub = sub;
    this.version = version;
    this.lease = lease;
    this.isTombstone = version === 0;
    this.slab = slab;
    this.start = 0;
    this.length = 0;
    this.previous = undefined;
    this.next = undefined;
  }

  get value(): Buffer {
    return this.slab.subarray(this.start, this.start + this.length);
  }

  /** No reader at `compactRevision` or later can see it. */
  isDeadAt(compactRevision: number): boolean {
    if (this.modRevision > compactRevision) return false;
    return this.isTombstone || (this.next !== undefined && this.next.modRevision <= compactRevision);
  }

  /** What the quota counts for it. */
  get sizeBytes(): number {
    return this.key.length + this.length + 64;
  }
}

/** What a reader gets: the revision without the store's own part of it. Its value stays what it is, wherever the store moves its copy. */
export const rowOf = (version: KeyVersion): KeyValue => ({
  key: version.key,
  createRevision: version.createRevision,
  modRevision: version.modRevision,
  version: version.version,
  value: version.value,
  lease: version.lease,
});
