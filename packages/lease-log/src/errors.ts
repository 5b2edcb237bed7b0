/**
 * What can go wrong, and what to do.
 *
 * Of a proposal: `not-primary` (nothing was accepted; go to `primary`), `indeterminate` (leadership was lost on the way: the write may or may not survive;
 * read before you retry), `too-large`, `overloaded` (nothing accepted; retry later), `blocked` (too few in-sync replicas; nothing accepted),
 * `disk-full` (nothing accepted; free space, then writes go on by themselves).
 * Of a switchover: `switchover-failed` (nothing changed).
 * Of the disk: `foreign-disk` (the data belongs to another cluster: mount the right volume, or empty it to copy from the primary), `corrupt` (empty
 * the folder to copy from the primary), `locked` (stop the other process), `failed` (an I/O error; restart on a working disk). `closed`: the log was stopped.
 */
export type LeaseLogErrorCode =
  | "not-primary"
  | "indeterminate"
  | "too-large"
  | "overloaded"
  | "blocked"
  | "disk-full"
  | "switchover-failed"
  | "foreign-disk"
  | "corrupt"
  | "locked"
  | "failed"
  | "invalid-options"
  | "closed";

export class LeaseLogError extends Error {
  override readonly name = "LeaseLogError";
  readonly code: LeaseLogErrorCode;
  /** The primary's id as far as known. */
  readonly primary: string | undefined;

  constructor(code: LeaseLogErrorCode, message: string, options?: ErrorOptions & { primary?: string | undefined }) {
    super(message, options);
    this.code = code;
    this.primary = options?.primary;
  }
}

/** Fails on a broken invariant: a defect in this package, never the user's doing. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant);
}

export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
