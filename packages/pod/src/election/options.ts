import type { Lease } from "kubernetes-types/coordination/v1.js";
import type { PodClock } from "../clock.ts";
import type { Logger } from "../logging/types.ts";
import type { Candidacy, ElectionTiming, LeaseRecord } from "./types.ts";

/** The one Lease object, wherever it lives. Every call gives up when `signal` aborts. */
export interface LeaseAccess {
  /** `metadata.name` of a Lease to create. */
  readonly name: string;
  /** Undefined when there is none. */
  read(signal: AbortSignal): Promise<Lease | undefined>;
  /** Answers "conflict" when someone else created it first. */
  create(lease: Lease, signal: AbortSignal): Promise<Lease | "conflict">;
  /** Whole-object PUT; "conflict" when `lease.metadata.resourceVersion` is no longer the current one or the Lease is gone. */
  replace(lease: Lease, signal: AbortSignal): Promise<Lease | "conflict">;
  /** Hints that the Lease changed, so that a released one is taken at once; the election works without, by polling. */
  watch?(signal: AbortSignal): AsyncIterable<Lease | undefined>;
}

export interface ElectionOptions {
  readonly access: LeaseAccess;
  /** `name` becomes `holderIdentity`; `incarnation` tells two processes of the same pod name apart. See `podIdentity`. */
  readonly identity: { readonly name: string; readonly incarnation: string };
  /** See `electionTiming`; checked: renew deadline x 1.25 <= duration, retry period x 2 <= renew deadline. */
  readonly timing?: Partial<ElectionTiming>;
  /**
   * What to do with the Lease of a dead process of this very pod: `release` it, so that whoever is up already leads first (default), or
   * `succeed` to it, where this pod's data is worth more than the moment that its start takes.
   */
  readonly predecessor?: "release" | "succeed";
  /** Asked each time before this process takes the Lease. Default: always. A throw or a promise that outlasts the retry period abstains. */
  readonly candidacy?: (record: LeaseRecord | undefined) => Candidacy | Promise<Candidacy>;
  readonly logger?: Logger;
  readonly clock?: PodClock;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
}
