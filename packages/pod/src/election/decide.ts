/**
 * The decision of an election: a function of what was observed, what is held and the time. No clock, no request, no randomness.
 *
 * Times are monotonic milliseconds of the observer. Nobody compares its own clock with a time written by somebody else: a holder counts as
 * alive for its recorded duration after the observer *saw* it move.
 */
import type { Lease } from "kubernetes-types/coordination/v1.js";
import {
  type Contender,
  handToAnnotation,
  isHeldBy,
  isHeldByPredecessor,
  recordedDurationMs,
  recordOf,
  signOfLife,
} from "./lease.ts";
import type { ElectionTiming, LeaseRecord } from "./types.ts";

/** The Lease as one observer knows it. */
export interface Observation {
  /** Undefined: there is none. */
  readonly lease: Lease | undefined;
  readonly record: LeaseRecord;
  /** When this observer saw the last sign of life of the holder (or the last change of a free Lease). */
  readonly seenAt: number;
  /** From then on the holder's word no longer counts. */
  readonly expiresAt: number;
}

export interface View {
  readonly me: Contender;
  readonly timing: ElectionTiming;
  /** Undefined before the first answer: wait for it. */
  readonly observation: Observation | undefined;
  /** The term this process believes to hold. */
  readonly term: { readonly epoch: number; readonly validUntil: number } | undefined;
  /** Until then this process has promised not to take the Lease. */
  readonly yieldUntil: number;
  /** Until then it leaves the Lease to others, having handed it over; unless it is handed back. */
  readonly givesWayUntil: number;
  /** See ElectionOptions. */
  readonly predecessor: "release" | "succeed";
}

export type Action =
  | { readonly kind: "take" }
  | { readonly kind: "renew" }
  /** Let a Lease go that an earlier process of this pod left behind. */
  | { readonly kind: "release" }
  | { readonly kind: "end"; readonly reason: string }
  | { readonly kind: "wait"; readonly until: number; readonly reason: string };

/** Folds one more reading into what is known. */
export function observe(
  previous: Observation | undefined,
  lease: Lease | undefined,
  now: number,
  fallbackDurationMs: number,
): Observation {
  const record = recordOf(lease);
  if (lease === undefined) {
    // Deleted under its holder, who may not know yet: its last word counts on. An observer without memory can't know that, hence the docs
    // say not to delete a Lease in use.
    return { lease, record, seenAt: now, expiresAt: Math.max(now, previous?.expiresAt ?? now) };
  }
  if (previous?.lease && signOfLife(previous.lease) === signOfLife(lease)) return { ...previous, lease, record };
  const lastsMs = record.holder === undefined ? 0 : recordedDurationMs(lease, fallbackDurationMs);
  return { lease, record, seenAt: now, expiresAt: now + lastsMs };
}

export type Decide = (view: View, now: number) => Action;

/** What to do now. A contender without a term reads the Lease right before it asks. */
export function decide(view: View, now: number): Action {
  return view.term ? decideAsHolder(view, view.term, now) : decideAsCandidate(view, now);
}

/**
 * The holder's validity is counted from when it *sent* its last acknowledged renewal, the others' patience from when they saw it, which is
 * later: see `resolveTiming` for the margin that keeps the first within the second.
 */
function decideAsHolder({ me, observation }: View, term: NonNullable<View["term"]>, now: number): Action {
  if (now >= term.validUntil) return { kind: "end", reason: "the renew deadline has passed" };
  if (!observation) return { kind: "end", reason: "the Lease was never seen" };
  const { record } = observation;
  if (isHeldBy(record, me) && record.epoch === term.epoch) return { kind: "renew" };
  return { kind: "end", reason: `the Lease is held by ${record.holder ?? "nobody"} (epoch ${record.epoch})` };
}

function decideAsCandidate(view: View, now: number): Action {
  const { me, timing, observation, yieldUntil, givesWayUntil, predecessor } = view;
  if (!observation) return { kind: "wait", until: now, reason: "the Lease was not seen yet" };
  if (now < yieldUntil) return { kind: "wait", until: yieldUntil, reason: "promised to hold back" };
  const { record, seenAt, expiresAt } = observation;
  const favourite = record.holder === undefined ? record.annotations[handToAnnotation] : undefined;
  if (favourite !== me.name && now < givesWayUntil)
    return { kind: "wait", until: givesWayUntil, reason: "handed it over" };
  // Ours without a term: a take or a release whose answer was lost, or a term that ran out. No other process bears this incarnation, and this
  // one holds no term, so there is nobody to wait for; the new acquisition is a compare-and-swap with an epoch of its own.
  // The same pod name with another uid gets no such treatment: a container that hangs on a lost node may still run beside the pod that
  // replaced it.
  if (isHeldBy(record, me)) return { kind: "take" };
  if (isHeldByPredecessor(record, me)) return { kind: predecessor === "succeed" ? "take" : "release" };
  if (now < expiresAt)
    return { kind: "wait", until: expiresAt, reason: `held by ${record.holder ?? "a deleted Lease's holder"}` };
  const favouredUntil = seenAt + timing.retryPeriodMs;
  if (favourite !== undefined && favourite !== me.name && now < favouredUntil) {
    return { kind: "wait", until: favouredUntil, reason: `handed to ${favourite}` };
  }
  return { kind: "take" };
}
