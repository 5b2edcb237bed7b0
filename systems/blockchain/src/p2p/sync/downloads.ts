/**
 * Which peer to ask for which block. Pure.
 *
 * A window of the next missing blocks is spread over all peers that have them, a few per peer, so that the slowest does not set the pace.
 * A peer is late when it delivers nothing of what it owes for a while; its blocks then go to others. The time runs from its last delivery,
 * since it sends them one after the other, and only while it owes something: nobody is late at the tip.
 */
export interface DownloadTiming {
  readonly perPeer: number;
  readonly stallMs: number;
  /** Times that a peer may be late before it is let go. */
  readonly patience: number;
}

export const DOWNLOAD_TIMING: DownloadTiming = { perPeer: 16, stallMs: 15_000, patience: 2 };

/** How many blocks beyond the tip are asked for at most: what waits for a missing one is kept on disk. */
export const DOWNLOAD_WINDOW = 1024;

export interface Wanted {
  /** The block's hash as a key. */
  readonly key: string;
  readonly height: number;
}

export interface Source {
  readonly peer: number;
  has(wanted: Wanted): boolean;
}

interface Debt {
  readonly keys: Set<string>;
  sinceMs: number;
  strikes: number;
}

export interface Late {
  readonly peer: number;
  readonly keys: readonly string[];
  /** It has been late too often. */
  readonly isGivenUp: boolean;
}

export class BlockDownloads {
  readonly #timing: DownloadTiming;
  readonly #peerOf = new Map<string, number>();
  readonly #debts = new Map<number, Debt>();

  constructor(timing: DownloadTiming = DOWNLOAD_TIMING) {
    this.#timing = timing;
  }

  get inFlight(): number {
    return this.#peerOf.size;
  }

  isAsked(key: string): boolean {
    return this.#peerOf.has(key);
  }

  /** Whether the peer owes so little that it is worth while to look for more. */
  isHungry(peer: number): boolean {
    return (this.#debts.get(peer)?.keys.size ?? 0) <= this.#timing.perPeer / 2;
  }

  inFlightOf(peer: number): readonly string[] {
    return [...(this.#debts.get(peer)?.keys ?? [])];
  }

  /** What to ask of whom; it counts as asked from now on. Each block goes to the source that owes least. */
  plan(wanted: readonly Wanted[], sources: readonly Source[], nowMs: number): ReadonlyMap<number, readonly Wanted[]> {
    const plan = new Map<number, Wanted[]>();
    if (sources.length === 0) return plan;
    for (const block of wanted) {
      if (this.#peerOf.has(block.key)) continue;
      const source = this.#leastBusy(sources, block);
      if (source === undefined) continue;
      this.#ask(source.peer, block.key, nowMs);
      const blocks = plan.get(source.peer);
      if (blocks) blocks.push(block);
      else plan.set(source.peer, [block]);
    }
    return plan;
  }

  /** The peer is to send the block by other means than the plan's. False when another owes it already. */
  claim(key: string, peer: number, nowMs: number): boolean {
    if (!this.#peerOf.has(key)) this.#ask(peer, key, nowMs);
    return this.#peerOf.get(key) === peer;
  }

  /** A block came, asked for or not. */
  received(key: string, peer: number, nowMs: number): void {
    const debtor = this.#peerOf.get(key);
    this.#peerOf.delete(key);
    if (debtor !== undefined) this.#debts.get(debtor)?.keys.delete(key);
    const debt = this.#debts.get(peer);
    if (debt === undefined || debtor !== peer) return;
    debt.sinceMs = nowMs;
    debt.strikes = 0;
  }

  /** The peer says that it does not have it. */
  refused(key: string, peer: number): void {
    if (this.#peerOf.get(key) !== peer) return;
    this.#peerOf.delete(key);
    this.#debts.get(peer)?.keys.delete(key);
  }

  remove(peer: number): void {
    for (const key of this.#debts.get(peer)?.keys ?? []) this.#peerOf.delete(key);
    this.#debts.delete(peer);
  }

  /** Those who are late; what they owe is free for others from now on. */
  late(nowMs: number): readonly Late[] {
    const late: Late[] = [];
    for (const [peer, debt] of this.#debts) {
      if (debt.keys.size === 0 || nowMs - debt.sinceMs < this.#timing.stallMs) continue;
      debt.strikes++;
      late.push({ peer, keys: [...debt.keys], isGivenUp: debt.strikes >= this.#timing.patience });
      for (const key of debt.keys) this.#peerOf.delete(key);
      debt.keys.clear();
    }
    return late;
  }

  /** The clock jumped or this process stood still: nobody is late. */
  forgive(nowMs: number): void {
    for (const debt of this.#debts.values()) debt.sinceMs = nowMs;
  }

  #leastBusy(sources: readonly Source[], block: Wanted): Source | undefined {
    let best: Source | undefined;
    let least = this.#timing.perPeer;
    for (const source of sources) {
      const owed = this.#debts.get(source.peer)?.keys.size ?? 0;
      const strikes = this.#debts.get(source.peer)?.strikes ?? 0;
      // Who was late before gets a block only when nobody else has room.
      const load = strikes > 0 ? Math.max(owed, this.#timing.perPeer - 1) : owed;
      if (load >= least || owed >= this.#timing.perPeer || !source.has(block)) continue;
      best = source;
      least = load;
    }
    return best;
  }

  #ask(peer: number, key: string, nowMs: number): void {
    this.#peerOf.set(key, peer);
    const debt = this.#debts.get(peer) ?? { keys: new Set<string>(), sinceMs: nowMs, strikes: 0 };
    if (debt.keys.size === 0) debt.sinceMs = nowMs;
    debt.keys.add(key);
    this.#debts.set(peer, debt);
  }
}
