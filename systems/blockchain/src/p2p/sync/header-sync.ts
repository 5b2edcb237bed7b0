/**
 * Whom to ask for headers. Pure: the time comes in, the peer to ask comes out.
 *
 * One peer at a time is followed from our best header to the end of its chain; then the next that was not yet asked. So every peer is
 * asked once after it connects, and whichever knows the most work is found, without each of them sending the whole chain. A peer that does
 * not answer in time makes room for the next. Nobody is blamed for having nothing new: on a quiet chain that is the normal answer.
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
  /** In the order in which they are to be asked. */
  readonly #waiting = new Set<number>();
  /** Asked to the end, with the time of that. */
  readonly #done = new Map<number, number>();
  #current: { readonly peer: number; readonly sinceMs: number } | undefined;

  constructor(timing: HeaderSyncTiming = HEADER_SYNC_TIMING) {
    this.#timing = timing;
  }

  /** The peer that is being followed. */
  get current(): number | undefined {
    return this.#current?.peer;
  }

  /** True once some peer was followed to its end and none is left to ask. */
  get isComplete(): boolean {
    return this.#current === undefined && this.#waiting.size === 0 && this.#done.size > 0;
  }

  add(peer: number): void {
    this.#waiting.add(peer);
  }

  remove(peer: number): void {
    this.#waiting.delete(peer);
    this.#done.delete(peer);
    if (this.#current?.peer === peer) this.#current = undefined;
  }

  /** The peer answered; `goesOn` when it has more, so that it is asked again at once. */
  answered(peer: number, goesOn: boolean, nowMs: number): void {
    if (this.#current?.peer !== peer) return;
    if (goesOn) {
      this.#current = { peer, sinceMs: nowMs };
      return;
    }
    this.#current = undefined;
    this.#done.set(peer, nowMs);
  }

  /** What to do now; to be called again until undefined. */
  step(nowMs: number): HeaderSyncStep | undefined {
    if (this.#current !== undefined) return this.#timeOut(this.#current, nowMs);
    const peer = this.#next(nowMs);
    if (peer === undefined) return undefined;
    this.#waiting.delete(peer);
    this.#done.delete(peer);
    this.#current = { peer, sinceMs: nowMs };
    return { kind: "ask", peer };
  }

  /** The clock jumped or this process stood still: nobody is late. */
  forgive(nowMs: number): void {
    if (this.#current !== undefined) this.#current = { ...this.#current, sinceMs: nowMs };
  }

  #timeOut({ peer, sinceMs }: { peer: number; sinceMs: number }, nowMs: number): HeaderSyncStep | undefined {
    if (nowMs - sinceMs < this.#timing.answerMs) return undefined;
    this.#current = undefined;
    this.#waiting.add(peer);
    return { kind: "too-slow", peer };
  }

  #next(nowMs: number): number | undefined {
    const [waiting] = this.#waiting;
    if (waiting !== undefined) return waiting;
    const [longest] = [...this.#done].sort(([, a], [, b]) => a - b);
    return longest !== undefined && nowMs - longest[1] >= this.#timing.refreshMs ? longest[0] : undefined;
  }
}
