export interface WalOptions {
  /** Folder of the segments; created when missing. One process at a time. */
  readonly dir: string;
  /** A segment that has reached this size is closed and a new one begun; default 64 MiB. */
  readonly segmentBytes?: number;
  /** Longest record; default 64 MiB. */
  readonly maxRecordBytes?: number;
  /** The disk is full, so appends wait (true); it has room again and they are durable (false). Default: nobody is told. */
  readonly onFull?: (isFull: boolean) => void;
  /** How often a full disk is tried again; default 250 ms. */
  readonly retryMs?: number;
}

/**
 * Invariants: (1) indexes are dense: `firstIndex..lastIndex`; empty means `lastIndex === firstIndex - 1`; (2) `durableIndex <= lastIndex`
 * and everything up to it survives a crash; (3) after an I/O error nothing more is acknowledged: every later call rejects with `WalError` `failed`;
 * (4) but a full disk is no error for appends: they wait until it has room, or reject with `failed` when the log is closed before.
 */
export interface Wal {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly durableIndex: number;
  /** Bytes on disk. */
  readonly sizeBytes: number;
  /** Takes the next indexes synchronously, in call order; resolves with the last of them once all are durable. The caller must not change the bytes before that. */
  append(records: readonly Uint8Array[]): Promise<number>;
  /** Records from `from` on, durable or not, at least one and no more than `maxBytes` beyond it. Empty past the end. Rejects with `compacted` before `firstIndex`. */
  read(from: number, maxBytes: number): Promise<Uint8Array[]>;
  /** Drops every record after `index`; durable when it resolves. */
  truncateAfter(index: number): Promise<void>;
  /** Drops whole segments whose records are all before `index`; `firstIndex` moves to the first one kept. */
  dropBefore(index: number): Promise<void>;
  /** Drops everything; the next record gets `nextIndex`. */
  reset(nextIndex: number): Promise<void>;
  close(): Promise<void>;
}
