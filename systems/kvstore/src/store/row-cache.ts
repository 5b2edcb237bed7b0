/**
 * Rows read from the tree lately, in memory: a read from the map costs a call into native code, a copy and a checksum.
 *
 * Two generations of half the bound each. A row that is used in the old one moves to the young one; when that is full it becomes the old one, and what was
 * not used since the last such change is forgotten. It keeps what is used about as well as an order of use would, and a hit changes nothing.
 */
/** What a row costs beyond its bytes, about. */
const ROW_BYTES = 250;

export class RowCache {
  readonly #generationBytes: number;
  #young = new Map<string, Buffer>();
  #old = new Map<string, Buffer>();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#generationBytes = maxBytes / 2;
  }

  /** The row of `key`, from `read` when it is not here. The bytes belong to the cache and must not be changed. */
  get(key: Uint8Array, read: (key: Uint8Array) => Buffer | undefined): Buffer | undefined {
    const id = idOf(key);
    const young = this.#young.get(id);
    if (young) return young;
    const row = this.#old.get(id) ?? read(key);
    if (row) this.#add(id, row);
    return row;
  }

  /** To be called before the row changes. */
  drop(key: Uint8Array): void {
    if (this.#young.size === 0 && this.#old.size === 0) return;
    const id = idOf(key);
    // Its bytes stay counted until the next change of generations: at worst that comes early.
    this.#young.delete(id);
    this.#old.delete(id);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
  }

  #add(id: string, row: Buffer): void {
    const sizeBytes = ROW_BYTES + id.length + row.length;
    if (sizeBytes > this.#generationBytes / 16) return;
    if (this.#youngBytes + sizeBytes > this.#generationBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(id, row);
    this.#youngBytes += sizeBytes;
  }
}

const idOf = (key: Uint8Array): string => (key as Buffer).toString("latin1");
