/** Whether the disk has room. While it has none, what must be written waits, new proposals are refused, and reads go on. */
import { LeaseLogError } from "../errors.ts";
import type { LogClock, LogSink } from "../options.ts";

const RETRY_MS = 250;

export class Room {
  readonly #dir: string;
  readonly #clock: LogClock;
  readonly #logger: LogSink;
  /** Writes of the log that wait. */
  #waiting = 0;
  #isSystemFull = false;
  #reviewed = false;
  #fullSince: number | undefined;
  #isStopped = false;

  constructor(dir: string, clock: LogClock, logger: LogSink) {
    this.#dir = dir;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Why nothing can be written now; undefined while there is room. */
  get problem(): string | undefined {
    return this.#waiting === 0
      ? undefined
      : `the disk that holds ${this.#dir} is full; what was acknowledged is safe, and writes go on once there is room`;
  }

  /** Milliseconds for which the log or the system has had none; 0 while there is room. */
  get fullForMs(): number {
    return this.#fullSince === undefined ? 0 : this.#clock.now() - this.#fullSince;
  }

  /** A write begins to wait for room, or has been done at last. */
  readonly note = (isWaiting: boolean): void => {
    const wasFull = this.#waiting > 0;
    this.#waiting += isWaiting ? 1 : -1;
    this.#remember();
    const isFull = this.#waiting > 0;
    if (isFull === wasFull) return;
    if (isFull) this.#logger.error({ dir: this.#dir }, "the disk is full: writes wait, reads go on");
    else this.#logger.info({ dir: this.#dir }, "the disk has room again: writes go on");
  };

  /** Whether log or system lack room, when that has changed since the last call. */
  review(isSystemFull: boolean): boolean | undefined {
    this.#isSystemFull = isSystemFull;
    this.#remember();
    const isFull = this.#fullSince !== undefined;
    if (isFull === this.#reviewed) return undefined;
    this.#reviewed = isFull;
    return isFull;
  }

  #remember(): void {
    const isFull = this.#waiting > 0 || this.#isSystemFull;
    this.#fullSince = isFull ? (this.#fullSince ?? this.#clock.now()) : undefined;
  }

  /** Refuses what is proposed. */
  get refusal(): LeaseLogError | undefined {
    const { problem } = this;
    return problem === undefined ? undefined : new LeaseLogError("disk-full", `nothing was written: ${problem}`);
  }

  /** Runs the write, again and again for as long as it fails for lack of room. Rejects with any other error, or with that one after `stop`. */
  async wait(write: () => Promise<void>): Promise<void> {
    for (let wasFull = false; ; wasFull = true) {
      try {
        await write();
        if (wasFull) this.note(false);
        return;
      } catch (error) {
        if (!isNoSpace(error) || this.#isStopped) throw error;
        if (!wasFull) this.note(true);
        await new Promise<void>((resolve) => void this.#clock.after(RETRY_MS, resolve));
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
  }
}

export function isNoSpace(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" || code === "disk-full";
}
