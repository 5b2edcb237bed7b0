/**
 * Whom to ask for headers. Pure: the time comes in, the peer to ask comes out.
 *
 * Every peer is asked once after it connects, so that whichever knows the most work is found, and those who never answer keep nobody else
 * waiting. Of those that have more than one answer holds, one at a time is followed to the end of its chain, and the others then from
 * there, so that not each of them sends the whole chain. Nobody is blamed for having nothing new: on a quiet chain that is the normal
 * answer.
 */
export interface HeaderSyncTiming {
  /** For one answer. */
  readonly answerMs: number;
  /** After which a peer is asked again although it announced nothing: an announcement may have been lost in a partition. */
  readonly refreshMs: number;
}

export const HEADER_SYNC_TIMING: HeaderSyncTiming = { answerMs: 20_000, refreshMs: 30_000 };

export type HeaderSyncStep =
  | { readonly kind: "ask"; readonly peer: number }
  | { readonly kind: "too-slow"; readonly peer: number };

export class HeaderSync {
  readonly #timing: HeaderSyncTiming;
  /** Not asked yet. */
  readonly #fresh = new Set<number>();
  /** Asked, with the time of that. */
  readonly #asked = new Map<number, number>();
  /** Have more than they said, and wait for the one that is followed. */
  readonly #more = new Set<number>();
  /** Said all that they have, with the time of that. */
  readonly #done = new Map<number, number>();
  #followed: number | undefined;

  constructor(timing: HeaderSyncTiming = HEADER_SYNC_TIMING) {
    this.#timing = timing;
  }

  /** True once some peer was followed to its end and none is left to ask. */
  get isComplete(): boolean {
    return this.#fresh.size === 0 && this.#asked.size === 0 && this.#more.size === 0 && this.#done.size > 0;
  }

  add(peer: number): void {
    this.#fresh.add(peer);
  }

  remove(peer: number): void {
    this.#forget(peer);
    if (this.#followed === peer) this.#followed = undefined;
  }

  /** The peer sent headers; `goesOn` when it has more. Returns whether to ask it for them now. */
  answered(peer: number, goesOn: boolean, nowMs: number): boolean {
    this.#forget(peer);
    if (!goesOn) {
      this.#done.set(peer, nowMs);
      if (this.#followed === peer) this.#followed = undefined;
      return false;
    }
    this.#followed ??= peer;
    if (this.#followed === peer) this.#asked.set(peer, nowMs);
    else this.#more.add(peer);
    return this.#followed === peer;
  }

  /** What to do now; to be called again until undefined. */
  step(nowMs: number): HeaderSyncStep | undefined {
    const late = this.#late(nowMs);
    if (late !== undefined) {
      this.remove(late);
      this.#fresh.add(late);
      return { kind: "too-slow", peer: late };
    }
    const next = this.#next(nowMs);
    if (next === undefined) return undefined;
    if (this.#more.has(next)) this.#followed = next;
    this.#forget(next);
    this.#asked.set(next, nowMs);
    return { kind: "ask", peer: next };
  }

  /** The clock jumped or this process stood still: nobody is late. */
  forgive(nowMs: number): void {
    for (const peer of this.#asked.keys()) this.#asked.set(peer, nowMs);
  }

  #late(nowMs: number): number | undefined {
    for (const [peer, sinceMs] of this.#asked) if (nowMs - sinceMs >= this.#timing.answerMs) return peer;
    return undefined;
  }

  #next(nowMs: number): number | undefined {
    const [fresh] = this.#fresh;
    if (fresh !== undefined) return fresh;
    if (this.#followed === undefined && this.#more.size > 0) return this.#more.values().next().value;
    if (this.#followed !== undefined) return undefined;
    const [longest] = [...this.#done].sort(([, a], [, b]) => a - b);
    return longest !== undefined && nowMs - longest[1] >= this.#timing.refreshMs ? longest[0] : undefined;
  }

  #forget(peer: number): void {
    for (const peers of [this.#fresh, this.#asked, this.#more, this.#done]) peers.delete(peer);
  }
}
