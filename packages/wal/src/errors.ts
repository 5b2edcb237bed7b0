/** What can go wrong, and what to do: `corrupt` (restore this replica from another), `compacted` (use a snapshot), `failed` (restart on a working disk), `closed`, `too-large`, `locked` (stop the other process). */
export type WalErrorCode = "corrupt" | "compacted" | "failed" | "closed" | "too-large" | "locked";

export class WalError extends Error {
  override readonly name = "WalError";
  readonly code: WalErrorCode;

  constructor(code: WalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
