/** Whether a header may be the child of another. */
import { type BlockHeader, blockHash } from "../primitives/block.ts";
import { type ChainNode, medianTimePast, nextBits } from "./difficulty.ts";
import type { Network } from "./params.ts";
import { type Rejection, rejection } from "./rejection.ts";
import { meetsTarget } from "./target.ts";

/** Versions below said that the miner didn't know of BIP 34, 66 and 65, which both networks have from their first block. */
const lowestVersion = 4;

/** Whether the header has done the work that it claims. Needs nothing else, so flooding with headers costs its sender that work. */
export const checkWork = (network: Network, header: BlockHeader): Rejection | undefined =>
  meetsTarget(blockHash(header), header.bits, network.powLimitBits)
    ? undefined
    : rejection("high-hash", "proof of work failed", "header");

/** Target, time and version as they must be on `parent`. `nowSeconds` is this node's clock. */
export function checkHeaderOn(
  network: Network,
  header: BlockHeader,
  parent: ChainNode,
  nowSeconds: number,
): Rejection | undefined {
  if (header.bits !== nextBits(network, parent)) return rejection("bad-diffbits", "incorrect proof of work", "header");
  if (header.time <= medianTimePast(parent)) {
    return rejection("time-too-old", "the time is not above the median of the eleven blocks before", "header");
  }
  if (header.time > nowSeconds + network.maxFutureSeconds) {
    return rejection("time-too-new", `the time is ${header.time - nowSeconds} s ahead of this node's clock`, "future");
  }
  if (header.version < lowestVersion) {
    const version = (header.version >>> 0).toString(16).padStart(8, "0");
    return rejection(`bad-version(0x${version})`, "outdated version", "header");
  }
  return undefined;
}

export const checkHeader = (
  network: Network,
  header: BlockHeader,
  parent: ChainNode,
  nowSeconds: number,
): Rejection | undefined => checkWork(network, header) ?? checkHeaderOn(network, header, parent, nowSeconds);
