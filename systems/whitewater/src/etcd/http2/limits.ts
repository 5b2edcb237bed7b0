/** What one client may ask of us. */
export interface Http2Limits {
  /** Calls under way on one connection. Default 1000. */
  readonly maxStreams: number;
  /** One message from a client. */
  readonly maxMessageBytes: number;
  /** Answers of a call that wait for the client; above it, the call is told to stop. Default 1 MiB. */
  readonly maxQueuedBytes: number;
  /** Waiting to be written to one connection, beyond which it is cut: only a client that asks without reading gets there. Default 64 MiB. */
  readonly maxUnsentBytes: number;
  readonly maxHeaderBytes: number;
  /** From the connection to the end of the client's preface; who is slower is cut off. Default 10 s. */
  readonly greetingMs: number;
}

export const defaultLimits: Http2Limits = {
  maxStreams: 1000,
  maxMessageBytes: 2 * 1024 * 1024,
  maxQueuedBytes: 1024 * 1024,
  maxUnsentBytes: 64 * 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  greetingMs: 10_000,
};
