/** From what clients saw to what can be said: lost or not, linearizable or not, how long nothing was acknowledged. Pure. */
import { checkLinearizable, type Model, type Operation, operationsByKey } from "@coracle/sim";
import { READER } from "./load.ts";

export interface Verdict<In = unknown, Out = unknown> {
  /** Keys that an acknowledged write has vanished from: what was read in the end can't follow from what was acknowledged. */
  readonly lost: readonly string[];
  readonly isLinearizable: boolean;
  /** The shortest wrong beginning of any key's history. */
  readonly badHistory: readonly Operation<In, Out>[];
}

export function judge<State, In, Out>(
  history: readonly Operation<In, Out>[],
  model: Model<State, In, Out>,
): Verdict<In, Out> {
  const lost: string[] = [];
  let badHistory: readonly Operation<In, Out>[] = [];
  for (const [key, operations] of operationsByKey(history)) {
    const verdict = checkLinearizable(operations, model);
    if (verdict.isLinearizable) continue;
    if (badHistory.length === 0 || verdict.operations.length < badHistory.length) badHistory = verdict.operations;
    const before = operations.filter(({ client }) => client !== READER);
    if (before.length < operations.length && checkLinearizable(before, model).isLinearizable) lost.push(key);
  }
  return { lost, isLinearizable: badHistory.length === 0, badHistory };
}

/** The longest time without an acknowledged write that touches `from`..`to`. `times` rise. */
export function longestGap(times: readonly number[], from: number, to: number): number {
  let last = 0;
  let longest = 0;
  for (const time of times) {
    if (time >= from) longest = Math.max(longest, time - last);
    if (time >= to) return longest;
    last = time;
  }
  return Math.max(longest, to - last);
}

/** The value below which `share` of them lie (nearest rank); 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
