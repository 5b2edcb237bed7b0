/**
 * Why a cluster does not start: `bad-option` (mend the call), `network-taken` (another cluster uses this one's addresses: stop it),
 * `unreadable-state` (the folder's state is damaged or from another version: move it away).
 */
export type ClusterErrorCode = "bad-option" | "network-taken" | "unreadable-state";

export class ClusterError extends Error {
  override readonly name = "ClusterError";
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
