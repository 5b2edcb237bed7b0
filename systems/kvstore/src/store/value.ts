/**
 * A value as it is stored: a tag, the expiry if there is one, the bytes. The same form stands in log entries, so that applying a
 * SET copies nothing.
 *
 *     0 | value                 never expires
 *     1 | expiry (48 bit) | value
 */
const PLAIN = 0;
const EXPIRING = 1;
const EXPIRY_BYTES = 6;

/** The furthest expiry that 48 bits hold (the year 10889). */
export const MAX_TIME_MS = 2 ** 48 - 1;

/** `expiresAt` in milliseconds since 1970; undefined for never. */
export function storedValue(value: Uint8Array, expiresAt?: number): Buffer {
  const headerBytes = expiresAt === undefined ? 1 : 1 + EXPIRY_BYTES;
  const stored = Buffer.allocUnsafe(headerBytes + value.length);
  stored[0] = expiresAt === undefined ? PLAIN : EXPIRING;
  if (expiresAt !== undefined) stored.writeUIntBE(expiresAt, 1, EXPIRY_BYTES);
  stored.set(value, headerBytes);
  return stored;
}

/** A view of the value inside its stored form. */
export const valueIn = (stored: Buffer): Buffer => stored.subarray(stored[0] === EXPIRING ? 1 + EXPIRY_BYTES : 1);

export const expiryIn = (stored: Buffer): number | undefined =>
  stored[0] === EXPIRING ? stored.readUIntBE(1, EXPIRY_BYTES) : undefined;

/** Whether the value counts as gone at `now`, whether or not it was removed yet. */
export function isExpired(stored: Buffer, now: number): boolean {
  const expiresAt = expiryIn(stored);
  return expiresAt !== undefined && expiresAt <= now;
}
