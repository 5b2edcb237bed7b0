/**
 * Which peer to ask for which announced transaction. Pure.
 *
 * A transaction is asked of one peer at a time. When that peer does not deliver in time, the next that announced it is asked, so that
 * nobody can hold back a payment by announcing it first.
 */
export interface RequestTiming {
  readonly answerMs: number;
  /** Announcements remembered per peer; what is beyond is not asked for. */
  readonly perPeer: number;
  /** Peers remembered per transaction. */
  readonly perTransaction: number;
}

export const REQUEST_TIMING: RequestTiming = { answerMs: 30_000, perPeer: 5000, perTransaction: 8 };

export interface Announced {
  readonly key: string;
  readonly type: number;
  readonly hash: Buffer;
}

interface Tracked {
  readonly item: Announced;
  readonly candidates: number[];
  asked: { readonly peer: number; readonly sinceMs: number } | undefined;
}

export class TransactionRequests {
  readonly #timing: RequestTiming;
  readonly #tracked = new Map<string, Tracked>();
  readonly #countOf = new Map<number, number>();

  constructor(timing: RequestTiming = REQUEST_TIMING) {
    this.#timing = timing;
  }

  get size(): number {
    return this.#tracked.size;
  }

  /** False when the announcement is over a bound and forgotten. */
  announced(item: Announced, peer: number): boolean {
    const count = this.#countOf.get(peer) ?? 0;
    if (count >= this.#timing.perPeer) return false;
    const tracked = this.#tracked.get(item.key) ?? { item, candidates: [], asked: undefined };
    const isFull = tracked.candidates.length >= this.#timing.perTransaction;
    if (isFull || tracked.candidates.includes(peer) || tracked.asked?.peer === peer) return false;
    tracked.candidates.push(peer);
    this.#tracked.set(item.key, tracked);
    this.#countOf.set(peer, count + 1);
    return true;
  }

  /** What to ask of whom now. */
  plan(nowMs: number): ReadonlyMap<number, readonly Announced[]> {
    const plan = new Map<number, Announced[]>();
    for (const [key, tracked] of this.#tracked) {
      if (tracked.asked !== undefined && nowMs - tracked.asked.sinceMs < this.#timing.answerMs) continue;
      this.#release(tracked);
      const peer = tracked.candidates.shift();
      if (peer === undefined) {
        this.#tracked.delete(key);
        continue;
      }
      tracked.asked = { peer, sinceMs: nowMs };
      const items = plan.get(peer);
      if (items) items.push(tracked.item);
      else plan.set(peer, [tracked.item]);
    }
    return plan;
  }

  /** It came, or is known by another way, or is not wanted any more. */
  settled(key: string): void {
    const tracked = this.#tracked.get(key);
    if (tracked === undefined) return;
    this.#release(tracked);
    for (const peer of tracked.candidates) this.#count(peer, -1);
    this.#tracked.delete(key);
  }

  /** The peer does not have it: the next one is asked at the next plan. */
  refused(key: string, peer: number): void {
    const tracked = this.#tracked.get(key);
    if (tracked?.asked?.peer === peer) this.#release(tracked);
  }

  remove(peer: number): void {
    for (const tracked of this.#tracked.values()) {
      const at = tracked.candidates.indexOf(peer);
      if (at >= 0) tracked.candidates.splice(at, 1);
      if (tracked.asked?.peer === peer) tracked.asked = undefined;
    }
    this.#countOf.delete(peer);
  }

  #release(tracked: Tracked): void {
    if (tracked.asked !== undefined) this.#count(tracked.asked.peer, -1);
    tracked.asked = undefined;
  }

  #count(peer: number, change: number): void {
    const count = (this.#countOf.get(peer) ?? 0) + change;
    if (count > 0) this.#countOf.set(peer, count);
    else this.#countOf.delete(peer);
  }
}
