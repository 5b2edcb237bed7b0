/** Transactions whose scripts are known to be valid, so that what the mempool checked isn't checked again in a block. */
import { hashKey } from "../primitives/hash.ts";
import { type Transaction, wtxid } from "../primitives/transaction.ts";

/**
 * By the hash that covers witnesses too; what is spent is covered by the ids in the inputs. Flags only ever forbid more, so what passed
 * with some has passed with fewer. When full, the oldest goes.
 */
export class ScriptCache {
  readonly #maxEntries: number;
  readonly #flags = new Map<string, number>();

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  has(tx: Transaction, flags: number): boolean {
    const known = this.#flags.get(hashKey(wtxid(tx)));
    return known !== undefined && (known & flags) === flags;
  }

  add(tx: Transaction, flags: number): void {
    if (this.#maxEntries === 0) return;
    const key = hashKey(wtxid(tx));
    this.#flags.delete(key);
    this.#flags.set(key, flags);
    if (this.#flags.size > this.#maxEntries) this.#flags.delete(this.#flags.keys().next().value as string);
  }
}
