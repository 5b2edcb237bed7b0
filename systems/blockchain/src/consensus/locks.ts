/** Lock times: absolute (BIP 113) and relative (BIP 68). */
import type { Transaction } from "../primitives/transaction.ts";
import {
  hasRelativeLocks,
  lockTimeThreshold,
  sequenceDisabled,
  sequenceIsTime,
  sequenceMask,
} from "../script/checker.ts";
import { type ChainNode, medianTimePast } from "./difficulty.ts";

const finalSequence = 0xffffffff;
const timeUnitSeconds = 512;

/** Whether a transaction's lock time allows it into a block of this height, whose parent has this median time. */
export function isFinal(tx: Transaction, height: number, medianTime: number): boolean {
  if (tx.lockTime === 0 || tx.lockTime < (tx.lockTime < lockTimeThreshold ? height : medianTime)) return true;
  return tx.inputs.every(({ sequence }) => sequence === finalSequence);
}

/** The last height and the last median time at which a transaction may not yet be in a block; -1 where there is no such. */
export interface RelativeLocks {
  readonly height: number;
  readonly time: number;
}

export const noLocks: RelativeLocks = { height: -1, time: -1 };

function ancestorAt(node: ChainNode, height: number): ChainNode {
  const found = node.ancestor?.(height);
  if (found !== undefined) return found;
  let at = node;
  while (at.height > height && at.parent !== undefined) at = at.parent;
  return at;
}

/**
 * What the sequences of a transaction's inputs demand. `coinHeights` are the heights of the blocks whose outputs the inputs spend, in
 * their order: for outputs that aren't in a block yet, the height of the next one. `tip` is the parent of the block to be.
 */
export function relativeLocks(tx: Transaction, coinHeights: readonly number[], tip: ChainNode): RelativeLocks {
  if (!hasRelativeLocks(tx)) return noLocks;
  let { height, time } = noLocks;
  tx.inputs.forEach(({ sequence }, i) => {
    if ((sequence & sequenceDisabled) !== 0) return;
    const coinHeight = coinHeights[i] as number;
    const value = sequence & sequenceMask;
    if ((sequence & sequenceIsTime) === 0) {
      height = Math.max(height, coinHeight + value - 1);
      return;
    }
    // Counted from the earliest time that the block of the output could have had: the median time of its parent.
    const since = medianTimePast(ancestorAt(tip, Math.max(coinHeight - 1, 0)));
    time = Math.max(time, since + value * timeUnitSeconds - 1);
  });
  return { height, time };
}

/** Whether a block on `tip` may hold a transaction with these locks. */
export const locksAllow = (locks: RelativeLocks, tip: ChainNode): boolean =>
  locks.height < tip.height + 1 && (locks.time < 0 || locks.time < medianTimePast(tip));
