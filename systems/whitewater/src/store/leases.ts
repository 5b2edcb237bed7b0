/** Leases as the log knows them: no clock here. When one has run out is the leader's judgement, which it proposes. */

/** In seconds, as etcd's: 285 years. */
export const largestTtl = 9_000_000_000;

export interface Lease {
  readonly id: bigint;
  readonly ttl: number;
  /** How often it was renewed: a proposal to expire it names this, so that a renewal that was logged first wins. */
  renewals: number;
  readonly keys: Set<string>;
}

export class Leases {
  private readonly byId = new Map<bigint, Lease>();

  get size(): number {
    return this.byId.size;
  }

  get(id: bigint): Lease | undefined {
    return this.byId.get(id);
  }

  all(): IterableIterator<Lease> {
    return this.byId.values();
  }

  grant(id: bigint, ttl: number, renewals = 0): Lease {
    const lease = { id, ttl, renewals, keys: new Set<string>() };
    this.byId.set(id, lease);
    return lease;
  }

  remove(id: bigint): void {
    this.byId.delete(id);
  }

  /** The key moves from one lease to another; 0n is none. */
  move(key: string, from: bigint, to: bigint): void {
    if (from === to) return;
    if (from !== 0n) this.byId.get(from)?.keys.delete(key);
    if (to !== 0n) this.byId.get(to)?.keys.add(key);
  }
}
