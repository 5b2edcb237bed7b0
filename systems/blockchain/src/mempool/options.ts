import { type Logger, type PodClock, silentLogger, systemClock } from "@coracle/pod";
import type { Chain, ChainView } from "../chain/types.ts";
import { defaultPolicy } from "./policy/policy.ts";
import type { MempoolPolicy } from "./types.ts";
import type { ScriptVerifier } from "./verify.ts";

export interface MempoolOptions {
  readonly chain: MempoolChain;
  /** Where the pool waits while the node does not run; without, it is forgotten. */
  readonly dir?: string;
  readonly policy?: Partial<MempoolPolicy>;
  readonly logger?: Logger;
  readonly clock?: Pick<PodClock, "wallMs">;
  /** Checks scripts: `scriptVerifier(verifier)`. */
  readonly scripts: ScriptVerifier;
}

/** What the pool asks of the chain. */
export type MempoolChain = ChainView & Pick<Chain, "subscribe" | "onSettled">;

export type ResolvedMempoolOptions = Required<Omit<MempoolOptions, "dir" | "policy">> & {
  readonly dir: string | undefined;
  readonly policy: MempoolPolicy;
};

export const resolve = (options: MempoolOptions): ResolvedMempoolOptions => ({
  chain: options.chain,
  dir: options.dir,
  policy: { ...defaultPolicy, ...options.policy },
  logger: options.logger ?? silentLogger,
  clock: options.clock ?? systemClock,
  scripts: options.scripts,
});
