/**
 * MASTER_ORDINAL as a wish. It is carried out once, by a switchover that loses nothing, when it changes; a note in the Lease says which
 * wish was carried out last. A failover later is not undone: going back would be a second interruption that nobody asked for.
 */

/** The Lease annotation that holds the wish carried out last. */
export const HONOURED_ANNOTATION = "coracle.dev/master-ordinal";

export interface WishState {
  /** MASTER_ORDINAL; undefined: no wish. */
  readonly wanted: number | undefined;
  /** What the annotation says. */
  readonly honoured: string | undefined;
  /** This pod, and the StatefulSet's name that members are numbered under. */
  readonly id: string;
  readonly set: string;
  readonly inSync: readonly string[];
}

export type WishStep =
  | { readonly kind: "nothing" }
  /** The wish holds already; note it. */
  | { readonly kind: "note"; readonly value: string }
  | { readonly kind: "switchover"; readonly to: string; readonly value: string }
  | { readonly kind: "wait"; readonly reason: string };

/** What the primary should do about the wish now. */
export function nextWishStep({ wanted, honoured, id, set, inSync }: WishState): WishStep {
  if (wanted === undefined || honoured === String(wanted)) return { kind: "nothing" };
  const value = String(wanted);
  const to = `${set}-${wanted}`;
  if (to === id) return { kind: "note", value };
  if (inSync.includes(to)) return { kind: "switchover", to, value };
  return { kind: "wait", reason: `${to} is not in sync (in sync: ${inSync.join(", ")})` };
}

/** On the first start of all, others leave the wanted pod this much of a lead, so that no switchover follows at once. */
export const HEAD_START_MS = 1500;

/** Why this pod should not take the Lease yet; undefined when it may. */
export function headStart(state: Omit<WishState, "inSync">, isHeld: boolean, uptimeMs: number): string | undefined {
  const { wanted, honoured, id, set } = state;
  if (isHeld || wanted === undefined || `${set}-${wanted}` === id) return undefined;
  if (honoured === String(wanted) || uptimeMs >= HEAD_START_MS) return undefined;
  return `${set}-${wanted} is to be primary and may be about to start`;
}
