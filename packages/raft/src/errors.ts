/** `busy`, `no-leader`, `overloaded`, `too-large`, `unsafe`, `not-transferred`, `removed`, `stopped`: certainly nothing happened. `indeterminate`: it may yet. */
export type RaftErrorCode =
  | "busy"
  | "no-leader"
  | "overloaded"
  | "too-large"
  | "unsafe"
  | "not-transferred"
  | "removed"
  | "stopped"
  | "indeterminate"
  | "corrupt"
  | "wrong-cluster"
  | "invalid";

export class RaftError extends Error {
  override readonly name = "RaftError";
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
