import { type Logger, type PodClock, silentLogger, systemClock } from "@coracle/pod";
import type { Network } from "../consensus/params.ts";
import type { IndexOptions } from "./blocks/index-rows.ts";
import type { Rules } from "./rules.ts";
import type { Database } from "./store/database.ts";

export interface ChainOptions {
  /** The database's own folder; made if it isn't there. */
  readonly dir: string;
  readonly network: Network;
  /** What makes a block valid; see `consensusRules`. */
  readonly rules: Rules;
  readonly logger?: Logger;
  readonly clock?: ChainClock;
  /** Memory for coins; 64 MiB. */
  readonly coinCacheBytes?: number;
  /** Memory for LevelDB's own cache; 16 MiB. */
  readonly databaseCacheBytes?: number;
  /** Room kept free on the disk: LevelDB needs some even to remove things. 64 MiB. */
  readonly diskReserveBytes?: number;
  readonly indexes?: Partial<IndexOptions>;
  /** Headers off the active branch that are kept; 200,000, some 50 MB. */
  readonly maxSideHeaders?: number;
  /** How far headers may be ahead of the active branch; 500,000, some 125 MB. */
  readonly maxHeadersAhead?: number;
  /** Another way to open the database: tests make it fail. */
  readonly open?: () => Promise<Database>;
}

/** `wallMs` judges the time in headers. */
export type ChainClock = Pick<PodClock, "wallMs" | "after">;

export type ResolvedOptions = Required<Omit<ChainOptions, "open" | "indexes">> & { readonly indexes: IndexOptions };

const MIB = 2 ** 20;

export const resolve = (options: ChainOptions): ResolvedOptions => ({
  dir: options.dir,
  network: options.network,
  rules: options.rules,
  logger: options.logger ?? silentLogger,
  clock: options.clock ?? systemClock,
  coinCacheBytes: options.coinCacheBytes ?? 64 * MIB,
  databaseCacheBytes: options.databaseCacheBytes ?? 16 * MIB,
  diskReserveBytes: options.diskReserveBytes ?? 64 * MIB,
  indexes: { transactions: options.indexes?.transactions ?? true, scripts: options.indexes?.scripts ?? true },
  maxSideHeaders: options.maxSideHeaders ?? 200_000,
  maxHeadersAhead: options.maxHeadersAhead ?? 500_000,
});
