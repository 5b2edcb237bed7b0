/** What one request may ask the parser to hold. */
export interface RequestLimits {
  /** Longest argument. */
  readonly maxBulkBytes: number;
  /** Most arguments of one request. */
  readonly maxArguments: number;
  /** Longest inline line, and longest header. */
  readonly maxInlineBytes: number;
  /** All arguments of one request together. */
  readonly maxRequestBytes: number;
}

export const DEFAULT_REQUEST_LIMITS: RequestLimits = {
  maxBulkBytes: 15 * 1024 * 1024,
  maxArguments: 1024 * 1024,
  maxInlineBytes: 64 * 1024,
  maxRequestBytes: 32 * 1024 * 1024,
};
