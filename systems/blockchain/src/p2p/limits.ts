/** Bounds of the peer protocol. Those that a peer can notice are Bitcoin Core's, so that nobody honest is refused. */
export const LIMITS = {
  /** Longest payload of any message. */
  payloadBytes: 4_000_000,
  inventory: 50_000,
  headers: 2000,
  locator: 101,
  addresses: 1000,
  userAgentBytes: 256,
  /** Hashes in the answer to `getblocks`. */
  blockHashes: 500,
} as const;
