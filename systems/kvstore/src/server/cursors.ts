/**
 * SCAN's cursors. Clients take them for numbers, the walk needs the last key seen: this remembers which is which. The oldest are
 * forgotten; a walk with a forgotten cursor (or one of another server) starts anew, so it may repeat keys but never skips one.
 */
const MAX_CURSORS = 4096;

export class ScanCursors {
  readonly #keys = new Map<string, Buffer>();
  #last = 0;

  /** A cursor that continues behind `key`. */
  keep(key: Buffer): string {
    const cursor = String(++this.#last);
    this.#keys.set(cursor, Buffer.from(key));
    const oldest = this.#keys.keys().next().value;
    if (this.#keys.size > MAX_CURSORS && oldest !== undefined) this.#keys.delete(oldest);
    return cursor;
  }

  /** The key to continue behind; undefined for the start. */
  find(cursor: string): Buffer | undefined {
    return this.#keys.get(cursor);
  }
}
