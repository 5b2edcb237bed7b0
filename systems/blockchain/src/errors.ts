/** What a user of blockchain is told; `code` for programs, the message for people. */
export class BlockchainError extends Error {
  override readonly name = "BlockchainError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The text of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
