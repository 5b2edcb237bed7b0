/**
 * The unspent outputs at the tip: LevelDB, and in front of it the coins that were made or read lately. Written through, so that a block is one
 * batch and nothing is lost with the process.
 *
 * A reader must never see the coins of one tip with another. Between the moment in which LevelDB has a batch and the moment in which this
 * process hears of it, readers are answered from `#held`: how the coins of that batch were before.
 */
import { type OutPoint, outPointKey } from "../../primitives/transaction.ts";
import { decodeCoin, encodeCoin } from "../store/coins.ts";
import type { Database, Operation } from "../store/database.ts";
import { coinKey } from "../store/keys.ts";
import type { Coin } from "../types.ts";
import type { CoinChange } from "./changes.ts";

/** What a coin takes in memory beside its script: objects, buffer header, key, map. */
const COIN_OVERHEAD_BYTES = 320;

export class CoinSet {
  readonly #database: Database;
  readonly #maxBytes: number;
  /** In order of arrival: the oldest leaves first when there is no room. */
  readonly #recent = new Map<string, Coin>();
  /** Goes on where it stopped: a new one would pass over all that has left since the map was last packed, again and again. */
  #oldest = this.#recent.keys();
  #sizeBytes = 0;
  #held: ReadonlyMap<string, CoinChange> | undefined;

  constructor(database: Database, maxBytes: number) {
    this.#database = database;
    this.#maxBytes = maxBytes;
  }

  get cachedCount(): number {
    return this.#recent.size;
  }

  get cachedBytes(): number {
    return this.#sizeBytes;
  }

  get(outpoint: OutPoint): Coin | undefined {
    const key = outPointKey(outpoint);
    const held = this.#held?.get(key);
    if (held) return held.before;
    const recent = this.#recent.get(key);
    if (recent) return recent;
    const stored = this.#database.getSync(coinKey(key));
    return stored && this.#keep(key, decodeCoin(stored));
  }

  /** Many at once, off the main thread; keys of `outPointKey`. Those that do not exist are left out. Not while a batch is being written. */
  async load(keys: readonly string[]): Promise<Map<string, Coin>> {
    const found = new Map<string, Coin>();
    const missing: string[] = [];
    for (const key of keys) {
      const recent = this.#recent.get(key);
      if (recent) found.set(key, recent);
      else missing.push(key);
    }
    if (missing.length === 0) return found;
    const stored = await this.#database.getMany(missing.map(coinKey));
    for (const [i, bytes] of stored.entries()) if (bytes) found.set(missing[i]!, decodeCoin(bytes));
    return found;
  }

  /**
   * Writes a batch that holds `operationsOf(changes)`. Readers see the changes from the moment in which `done` is called, which moves the
   * tip: both in one go.
   */
  async commit(changes: ReadonlyMap<string, CoinChange>, write: () => Promise<void>, done: () => void): Promise<void> {
    this.#held = changes;
    try {
      await write();
    } catch (error) {
      this.#held = undefined;
      throw error;
    }
    for (const [key, { after }] of changes) {
      this.#drop(key);
      if (after) this.#keep(key, after);
    }
    this.#held = undefined;
    done();
  }

  #keep(key: string, coin: Coin): Coin {
    this.#recent.set(key, coin);
    this.#sizeBytes += COIN_OVERHEAD_BYTES + coin.script.length;
    while (this.#sizeBytes > this.#maxBytes) this.#dropOldest();
    return coin;
  }

  #dropOldest(): void {
    const next = this.#oldest.next();
    if (next.done) this.#oldest = this.#recent.keys();
    else this.#drop(next.value);
  }

  #drop(key: string): void {
    const coin = this.#recent.get(key);
    if (!coin) return;
    this.#recent.delete(key);
    this.#sizeBytes -= COIN_OVERHEAD_BYTES + coin.script.length;
  }
}

export function* operationsOf(changes: ReadonlyMap<string, CoinChange>): Generator<Operation> {
  for (const [outpoint, { after }] of changes) {
    const key = coinKey(outpoint);
    yield after ? { type: "put", key, value: encodeCoin(after) } : { type: "del", key };
  }
}
