/** The log of one run of one container: a file that the program writes by itself, and what is known about it. */
import {
  closeSync,
  copyFileSync,
  type FSWatcher,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  watch,
  writeFileSync,
} from "node:fs";
import type { Clock } from "../../machinery/types.ts";
import { LogTimes } from "./log-times.ts";

export interface LogLimits {
  /** A file this large is moved to `.1`, replacing the one before; so at most twice this is kept. Kubernetes' default is 10Mi. */
  readonly maxBytes: number;
}

/** Two notes lie at least this far apart; a busy log must not keep the cluster busy. */
const noteEveryMs = 20;

const pollEveryMs = 1_000;

export class ContainerLog {
  readonly path: string;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  #times: LogTimes;
  #oldTimes: LogTimes | undefined;
  #watcher: FSWatcher | undefined;
  #pending: (() => void) | undefined;
  #lastNoteAt = 0;
  readonly #waiting = new Set<() => void>();
  #rotations = 0;
  #isClosed = false;

  constructor(path: string, clock: Clock, limits: LogLimits = { maxBytes: 10 * 1024 * 1024 }) {
    this.path = path;
    this.#clock = clock;
    this.#limits = limits;
    this.#times = loadTimes(path);
  }

  /** Starts to watch the file, made if it is missing. */
  open(): void {
    closeSync(openSync(this.path, "a"));
    try {
      this.#watcher = watch(this.path, { persistent: false }, () => this.#noticed());
      this.#watcher.on("error", () => undefined);
    } catch {
      this.#poll();
    }
    this.#note();
  }

  /** Where the system has no watch left to give. */
  #poll(): void {
    if (this.#isClosed) return;
    this.#noticed();
    this.#clock.after(pollEveryMs, () => this.#poll());
  }

  /** Nothing more will be written. */
  close(): void {
    if (this.#isClosed) return;
    this.#pending?.();
    this.#note();
    this.#isClosed = true;
    this.#watcher?.close();
    this.#wake();
    bestEffort(() => writeFileSync(`${this.path}.times`, JSON.stringify(this.#times)));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How often the file has been moved away; a reader's position holds for one value of it. */
  get rotations(): number {
    return this.#rotations;
  }

  get rotatedPath(): string {
    return `${this.path}.1`;
  }

  get sizeBytes(): number {
    return sizeOf(this.path);
  }

  timeAt(end: number, isRotated: boolean): number {
    const times = isRotated ? this.#oldTimes : this.#times;
    return times?.at(end, this.#clock.now()) ?? this.#clock.now();
  }

  /** Resolves at the next change, at close, or when the signal fires. */
  async changed(signal: AbortSignal): Promise<void> {
    if (this.#isClosed || signal.aborted) return;
    const { promise, resolve } = withResolvers();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#waiting.delete(resolve);
  }

  #noticed(): void {
    if (this.#isClosed || this.#pending !== undefined) return;
    const waitMs = this.#lastNoteAt + noteEveryMs - this.#clock.now();
    if (waitMs <= 0) this.#note();
    else {
      this.#pending = this.#clock.after(waitMs, () => {
        this.#pending = undefined;
        this.#note();
      });
    }
  }

  #note(): void {
    const size = sizeOf(this.path);
    this.#lastNoteAt = this.#clock.now();
    this.#times.note(size, this.#lastNoteAt);
    if (size > this.#limits.maxBytes) bestEffort(() => this.#rotate());
    this.#wake();
  }

  /**
   * Copy, then cut: the program holds the file open, so the file cannot be moved from under it. What is written between the two
   * calls is lost, which is the known price of this way (logrotate calls it copytruncate).
   */
  #rotate(): void {
    copyFileSync(this.path, this.rotatedPath);
    truncateSync(this.path, 0);
    this.#oldTimes = this.#times;
    this.#times = new LogTimes();
    this.#rotations += 1;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
  }
}

/** A full disk, or a folder that is already gone, must not take more than times and old lines with it. */
function bestEffort(write: () => void): void {
  try {
    write();
  } catch {}
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function loadTimes(path: string): LogTimes {
  try {
    return new LogTimes(JSON.parse(readFileSync(`${path}.times`, "utf8")) as [number, number][]);
  } catch {
    return new LogTimes();
  }
}

/** Node 20 has no Promise.withResolvers. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
