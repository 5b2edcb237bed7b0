/** Writes a snapshot when the log has grown enough since the last, and forgets what is behind it but for a tail. */
import type { Core } from "../core/core.ts";
import { sizeOf } from "../core/log.ts";
import type { LogEntry } from "../core/types.ts";
import { RaftError } from "../errors.ts";
import type { Settings } from "../options.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/**
 * A snapshot holds the whole state, so that one for every so many bytes of log would write a large state over and over. The log may grow to the size of
 * the last snapshot instead, up to so many times the limits: it is held in memory, and read at a start.
 */
const MOST_GROWTH = 4;
/** Each time at this share of the limits at least, drawn at random: members that apply the same would all write at the same moment, and slow each other down. */
const LEAST_SHARE = 0.6;
/** After a failure, a full disk for one. */
const RETRY_MS = 5000;

export class Snapshotter {
  readonly #core: Core;
  readonly #store: SnapshotStore;
  readonly #settings: Settings;
  readonly #compact: (index: number) => Promise<void>;
  #bytes = 0;
  #entries = 0;
  #share: number;
  #notBefore = 0;
  #isStopped = false;
  #running: Promise<void> | undefined;

  constructor(core: Core, store: SnapshotStore, settings: Settings, compact: (index: number) => Promise<void>) {
    this.#core = core;
    this.#store = store;
    this.#settings = settings;
    this.#compact = compact;
    this.#share = this.#drawShare();
  }

  #drawShare(): number {
    return 1 - this.#settings.random() * (1 - LEAST_SHARE);
  }

  applied(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#bytes += sizeOf(entry);
    this.#entries += entries.length;
    this.#check();
  }

  #check(): void {
    const { snapshotBytes, snapshotEntries } = this.#settings.limits;
    const growth = Math.min(MOST_GROWTH, Math.max(1, (this.#store.newest?.sizeBytes ?? 0) / snapshotBytes));
    const share = growth * this.#share;
    const isDue = this.#bytes >= snapshotBytes * share || this.#entries >= snapshotEntries * share;
    if (this.#running || this.#isStopped || !isDue) return;
    if (performance.now() < this.#notBefore) return;
    this.#running = this.#write().then(() => {
      this.#running = undefined;
      this.#check();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #write(): Promise<void> {
    const { stateMachine, logger, metrics, limits } = this.#settings;
    const startedAt = performance.now();
    this.#bytes = 0;
    this.#entries = 0;
    this.#share = this.#drawShare();
    try {
      const { index, chunks } = stateMachine.snapshot();
      const meta = { index, term: this.#core.termAt(index) as number, membership: this.#core.membershipAt(index) };
      const { sizeBytes } = await this.#store.write(meta, chunks);
      await this.#compact(this.#tailBefore(index, limits.retainEntries, limits.snapshotBytes));
      metrics.snapshotWritten?.(index, sizeBytes, performance.now() - startedAt);
      logger.info({ index, sizeBytes }, "wrote a snapshot");
    } catch (error) {
      if (error instanceof RaftError && error.code === "stopped") return;
      this.#notBefore = performance.now() + RETRY_MS;
      this.#bytes = Infinity;
      logger.warn({ error: String(error) }, "no snapshot could be written; the log grows until one can");
    }
  }

  /** The index before the tail that is kept. */
  #tailBefore(index: number, maxEntries: number, maxBytes: number): number {
    const { base } = this.#core;
    let bytes = 0;
    const oldest = Math.max(base.index, index - maxEntries);
    const tail = index > oldest ? this.#core.entries(oldest + 1, index) : [];
    for (let at = tail.length - 1; at >= 0; at--) {
      const entry = tail[at] as LogEntry;
      bytes += sizeOf(entry);
      if (bytes > maxBytes) return entry.index;
    }
    return oldest;
  }
}
