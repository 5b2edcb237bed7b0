/** Why a drill could not be run to its end. A broken promise is no error: it is what the report says. */
export type DrillErrorCode =
  /** An option or a system's drill module makes no sense. */
  | "bad-plan"
  /** The system never came to rest: some member did not come back, or nobody leads. */
  | "not-settled"
  /** This cluster can't do what the fault needs. */
  | "impossible";

export class DrillError extends Error {
  override readonly name = "DrillError";
  readonly code: DrillErrorCode;

  constructor(code: DrillErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
