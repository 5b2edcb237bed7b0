import { type Logger, type PodClock, silentLogger, systemClock } from "@coracle/pod";
import type { Chain } from "../chain/types.ts";
import type { Mempool } from "../mempool/types.ts";
import type { MiningPolicy } from "./types.ts";

export interface MinerOptions {
  readonly chain: Chain;
  readonly mempool: Mempool;
  /** What blocks pay; the background miner waits until there is one. */
  readonly script?: Buffer;
  /** Threads; 1, so that a laptop stays usable. */
  readonly workers?: number;
  /** Of each thread's time, 0 to 1; a quarter. */
  readonly cpuShare?: number;
  /** `always` unless given. */
  readonly policy?: MiningPolicy;
  /**
   * Whether blocks of others are on their way, for which the background miner waits. Default: while a better header is known. Who knows the
   * peers says better: headers whose blocks nobody hands out must not stop a miner for good.
   */
  readonly isSyncing?: () => boolean;
  readonly logger?: Logger;
  readonly clock?: MinerClock;
}

export type MinerClock = Pick<PodClock, "now" | "wallMs" | "after">;

export type ResolvedMinerOptions = Required<Omit<MinerOptions, "script">>;

export const resolve = (options: MinerOptions): ResolvedMinerOptions => ({
  chain: options.chain,
  mempool: options.mempool,
  workers: options.workers ?? 1,
  cpuShare: Math.max(0.01, Math.min(options.cpuShare ?? 0.25, 1)),
  policy: options.policy ?? { kind: "always" },
  isSyncing: options.isSyncing ?? (() => options.chain.bestHeader.work > options.chain.tip.work),
  logger: options.logger ?? silentLogger,
  clock: options.clock ?? systemClock,
});
