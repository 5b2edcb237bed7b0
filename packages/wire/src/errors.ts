/**
 * What can go wrong between peers, and what to do:
 * `unreachable` (no connection now; retry later), `refused` (the other side rejects this one for good: wrong protocol, cluster or identity; fix the
 * configuration), `protocol` (bytes that make no sense; the connection was closed), `too-large` (send less at once), `overloaded` (a bound was reached;
 * retry later), `timeout`, `aborted` (by the caller or the other side), `remote` (the handler there failed; `message` is its reason), `closed`.
 */
export type WireErrorCode =
  | "unreachable"
  | "refused"
  | "protocol"
  | "too-large"
  | "overloaded"
  | "timeout"
  | "aborted"
  | "remote"
  | "closed";

export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
