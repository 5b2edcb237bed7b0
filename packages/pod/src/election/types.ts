/** The words of election: a Lease as one observer sees it, a term won on it, and the options of a contender. */

/** The Lease as last read or written by this process. */
export interface LeaseRecord {
  /** `spec.holderIdentity`: the holder's pod name; undefined when free or absent. */
  readonly holder: string | undefined;
  /** Fencing epoch of the current or last holder: `spec.leaseTransitions` + 1; 0 while there is no Lease. */
  readonly epoch: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * One uninterrupted hold of the Lease.
 *
 * Invariants: (1) epochs grow strictly over all terms of a Lease, a restarted container's included; (2) `signal` aborts before the
 * Lease could pass to anyone else by any observer's clock, counted at clock rates that differ by up to 10 %; (3) after `isValid()` returned false it never returns true.
 */
export interface Term {
  readonly epoch: number;
  /** Aborts when the term ends, with the reason. */
  readonly signal: AbortSignal;
  /** Compares the monotonic clock with the renew deadline now, so it is right even when timers are late. Call before publishing anything. */
  isValid(): boolean;
  /** Milliseconds until the term ends unless renewed; 0 when it is over. */
  remainingMs(): number;
}

/** The answer of a candidate that may take the Lease. */
export type Candidacy =
  | {
      /** Annotations written in the same PUT as the acquisition; null removes one. */
      readonly annotations?: Readonly<Record<string, string | null>>;
      /** The new epoch is made greater than this one (what the candidate's data has already seen). */
      readonly epochAbove?: number;
    }
  /** `retryMs`: ask again after that long where it is sooner than the next attempt, for reasons that pass quickly. */
  | { readonly abstain: string; readonly retryMs?: number };

export interface Election {
  /** The Lease as last observed; undefined before the first successful read. */
  readonly observed: LeaseRecord | undefined;
  /** The current term while this process leads. */
  readonly term: Term | undefined;
  /** Starts contending. Idempotent. */
  start(): Promise<void>;
  /** Ends the term if there is one, releases the Lease, stops contending. Idempotent. */
  stop(): Promise<void>;
  /** Ends the current term and releases the Lease, then contends again after one lease duration or when `handTo` did not take it. */
  stepDown(reason: string, handTo?: string): Promise<void>;
  /**
   * Changes the Lease's annotations while leading, by a versioned PUT of the whole object; retries conflicts caused by others.
   * Resolves after the write is acknowledged; until then `change` may be called again with what was read meanwhile. Rejects with
   * ElectionError `not-leader` once the term is over; with an unknown outcome (timeout) it re-reads until the outcome is known or the
   * term ends.
   */
  annotate(
    change: (annotations: Readonly<Record<string, string>>) => Readonly<Record<string, string | null>>,
  ): Promise<LeaseRecord>;
  /**
   * Promises that no term begins here for `ms` from now (failsafe: a replica that confirms its leader while the API is away).
   */
  yieldFor(ms: number): void;
  /** Every change of `observed` and of `term`, in order; the current state first. Ends with `stop`. */
  subscribe(listener: ElectionListener): () => void;
}

export interface ElectionState {
  readonly observed: LeaseRecord | undefined;
  readonly term: Term | undefined;
}

export type ElectionListener = (state: ElectionState) => void;

export interface ElectionTiming {
  /** `LEASE_TTL_SECONDS` x 1000; default 15 000. */
  readonly leaseDurationMs: number;
  /** A holder that has not renewed for this long stops; default 2/3 of the duration. */
  readonly renewDeadlineMs: number;
  /** Base interval between attempts, jittered; default 2/15 of the duration. */
  readonly retryPeriodMs: number;
}
