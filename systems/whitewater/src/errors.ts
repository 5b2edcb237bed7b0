/** What a user of whitewater is told; `code` for programs, the message for people. */
export class WhitewaterError extends Error {
  override readonly name = "WhitewaterError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
