/**
 * When leases run out. Every member keeps a deadline for each lease, set when it applies the grant or a renewal, so that a new leader goes on where the
 * last one was; only the leader acts on them, by proposing. A deadline is never early: members apply a renewal after it was made, time without any leader,
 * in which nobody could renew, is added, and the proposal names the renewals that it knows of, so that one logged first wins. Clocks are monotonic.
 */
import type { Lease } from "../store/leases.ts";

export interface LeaseClockOptions {
  readonly nowMs: () => number;
  readonly isLeader: () => boolean;
  readonly hasLeader: () => boolean;
  readonly find: (id: bigint) => Lease | undefined;
  readonly expire: (leases: readonly { readonly id: bigint; readonly renewals: number }[]) => Promise<unknown>;
}

const mostAtOnce = 1000;

export class LeaseClock {
  private readonly deadlines = new Map<bigint, number>();
  private readonly options: LeaseClockOptions;
  private leaderSeenMs: number;
  private isExpiring = false;

  constructor(options: LeaseClockOptions) {
    this.options = options;
    this.leaderSeenMs = options.nowMs();
  }

  restart({ id, ttl }: Lease): void {
    this.deadlines.set(id, this.options.nowMs() + ttl * 1000);
  }

  forget(id: bigint): void {
    this.deadlines.delete(id);
  }

  /** After the state was replaced: full time for all. */
  reset(leases: Iterable<Lease>): void {
    this.deadlines.clear();
    for (const lease of leases) this.restart(lease);
  }

  /** Whole seconds; 0 when it is over and about to be revoked. */
  remaining(id: bigint): number {
    const deadline = this.deadlines.get(id) ?? 0;
    return Math.max(0, Math.floor((deadline - this.options.nowMs()) / 1000));
  }

  /** To be called a few times a second. */
  tick(): void {
    const now = this.options.nowMs();
    if (!this.options.hasLeader()) return;
    this.addLeaderless(now);
    if (!this.options.isLeader() || this.isExpiring) return;
    const over = this.overdue(now);
    if (over.length === 0) return;
    this.isExpiring = true;
    this.options
      .expire(over)
      // Refused or undecided: they are still overdue at the next tick.
      .catch(() => undefined)
      .finally(() => {
        this.isExpiring = false;
      });
  }

  private addLeaderless(now: number): void {
    const lost = now - this.leaderSeenMs;
    this.leaderSeenMs = now;
    if (lost < 1000) return;
    for (const [id, deadline] of this.deadlines) this.deadlines.set(id, deadline + lost);
  }

  private overdue(now: number): { id: bigint; renewals: number }[] {
    const over: { id: bigint; renewals: number }[] = [];
    for (const [id, deadline] of this.deadlines) {
      if (deadline > now) continue;
      const lease = this.options.find(id);
      if (lease !== undefined) over.push({ id, renewals: lease.renewals });
      if (over.length >= mostAtOnce) break;
    }
    return over;
  }
}
