/**
 * What can go wrong, and what to do.
 *
 * Of a call, with nothing done: `busy` (another change or transfer is under way; retry), `no-leader` (retry), `overloaded` (retry later), `disk-full` (free
 * space, then it goes on by itself), `too-large`, `unsafe` (the message says what would be lost), `invalid` (it makes no sense), `not-transferred`,
 * `removed` (this member belongs to the group no more), `stopped`. Of a proposal that may yet take effect: `indeterminate` (read before you retry).
 * Of the disk: `corrupt` (remove this member, empty its folder, and let it join under a new id), `wrong-cluster` (mount the right volume),
 * `locked` (stop the other process), `failed` (an I/O error; restart on a working disk).
 */
export type RaftErrorCode =
  | "busy"
  | "no-leader"
  | "overloaded"
  | "disk-full"
  | "too-large"
  | "unsafe"
  | "not-transferred"
  | "removed"
  | "stopped"
  | "indeterminate"
  | "corrupt"
  | "wrong-cluster"
  | "locked"
  | "failed"
  | "invalid";

export class RaftError extends Error {
  override readonly name = "RaftError";
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Fails on a broken invariant: a defect in this package, never the user's doing. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant);
}

export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
