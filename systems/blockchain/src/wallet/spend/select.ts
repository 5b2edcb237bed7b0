/**
 * Which coins pay. First branch and bound looks for a set that hits the amount so closely that no change is needed, which saves the
 * change output now and its input later; else the smallest coin that suffices with change, else the largest coins first.
 *
 * A coin counts by its effective value: what is left of it after its own input is paid for. Coins worth less than that are never chosen.
 */

export interface Candidate<T> {
  readonly coin: T;
  readonly value: number;
  readonly weight: number;
}

export interface SelectionGoal {
  /** Payments and the fee of everything but inputs and change, satoshis. */
  readonly target: number;
  /** Satoshis per virtual byte. */
  readonly feeRate: number;
  /** To make a change output now. */
  readonly changeFee: number;
  /** To make it now and spend it later: what a set may exceed the target by and still be better without change. */
  readonly costOfChange: number;
  /** The least change that is worth having. */
  readonly minChange: number;
  /** What the inputs may weigh together. */
  readonly maxWeight: number;
}

export interface Selection<T> {
  readonly coins: readonly Candidate<T>[];
  /** Whether what is left over is enough for change. */
  readonly hasChange: boolean;
}

/** As in Bitcoin Core: beyond this many steps a set without change is not looked for any more. */
const MOST_TRIES = 100_000;

interface Weighed<T> extends Candidate<T> {
  readonly effective: number;
}

/** Undefined when the coins do not suffice, or only such a number of them that nodes would not relay it. */
export function selectCoins<T>(candidates: readonly Candidate<T>[], goal: SelectionGoal): Selection<T> | undefined {
  const worthwhile = candidates
    .map((candidate) => ({ ...candidate, effective: candidate.value - (candidate.weight / 4) * goal.feeRate }))
    .filter(({ effective }) => effective > 0)
    .sort((a, b) => b.effective - a.effective);
  const exact = branchAndBound(worthwhile, goal);
  if (exact) return { coins: exact, hasChange: false };
  return withChange(worthwhile, goal);
}

/** Depth first over sorted coins: take, else leave; a branch ends when it exceeds the window or can not reach it. */
function branchAndBound<T>(sorted: readonly Weighed<T>[], goal: SelectionGoal): Weighed<T>[] | undefined {
  const rest = suffixSums(sorted);
  const chosen: number[] = [];
  let best: { readonly indexes: number[]; readonly excess: number } | undefined;
  let sum = 0;
  let weight = 0;
  let index = 0;
  const back = (): boolean => {
    const last = chosen.pop();
    if (last === undefined) return false;
    sum -= sorted[last]!.effective;
    weight -= sorted[last]!.weight;
    index = last + 1;
    return true;
  };
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const excess = sum - goal.target;
    const hit = excess >= 0 && excess <= goal.costOfChange && weight <= goal.maxWeight;
    if (hit && (!best || excess < best.excess)) best = { indexes: [...chosen], excess };
    const isOver = excess >= 0 || weight > goal.maxWeight;
    if (isOver || index >= sorted.length || sum + rest[index]! < goal.target) {
      if (!back()) break;
      continue;
    }
    chosen.push(index);
    sum += sorted[index]!.effective;
    weight += sorted[index]!.weight;
    index++;
  }
  return best?.indexes.map((at) => sorted[at]!);
}

function suffixSums<T>(sorted: readonly Weighed<T>[]): number[] {
  const sums = new Array<number>(sorted.length + 1).fill(0);
  for (let at = sorted.length - 1; at >= 0; at--) sums[at] = sums[at + 1]! + sorted[at]!.effective;
  return sums;
}

function withChange<T>(sorted: readonly Weighed<T>[], goal: SelectionGoal): Selection<T> | undefined {
  const needed = goal.target + goal.changeFee + goal.minChange;
  const single = sorted.findLast(({ effective, weight }) => effective >= needed && weight <= goal.maxWeight);
  if (single) return { coins: [single], hasChange: true };
  return largestFirst(sorted, needed, goal.maxWeight, true) ?? largestFirst(sorted, goal.target, goal.maxWeight, false);
}

function largestFirst<T>(
  sorted: readonly Weighed<T>[],
  needed: number,
  maxWeight: number,
  hasChange: boolean,
): Selection<T> | undefined {
  const coins: Weighed<T>[] = [];
  let [sum, weight] = [0, 0];
  for (const candidate of sorted) {
    if (sum >= needed) break;
    coins.push(candidate);
    sum += candidate.effective;
    weight += candidate.weight;
  }
  return sum >= needed && weight <= maxWeight ? { coins, hasChange } : undefined;
}
