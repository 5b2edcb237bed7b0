/**
 * Which target a block must have. On regtest it never changes. On devnet it follows the hash rate from block to block: every block that
 * came faster than it should raises the difficulty a little, every slower one lowers it, as ASERT does, with two differences.
 *
 * - Time is measured by the median of eleven, which only ever grows: no single clock moves it, and setting a time back gains nothing.
 * - ASERT goes by the time since its start, so a network that was switched off over night would catch up on all blocks missed, at once.
 *   Here each step counts for itself and none for more than `longestStepSeconds`: after a pause, blocks come at their pace again.
 *
 * The median lags six blocks behind, which a half-life of 20 blocks damps well: see the simulation in the tests.
 */
import type { Network } from "./params.ts";
import { bitsOf, targetOf } from "./target.ts";

/** A header with its ancestors. */
export interface ChainNode {
  readonly height: number;
  readonly time: number;
  readonly bits: number;
  /** Undefined for genesis only. */
  readonly parent: ChainNode | undefined;
  /** A fast way to an ancestor, or itself, where there is one. */
  ancestor?(height: number): ChainNode | undefined;
}

const medianSpan = 11;

/** The median of a header's time and those of its ten ancestors: what the time of a child must exceed (BIP 113). */
export function medianTimePast(node: ChainNode): number {
  const times: number[] = [];
  for (let at: ChainNode | undefined = node; at !== undefined && times.length < medianSpan; at = at.parent) {
    times.push(at.time);
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1] as number;
}

/** The compact target of the child of `parent`. */
export function nextBits(network: Network, parent: ChainNode): number {
  const { difficulty, powLimitBits } = network;
  if (difficulty.kind === "fixed") return powLimitBits;
  // The long time from genesis to the first block makes the second no easier than the first: there is nothing easier.
  const grandparent = parent.parent;
  if (grandparent === undefined) return powLimitBits;
  const seconds = Math.min(medianTimePast(parent) - medianTimePast(grandparent), difficulty.longestStepSeconds);
  const halfLives =
    (seconds - network.targetSpacingSeconds) / (network.targetSpacingSeconds * difficulty.halfLifeBlocks);
  return scaled(parent.bits, halfLives, powLimitBits);
}

const fractionBits = 32n;

/** A target times two to the power of `exponent`, at most the easiest. */
function scaled(bits: number, exponent: number, limitBits: number): number {
  const limit = targetOf(limitBits) as bigint;
  const factor = BigInt(Math.round(2 ** exponent * 2 ** Number(fractionBits)));
  const target = ((targetOf(bits) as bigint) * factor) >> fractionBits;
  return target >= limit ? limitBits : bitsOf(target > 0n ? target : 1n);
}
