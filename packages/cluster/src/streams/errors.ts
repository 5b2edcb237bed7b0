export type StreamErrorCode =
  /** The peer broke the rules of its protocol; the connection ends. */
  | "Protocol"
  /** The peer sent more than the stated bound. */
  | "TooLarge"
  /** One stream was reset, by the peer or because its connection ended. */
  | "Reset"
  /** Nothing happened for too long. */
  | "Timeout";

/** What goes wrong on a stream into a pod. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly code: StreamErrorCode;

  constructor(code: StreamErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
