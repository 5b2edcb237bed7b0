/** Fingerprints of stored values, for WATCH: equal digests mean an unchanged value. */
import { createHash } from "node:crypto";

const ABSENT = Buffer.alloc(0);

export const digestOf = (stored: Uint8Array | undefined): Buffer =>
  stored ? createHash("sha256").update(stored).digest() : ABSENT;
