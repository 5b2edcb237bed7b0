/** Everything kvstore itself can fail with: a code to act on, a message that says what happened, what is safe and what to do. */

export type KvStoreErrorCode =
  /** Another process works on the data folder. */
  | "locked"
  /** Bytes of an entry or a snapshot make no sense. */
  | "corrupt"
  /** The log holds what only a newer program understands: this member stops rather than come to hold other data. */
  | "newer-version"
  /** The data file is not what this program wrote: the member must copy its data anew. */
  | "damaged"
  /** The disk has no room; nothing was written. */
  | "disk-full"
  /** The data file can't be written, for a reason that is none of the others. */
  | "failed"
  /** A snapshot or backup is truncated, altered or of another kind. */
  | "bad-snapshot"
  /** A setting or argument is wrong. */
  | "bad-config"
  /** The server could not be reached or hung up. */
  | "connection"
  /** The server answered with an error. */
  | "refused"
  /** The peer does not speak RESP as it should. */
  | "protocol"
  | "closed";

export class KvStoreError extends Error {
  override readonly name = "KvStoreError";
  readonly code: KvStoreErrorCode;

  constructor(code: KvStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export const newerVersion = (what: string): KvStoreError =>
  new KvStoreError(
    "newer-version",
    `The log holds ${what}, which this version of kvstore does not know. Nothing of it was applied, and all is safe in the log: run the version that the primary runs.`,
  );

/** The text of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The `code` of a system error, such as ENOSPC. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
