/** A database that fails when told to. */
import type { Database, Operation } from "../../../src/chain/store/database.ts";

export class FaultyDatabase implements Database {
  readonly #inner: Database;
  /** Thrown by the next writes. */
  failWrites: Error | undefined;
  /** What the disk claims to have left. */
  free: number | undefined;
  /** Writes until `failWrites` counts. */
  writesBefore = 0;
  reopened = 0;

  constructor(inner: Database) {
    this.#inner = inner;
  }

  get dir(): string {
    return this.#inner.dir;
  }

  get(key: Buffer) {
    return this.#inner.get(key);
  }

  getSync(key: Buffer) {
    return this.#inner.getSync(key);
  }

  getMany(keys: readonly Buffer[]) {
    return this.#inner.getMany(keys);
  }

  scan(range: Parameters<Database["scan"]>[0]) {
    return this.#inner.scan(range);
  }

  async write(operations: readonly Operation[], options: { readonly durable: boolean }): Promise<void> {
    if (this.failWrites && this.writesBefore-- <= 0) throw this.failWrites;
    await this.#inner.write(operations, options);
  }

  async freeBytes(): Promise<number> {
    return this.free ?? (await this.#inner.freeBytes());
  }

  async reopen(): Promise<void> {
    this.reopened++;
    await this.#inner.reopen();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
