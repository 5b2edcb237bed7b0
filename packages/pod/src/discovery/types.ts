/** One member of the system, as a discovery source names it. */
export interface Peer {
  /** The pod's name (its host label), which survives a change of address; `host:port` when the source knows only an address. */
  readonly id: string;
  /** Host name or address to dial. A name is to be resolved on every dial: pods change their addresses. */
  readonly host: string;
  readonly port: number;
  /** Readiness where the source knows it. */
  readonly ready?: boolean;
  /** True when the pod has been told to stop; don't dial it anew. */
  readonly terminating?: boolean;
  /** The pod's labels where the source knows them. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type DiscoverySource = "dns" | "api" | "file";

/**
 * Finds the peers of this system, this pod included. Absence is a hint, not an eviction: membership is for the protocol above to decide.
 *
 * Invariants: (1) every set is complete and ordered by id; (2) a set equal to the last one is never reported; (3) while the source is
 * away the last set stands and the search goes on; (4) the loops never reject: failures are logged and retried with back-off.
 */
export interface Discovery extends AsyncIterable<readonly Peer[]> {
  readonly source: DiscoverySource;
  /** The last complete set; empty before the first answer. */
  peers(): readonly Peer[];
  /** Called after every change; returns the cancel function. */
  subscribe(listener: () => void): () => void;
  /** Milliseconds since the source last answered; Infinity when it never did. */
  staleMs(): number;
  /** Ends the search and every iteration. Idempotent. */
  stop(): Promise<void>;
}
