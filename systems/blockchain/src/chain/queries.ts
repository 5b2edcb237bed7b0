/** Reads over the indexes: pages, so that an address with a million coins costs no more than one with ten. */
import { createHash } from "node:crypto";
import { BlockchainError } from "../errors.ts";
import { sha256 } from "../primitives/hash.ts";
import type { IndexOptions } from "./blocks/index-rows.ts";
import { muHashDigest, muHashElement, muHashProduct } from "./muhash.ts";
import { decodeCoin } from "./store/coins.ts";
import type { Database, Range } from "./store/database.ts";
import { endOf, historyPlace, outpointAtEnd, scriptName, summaryKey, TABLES } from "./store/keys.ts";
import { decodeSummary } from "./store/records.ts";
import type {
  ChainEntry,
  Coin,
  CoinItem,
  CoinSetHash,
  CoinStats,
  HistoryItem,
  Page,
  PageOptions,
  ScriptSummary,
} from "./types.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
const CURSOR = /^(?:[0-9a-f]{2}){1,80}$/;

export class ScriptQueries {
  readonly #database: Database;
  readonly #indexes: IndexOptions;

  constructor(database: Database, indexes: IndexOptions) {
    this.#database = database;
    this.#indexes = indexes;
  }

  summary(script: Buffer): ScriptSummary {
    this.#require();
    return decodeSummary(this.#database.getSync(summaryKey(scriptName(script))));
  }

  async history(script: Buffer, options: PageOptions = {}): Promise<Page<HistoryItem>> {
    const prefix = Buffer.concat([TABLES.history, scriptName(script)]);
    const { rows, cursor } = await this.#page(prefix, options);
    return { items: rows.map(([key, txid]) => ({ txid, ...historyPlace(key) })), cursor };
  }

  /** Coins spent between the reading of the list and of the coins are left out. */
  async coins(script: Buffer, options: PageOptions = {}): Promise<Page<CoinItem>> {
    const prefix = Buffer.concat([TABLES.scriptCoins, scriptName(script)]);
    const { rows, cursor } = await this.#page(prefix, { ...options, reverse: false });
    const keys = rows.map(([key]) => Buffer.concat([TABLES.coins, key.subarray(prefix.length)]));
    const stored = await this.#database.getMany(keys);
    const items = rows.flatMap(([key], i) => {
      const bytes = stored[i];
      return bytes ? [{ outpoint: outpointAtEnd(key), coin: decodeCoin(bytes) }] : [];
    });
    return { items, cursor };
  }

  async #page(prefix: Buffer, { limit = DEFAULT_LIMIT, reverse = false, cursor }: PageOptions) {
    this.#require();
    const count = Math.max(1, Math.min(limit, MAX_LIMIT));
    const range = within(prefix, cursor, reverse);
    const rows: (readonly [Buffer, Buffer])[] = [];
    // One more than asked for tells whether there is another page.
    for await (const batch of this.#database.scan({ ...range, reverse, limit: count + 1 })) rows.push(...batch);
    const isLast = rows.length <= count;
    const shown = isLast ? rows : rows.slice(0, count);
    return { rows: shown, cursor: isLast ? undefined : shown.at(-1)?.[0].subarray(prefix.length).toString("hex") };
  }

  #require(): void {
    if (this.#indexes.scripts) return;
    throw new BlockchainError("no-index", "This node keeps no index of scripts, so it can't list what an address has.");
  }
}

/** The part of a table that a page starts in. */
function within(prefix: Buffer, cursor: string | undefined, reverse: boolean): Range {
  const whole = { gte: prefix, lt: endOf(prefix) };
  if (cursor === undefined) return whole;
  if (!CURSOR.test(cursor))
    throw new BlockchainError("bad-cursor", "The cursor of the page is none that was given out.");
  const at = Buffer.concat([prefix, Buffer.from(cursor, "hex")]);
  return reverse ? { ...whole, lt: at } : { ...whole, gte: Buffer.concat([at, Buffer.from([0])]) };
}

interface SetHash {
  add(coin: Buffer): void;
  digest(): Buffer | undefined;
}

const setHashes: Readonly<Record<CoinSetHash, () => SetHash>> = {
  none: () => ({ add: () => undefined, digest: () => undefined }),
  hash_serialized_3: () => {
    const hasher = createHash("sha256");
    return { add: (coin) => void hasher.update(coin), digest: () => sha256(hasher.digest()) };
  },
  muhash: () => {
    let product = 1n;
    return {
      add: (coin) => {
        product = muHashProduct(product, muHashElement(coin));
      },
      digest: () => muHashDigest(product),
    };
  },
};

/** The whole set at one moment: `coins` is a scan begun when `entry` was the tip. */
export async function countCoins(
  entry: ChainEntry,
  coins: ReturnType<Database["scan"]>,
  kind: CoinSetHash,
): Promise<CoinStats> {
  const hash = setHashes[kind]();
  const total = { coinCount: 0, transactionCount: 0, totalAmount: 0, sizeBytes: 0 };
  let last: Buffer | undefined;
  for await (const batch of coins) {
    for (const [key, value] of batch) {
      const outpoint = outpointAtEnd(key);
      const coin = decodeCoin(value);
      hash.add(serialized(outpoint, coin));
      total.coinCount++;
      total.totalAmount += coin.value;
      total.sizeBytes += key.length + value.length;
      if (!last?.equals(outpoint.hash)) total.transactionCount++;
      last = outpoint.hash;
    }
  }
  return { entry, ...total, hash: hash.digest() };
}

/** A coin as Bitcoin Core hashes it. */
function serialized({ hash, index }: { readonly hash: Buffer; readonly index: number }, coin: Coin): Buffer {
  const { length } = coin.script;
  const prefix = length < 0xfd ? 1 : 3;
  const bytes = Buffer.allocUnsafe(48 + prefix + length);
  hash.copy(bytes);
  bytes.writeUInt32LE(index, 32);
  bytes.writeUInt32LE(coin.height * 2 + (coin.isCoinbase ? 1 : 0), 36);
  bytes.writeBigInt64LE(BigInt(coin.value), 40);
  if (prefix === 1) bytes[48] = length;
  else {
    bytes[48] = 0xfd;
    bytes.writeUInt16LE(length, 49);
  }
  coin.script.copy(bytes, 48 + prefix);
  return bytes;
}
