/** Whether this node should get traffic, and whether a restart would help it. */
import type { HealthCheck } from "@coracle/pod";
import type { Chain } from "../chain/types.ts";
import type { Network } from "../p2p/types.ts";

/**
 * Ready: the chain works and no peer is known to be ahead. The age of the tip says nothing: on a private chain that nobody mines on, the
 * last block may be a month old and all is well.
 */
export const readiness =
  (chain: Pick<Chain, "state" | "tip" | "bestHeader">, network: Pick<Network, "isSyncing">): HealthCheck =>
  () => {
    if (chain.state.kind === "failed" || chain.state.kind === "disk-full") return chain.state.message;
    if (chain.state.kind === "closed") return "the chain is closed";
    return network.isSyncing ? `catching up: block ${chain.tip.height} of ${chain.bestHeader.height}` : undefined;
  };

/** A full disk is not cured by a restart, a database that failed may be. */
export const liveness =
  (chain: Pick<Chain, "state">): HealthCheck =>
  () =>
    chain.state.kind === "failed" ? chain.state.message : undefined;
