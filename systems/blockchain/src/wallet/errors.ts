/** What a wallet refuses, each with the code by which JSON-RPC and REST choose their own. */

export type WalletErrorCode =
  | "bad-address"
  | "bad-amount"
  | "bad-argument"
  | "bad-mnemonic"
  | "bad-passphrase"
  | "bad-psbt"
  /** The wallet file is cut short, altered or of another version; nothing was changed. */
  | "bad-file"
  | "exists"
  | "insufficient"
  /** The passphrase is needed. */
  | "locked"
  | "not-encrypted"
  | "already-encrypted"
  | "not-found"
  /** The mempool or the chain does not take the transaction. */
  | "rejected"
  | "scanning"
  | "closed";

export class WalletError extends Error {
  override readonly name = "WalletError";
  readonly code: WalletErrorCode;

  constructor(code: WalletErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
