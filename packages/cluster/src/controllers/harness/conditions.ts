import { timestamp } from "./time.ts";

/** What the conditions of all kinds have in common. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export const findCondition = <C extends { type?: string }>(conditions: readonly C[] | undefined, type: string) =>
  conditions?.find((condition) => condition.type === type);

/** The list with `next` in it; the transition time moves only when the status does. */
export function withCondition<C extends Condition>(conditions: readonly C[] | undefined, next: C, now: number): C[] {
  const old = findCondition(conditions, next.type);
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : timestamp(now);
  const merged = { ...next, lastTransitionTime } as C;
  return old
    ? (conditions ?? []).map((condition) => (condition === old ? merged : condition))
    : [...(conditions ?? []), merged];
}

export const withoutCondition = <C extends Condition>(conditions: readonly C[] | undefined, type: string) =>
  (conditions ?? []).filter((condition) => condition.type !== type);
