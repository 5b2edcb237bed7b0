/** What the miner and its threads say to each other. */

/**
 * Memory that both see. `job` is the number of the job that counts: a thread looks at it every few milliseconds and drops any other, so that a new
 * tip is not held up by a message that waits behind a long computation. It sleeps on it too, when it may not use the whole core.
 */
export const SHARED = { job: 0, bytes: 4 } as const;

export interface Job {
  readonly id: number;
  /** Serialized header. */
  readonly header: Uint8Array;
  /** 32 bytes, highest first. */
  readonly target: Uint8Array;
  /** Of the thread's time, 0 to 1. */
  readonly cpuShare: number;
}

/** `nonce` is undefined when all were tried; the job may have been dropped in either case. */
export interface Report {
  readonly id: number;
  readonly nonce: number | undefined;
  readonly hashes: number;
  readonly isLast: boolean;
}

export interface WorkerData {
  readonly shared: SharedArrayBuffer;
}
