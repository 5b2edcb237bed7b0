import type { MempoolPolicy } from "../types.ts";

/** Bitcoin Core's defaults. */
export const defaultPolicy: MempoolPolicy = {
  requireStandard: true,
  minRelayFeeRate: 1000,
  incrementalFeeRate: 1000,
  dustFeeRate: 3000,
  maxAncestors: 25,
  maxAncestorVbytes: 101_000,
  maxDescendants: 25,
  maxDescendantVbytes: 101_000,
  replacement: "signaled",
  maxReplaced: 100,
  expirySeconds: 336 * 3600,
  maxSizeBytes: 300_000_000,
  maxOrphans: 100,
};

/** The fee for a size at a rate, rounded up: satoshis, virtual bytes, satoshis per 1000 of them. */
export const feeAt = (rate: number, vsize: number): number => Math.ceil((rate * vsize) / 1000);
