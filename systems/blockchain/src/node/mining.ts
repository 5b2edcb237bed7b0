/** What the settings say of mining. */
import type { NetworkName } from "../consensus/params.ts";
import type { MiningPolicy } from "../miner/types.ts";
import type { NodeSettings } from "./settings.ts";

type MiningSettings = Pick<
  NodeSettings,
  "miningWhen" | "nodeMiningAddress" | "minerAddress" | "walletAddressPool" | "instanceNumber"
>;

/** Undefined: only on demand, as on regtest, where a block costs nothing and a chain would grow by thousands a second. */
export function miningPolicy(
  settings: Pick<NodeSettings, "miningWhen">,
  network: NetworkName,
): MiningPolicy | undefined {
  const usual = network === "regtest" ? "demand" : "always";
  const when = settings.miningWhen === "default" ? usual : settings.miningWhen;
  if (when === "demand") return undefined;
  return when === "always" ? { kind: "always" } : { kind: "transactions", atLeast: 1 };
}

/** Why the background miner can't be started by hand; undefined where it can. */
export function noMining(
  settings: Pick<NodeSettings, "miningWhen" | "nodeIsMiner" | "miningThreads">,
  network: NetworkName,
): string | undefined {
  if (!settings.nodeIsMiner || settings.miningThreads === 0)
    return "this node is no miner: start it with NODE_IS_MINER and MINING_THREADS";
  return miningPolicy(settings, network) ? undefined : "this node mines on demand only, as MINING_WHEN says";
}

/** The address that the operator names: of this node, of the Secret, or of the pool by this node's number. */
export function miningSetting(settings: MiningSettings, ordinal: number | undefined): string | undefined {
  const pool = (settings.walletAddressPool ?? "").split(/[\s,]+/).filter(Boolean);
  const number = settings.instanceNumber ?? ordinal ?? 0;
  return settings.nodeMiningAddress ?? settings.minerAddress ?? pool[number % Math.max(1, pool.length)];
}
