/** `no-target`: nobody is there whom the fault could hit. `refused`: the API refused the fault; the message says why. */
export type FaultErrorCode = "no-target" | "refused";

/** Why a fault is not in force. */
export class FaultError extends Error {
  override readonly name = "FaultError";
  readonly code: FaultErrorCode;

  constructor(code: FaultErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
