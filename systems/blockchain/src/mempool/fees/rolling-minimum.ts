/**
 * What a full pool asks for. After an eviction new transactions must pay more than what was thrown out, or the same bytes would come and go
 * for ever; once a block has made room the demand halves every twelve hours, faster the emptier the pool is (Bitcoin Core's rule).
 */
const HALF_LIFE_SECONDS = 12 * 3600;
/** Between two reckonings. */
const STEP_SECONDS = 10;

export class RollingMinimum {
  readonly #incrementalRate: number;
  #rate = 0;
  #updated = 0;
  #blockSinceBump = true;

  constructor(incrementalRate: number) {
    this.#incrementalRate = incrementalRate;
  }

  /** An entry of this rate had to go. */
  evicted(rate: number, now: number): void {
    const needed = rate + this.#incrementalRate;
    if (needed <= this.#rate) return;
    this.#rate = needed;
    this.#updated = now;
    this.#blockSinceBump = false;
  }

  blockConnected(now: number): void {
    if (!this.#blockSinceBump) this.#updated = now;
    this.#blockSinceBump = true;
  }

  /** Satoshis per 1000 virtual bytes; 0 while there is room. `fill` is how full the pool is, 0 to 1. */
  rate(fill: number, now: number): number {
    if (this.#blockSinceBump && this.#rate > 0 && now >= this.#updated + STEP_SECONDS) {
      const halfLife = fill < 1 / 4 ? HALF_LIFE_SECONDS / 4 : fill < 1 / 2 ? HALF_LIFE_SECONDS / 2 : HALF_LIFE_SECONDS;
      this.#rate /= 2 ** ((now - this.#updated) / halfLife);
      this.#updated = now;
      if (this.#rate < this.#incrementalRate / 2) this.#rate = 0;
    }
    return this.#rate === 0 ? 0 : Math.max(Math.round(this.#rate), this.#incrementalRate);
  }
}
