/**
 * Whether blocks may be written. Room is looked at before LevelDB fails for lack of it, since a failed write leaves LevelDB refusing all
 * others until it is opened anew. Where it fails nonetheless it is opened anew as soon as there is room; until then reads go on.
 */
import { type BlockchainError, messageOf } from "../errors.ts";
import { asDatabaseError, diskFull } from "./errors.ts";
import type { ChainClock } from "./options.ts";
import type { Database } from "./store/database.ts";
import type { ChainState } from "./types.ts";

const RETRY_MS = 2_000;
/** A look at the disk answers for so many bytes of writes. */
const LOOK_EVERY_BYTES = 4 * 2 ** 20;

export interface DiskWatchOptions {
  readonly database: Database;
  readonly clock: ChainClock;
  readonly reserveBytes: number;
  readonly onChange: (state: ChainState) => void;
  /** There is room again. */
  readonly onRoom: () => void;
}

export class DiskWatch {
  readonly #options: DiskWatchOptions;
  #state: ChainState = { kind: "running" };
  #unlooked = Number.POSITIVE_INFINITY;
  #mustReopen = false;
  #cancel: (() => void) | undefined;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  get state(): ChainState {
    return this.#state;
  }

  /** Whether so many bytes may be written now. */
  async hasRoom(bytes: number): Promise<boolean> {
    if (this.#state.kind !== "running") return false;
    this.#unlooked += bytes;
    if (this.#unlooked < LOOK_EVERY_BYTES) return true;
    const { database, reserveBytes } = this.#options;
    if ((await database.freeBytes()) < reserveBytes + bytes) {
      this.#full(messageOf(diskFull(database.dir)));
      return false;
    }
    this.#unlooked = 0;
    return true;
  }

  /** A write or read failed: the state says so from now on. Returns the error as one for the user. */
  failed(error: unknown): BlockchainError {
    const known = asDatabaseError(error, this.#options.database.dir);
    if (known.code === "disk-full") {
      this.#mustReopen = true;
      this.#full(known.message);
    } else if (this.#state.kind !== "closed") this.#become({ kind: "failed", message: known.message });
    return known;
  }

  close(): void {
    this.#cancel?.();
    this.#become({ kind: "closed" });
  }

  #full(message: string): void {
    if (this.#state.kind === "running") this.#become({ kind: "disk-full", message });
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(RETRY_MS, () => void this.#retry());
  }

  async #retry(): Promise<void> {
    if (this.#state.kind !== "disk-full") return;
    const { database, reserveBytes, onRoom } = this.#options;
    const { message } = this.#state;
    try {
      if ((await database.freeBytes()) < reserveBytes + LOOK_EVERY_BYTES) return this.#full(message);
      if (this.#mustReopen) await database.reopen();
    } catch {
      // Full again before it could be opened.
      return this.#full(message);
    }
    this.#mustReopen = false;
    this.#unlooked = Number.POSITIVE_INFINITY;
    this.#become({ kind: "running" });
    onRoom();
  }

  #become(state: ChainState): void {
    if (this.#state.kind === state.kind) return;
    this.#state = state;
    this.#options.onChange(state);
  }
}
