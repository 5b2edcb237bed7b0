/**
 * Who stays out, until when. Bans are by address, since nothing else about a peer can't be changed at will.
 *
 * In a cluster several pods may arrive from one address (a Service, a proxy). Peers that discovery names are therefore never kept out: a
 * misbehaving one is disconnected and dialled again later, with a delay that grows.
 */
export interface Ban {
  readonly address: string;
  readonly createdMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

const MOST_BANS = 10_000;

export class BanList {
  readonly #bans = new Map<string, Ban>();
  readonly #now: () => number;

  constructor(now: () => number, bans: readonly Ban[] = []) {
    this.#now = now;
    for (const ban of bans.slice(0, MOST_BANS)) this.#bans.set(ban.address, ban);
  }

  /** A longer ban stands. At the bound the oldest makes room. */
  add(address: string, durationMs: number, reason: string): void {
    const createdMs = this.#now();
    const untilMs = Math.max(createdMs + durationMs, this.#bans.get(address)?.untilMs ?? 0);
    this.#bans.delete(address);
    this.#bans.set(address, { address, createdMs, untilMs, reason });
    const [oldest] = this.#bans.keys();
    if (this.#bans.size > MOST_BANS && oldest !== undefined) this.#bans.delete(oldest);
  }

  remove(address: string): boolean {
    return this.#bans.delete(address);
  }

  clear(): void {
    this.#bans.clear();
  }

  isBanned(address: string): boolean {
    const ban = this.#bans.get(address);
    if (ban !== undefined && ban.untilMs <= this.#now()) this.#bans.delete(address);
    return this.#bans.has(address);
  }

  list(): readonly Ban[] {
    return [...this.#bans.values()].filter(({ untilMs }) => untilMs > this.#now());
  }
}
