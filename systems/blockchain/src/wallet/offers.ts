/**
 * Offers payments of ours that are in neither a block nor the mempool to the mempool again: at the start, after a reorganisation, and every
 * ten minutes at a new block, when a mempool that was full may have room.
 */
import type { Ledger } from "./ledger/ledger.ts";
import type { ChainEvent, WalletChain, WalletPool } from "./ports.ts";

const EVERY_MS = 10 * 60_000;

export interface OffersOptions {
  readonly chain: Pick<WalletChain, "subscribe">;
  readonly pool: Pick<WalletPool, "submit">;
  readonly now: () => number;
  readonly ledger: () => Ledger;
}

export class Offers {
  readonly #options: OffersOptions;
  #offeredMs = 0;
  /** Highest block that a reorganisation took and that no other has replaced yet. */
  #lostHeight: number | undefined;
  #stop: (() => void) | undefined;

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  /** Resolves after the first round. */
  async start(): Promise<void> {
    await this.#offer();
    this.#stop = this.#options.chain.subscribe((event) => this.#onEvent(event));
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #onEvent({ kind, height }: ChainEvent): void {
    if (kind === "disconnected") {
      this.#lostHeight = Math.max(this.#lostHeight ?? 0, height);
      return;
    }
    const isReplaced = this.#lostHeight !== undefined && height >= this.#lostHeight;
    if (!isReplaced && this.#options.now() - this.#offeredMs < EVERY_MS) return;
    this.#lostHeight = undefined;
    // Now, so that the blocks until the round begins begin none of their own.
    this.#offeredMs = this.#options.now();
    // After the mempool has looked at the block, which it may do after us.
    setImmediate(() => void (this.#stop && this.#offer()));
  }

  async #offer(): Promise<void> {
    const { ledger: current, pool, now } = this.#options;
    const ledger = current();
    this.#offeredMs = now();
    let [taken, refused] = [0, 0];
    for (const row of [...ledger.rows()]) {
      if (!row.transaction || ledger.state(row) !== "inactive" || ledger.debitOf(row).value === 0) continue;
      // Refused, it stays what it is: a person may abandon it.
      const isTaken = await pool.submit(row.transaction).then(isTrue, isFalse);
      if (isTaken) taken++;
      else refused++;
    }
    // A line of payments can be longer than a mempool takes at once: the next block makes room for more of it.
    if (taken > 0 && refused > 0) this.#offeredMs = 0;
  }
}

const isTrue = (): boolean => true;
const isFalse = (): boolean => false;
