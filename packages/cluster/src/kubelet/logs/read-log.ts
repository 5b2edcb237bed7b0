/** `kubectl logs`: a container log as a stream of lines, by the options of the API. */
import { open } from "node:fs/promises";
import type { LogOptions } from "../types.ts";
import type { ContainerLog } from "./container-log.ts";

interface Line {
  /** With its newline, if it has one. */
  readonly bytes: Buffer;
  readonly at: number;
}

/** Yields what `options` asks for; with `follow` until the container ends or the signal fires. `now` is for `sinceSeconds`. */
export async function* readLog(
  log: ContainerLog,
  options: LogOptions,
  now: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const { bytes, at } of selected(log, options, now, signal)) {
    const whole = options.timestamps ? Buffer.concat([Buffer.from(`${timestamp(at)} `), bytes]) : bytes;
    const piece = whole.subarray(0, Math.min(whole.length, left));
    left -= piece.length;
    yield piece;
    if (left <= 0) return;
  }
}

/** As a container runtime writes it: nine digits. */
const timestamp = (at: number): string => new Date(at).toISOString().replace("Z", "000000Z");

async function* selected(
  log: ContainerLog,
  options: LogOptions,
  now: number,
  signal: AbortSignal,
): AsyncGenerator<Line> {
  const since = sinceOf(options, now);
  const cursor = new Cursor(log);
  const present: Line[] = [];
  for await (const line of cursor.present(!options.follow)) if (line.at >= since) present.push(line);
  yield* options.tailLines === undefined ? present : tail(present, options.tailLines);
  if (!options.follow) return;
  while (!signal.aborted) {
    const isLast = log.isClosed;
    yield* cursor.present(isLast);
    if (isLast) return;
    if (cursor.isCaughtUp) await log.changed(signal);
  }
}

const tail = (lines: readonly Line[], count: number): readonly Line[] => (count === 0 ? [] : lines.slice(-count));

function sinceOf({ sinceSeconds, sinceTime }: LogOptions, now: number): number {
  if (sinceTime !== undefined) return Date.parse(sinceTime);
  return sinceSeconds === undefined ? Number.NEGATIVE_INFINITY : now - sinceSeconds * 1000;
}

const chunkBytes = 256 * 1024;

/** A reader's place in a log that may be rotated under it. */
class Cursor {
  readonly #log: ContainerLog;
  #rotation: number;
  #readsOld: boolean;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  isCaughtUp = false;

  constructor(log: ContainerLog) {
    this.#log = log;
    this.#rotation = log.rotations;
    this.#readsOld = true;
  }

  /** Whole lines that are there now; an unfinished last line too if `takesRest`. */
  async *present(takesRest: boolean): AsyncGenerator<Line> {
    if (this.#rotation !== this.#log.rotations) this.#readsOld = true;
    if (this.#readsOld) {
      yield* this.#read(this.#log.rotatedPath, true);
      this.#readsOld = false;
      this.#rotation = this.#log.rotations;
      this.#offset = 0;
    }
    yield* this.#read(this.#log.path, false);
    this.isCaughtUp = this.#rotation === this.#log.rotations;
    if (takesRest && this.#rest.length > 0) yield { bytes: this.#rest, at: this.#log.timeAt(this.#offset, false) };
  }

  async *#read(path: string, isOld: boolean): AsyncGenerator<Line> {
    const file = await open(path).catch(() => undefined);
    if (file === undefined) return;
    try {
      for (;;) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, this.#offset);
        if (bytesRead === 0) return;
        yield* this.#lines(buffer.subarray(0, bytesRead), isOld);
      }
    } finally {
      await file.close();
    }
  }

  *#lines(chunk: Buffer, isOld: boolean): Generator<Line> {
    const start = this.#offset - this.#rest.length;
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#offset += chunk.length;
    let from = 0;
    for (let end = bytes.indexOf(10, from); end >= 0; end = bytes.indexOf(10, from)) {
      yield { bytes: bytes.subarray(from, end + 1), at: this.#log.timeAt(start + end + 1, isOld) };
      from = end + 1;
    }
    this.#rest = bytes.subarray(from);
  }
}
