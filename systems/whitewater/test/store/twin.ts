/** The dumb twin: every state that ever was, as a plain sorted list; each question answered by looking through all of it. */
import type { DeleteRangeRequest, KeyValue, PutRequest, RangeRequest } from "../../src/proto/kv.ts";

export interface TwinKey {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

const inRange = (key: string, from: string, end: string): boolean =>
  end === "" ? key === from : key >= from && (end === "\0" || key < end);

export class Twin {
  /** By revision; there is none before 1. */
  private readonly states: (readonly TwinKey[])[] = [[], []];
  private readonly leases = new Set<bigint>();
  compacted = -1;

  get revision(): number {
    return this.states.length - 1;
  }

  private get now(): readonly TwinKey[] {
    return this.states.at(-1)!;
  }

  private commit(keys: readonly TwinKey[]): void {
    this.states.push(keys.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
  }

  put({ key, value, lease, ignoreLease, ignoreValue }: PutRequest): string | TwinKey | undefined {
    const before = this.now.find((one) => one.key === key);
    if (lease !== 0n && !this.leases.has(lease)) return "lease-not-found";
    if ((ignoreLease || ignoreValue) && before === undefined) return "key-not-found";
    const modRevision = this.revision + 1;
    const after: TwinKey = {
      key,
      value: ignoreValue ? before!.value : Buffer.from(value).toString("latin1"),
      lease: ignoreLease ? before!.lease : lease,
      createRevision: before?.createRevision ?? modRevision,
      modRevision,
      version: (before?.version ?? 0) + 1,
    };
    this.commit([...this.now.filter((one) => one !== before), after]);
    return before;
  }

  deleteRange({ key, rangeEnd }: DeleteRangeRequest): readonly TwinKey[] {
    const doomed = this.now.filter((one) => inRange(one.key, key, rangeEnd));
    if (doomed.length > 0) this.commit(this.now.filter((one) => !doomed.includes(one)));
    return doomed;
  }

  grant(id: bigint): void {
    this.leases.add(id);
  }

  revoke(id: bigint): boolean {
    if (!this.leases.delete(id)) return false;
    if (this.now.some((one) => one.lease === id)) this.commit(this.now.filter((one) => one.lease !== id));
    return true;
  }

  compact(revision: number): string | undefined {
    if (revision <= this.compacted) return "compacted";
    if (revision > this.revision) return "future-revision";
    this.compacted = revision;
    return undefined;
  }

  range(request: RangeRequest): string | { kvs: TwinKey[]; count: number; more: boolean } {
    if (request.revision > this.revision) return "future-revision";
    if (request.revision > 0 && request.revision < this.compacted) return "compacted";
    const state = request.revision > 0 ? this.states[request.revision]! : this.now;
    const all = state.filter((one) => inRange(one.key, request.key, request.rangeEnd));
    if (request.countOnly) return { kvs: [], count: all.length, more: false };
    const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
    const kept = all
      .filter((one) => minModRevision === 0 || one.modRevision >= minModRevision)
      .filter((one) => maxModRevision === 0 || one.modRevision <= maxModRevision)
      .filter((one) => minCreateRevision === 0 || one.createRevision >= minCreateRevision)
      .filter((one) => maxCreateRevision === 0 || one.createRevision <= maxCreateRevision);
    const isFiltered = minModRevision + maxModRevision + minCreateRevision + maxCreateRevision > 0;
    const cut = request.limit > 0 && request.sortOrder === 0 && !isFiltered ? kept.slice(0, request.limit + 1) : kept;
    const sorted = cut.toSorted((a, b) => this.order(a, b, request));
    const more = request.limit > 0 && sorted.length > request.limit;
    const kvs = more ? sorted.slice(0, request.limit) : sorted;
    return { kvs: request.keysOnly ? kvs.map((one) => ({ ...one, value: "" })) : kvs, count: all.length, more };
  }

  private order(a: TwinKey, b: TwinKey, { sortOrder, sortTarget }: RangeRequest): number {
    const field = (["key", "version", "createRevision", "modRevision", "value"] as const)[sortTarget]!;
    if (a[field] === b[field]) return 0;
    const ascending = a[field] < b[field] ? -1 : 1;
    return sortOrder === 2 ? -ascending : ascending;
  }
}

export const plain = ({ key, value, createRevision, modRevision, version, lease }: KeyValue): TwinKey => ({
  key,
  value: Buffer.from(value).toString("latin1"),
  createRevision,
  modRevision,
  version,
  lease,
});
