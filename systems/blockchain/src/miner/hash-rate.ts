/** Hashes per second over the last minute. */
const WINDOW_MS = 60_000;
const STEP_MS = 1_000;

export class HashRate {
  /** Totals at moments at least a second apart, oldest first: at most a minute's worth, and one older. */
  #samples: { readonly at: number; readonly total: number }[] = [];

  record(total: number, now: number): void {
    const last = this.#samples.at(-1);
    if (last && now - last.at < STEP_MS) return;
    this.#samples.push({ at: now, total });
    while ((this.#samples[1]?.at ?? now) < now - WINDOW_MS) this.#samples.shift();
  }

  perSecond(total: number, now: number): number {
    const first = this.#samples[0];
    return first && now > first.at ? ((total - first.total) * 1000) / (now - first.at) : 0;
  }
}
