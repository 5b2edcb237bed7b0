/**
 * A watch that goes on until it is stopped.
 *
 * List, then watch from the list's resourceVersion; every event and bookmark moves the position, so a dropped connection resumes where it
 * was. When the server no longer has that position (410) the collection is listed again and reported whole as `replaced`, since what was
 * deleted meanwhile can't be known otherwise. A half-open connection looks exactly like a quiet collection; it is found by silence:
 * servers send a bookmark about every minute, and a connection that has been silent for `idleMs` is cut.
 */
import type { Backoff } from "./backoff.ts";
import { pause } from "./deadline.ts";
import { errorFromStatus, isKubeError, KubeError } from "./errors.ts";
import { jsonLines } from "./lines.ts";
import type { OpenAnswer } from "./transport.ts";
import type { KubeList, KubeObject, KubeWatch, WatchEvent, WatchOptions } from "./types.ts";

/** The two requests a watch is made of. */
export interface WatchSource<T> {
  list(signal: AbortSignal): Promise<KubeList<T>>;
  open(resourceVersion: string, signal: AbortSignal): Promise<OpenAnswer>;
}

type Timing = Required<Pick<WatchOptions, "idleMs">> & Pick<WatchOptions, "onInterrupt">;

/** One line of a watch response, as far as it is trusted. */
interface RawEvent<T> {
  readonly type: string;
  readonly object: T;
}

const eventTypes: Readonly<Record<string, "added" | "modified" | "deleted">> = {
  ADDED: "added",
  MODIFIED: "modified",
  DELETED: "deleted",
};

export function startWatch<T extends KubeObject>(
  source: WatchSource<T>,
  backoff: Backoff,
  { signal, ...timing }: Timing & { readonly signal?: AbortSignal | undefined },
): KubeWatch<T> {
  const stopper = new AbortController();
  const watch = new Watch(source, backoff, timing, stopper.signal);
  const stop = () => {
    signal?.removeEventListener("abort", stop);
    stopper.abort();
  };
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const events = watch.events(stop);
  return { silentMs: () => watch.silentMs(), stop, [Symbol.asyncIterator]: () => events };
}

class Watch<T extends KubeObject> {
  readonly #source: WatchSource<T>;
  readonly #backoff: Backoff;
  readonly #timing: Timing;
  readonly #signal: AbortSignal;
  /** Undefined: list first. */
  #position: string | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;

  constructor(source: WatchSource<T>, backoff: Backoff, timing: Timing, signal: AbortSignal) {
    this.#source = source;
    this.#backoff = backoff;
    this.#timing = timing;
    this.#signal = signal;
  }

  silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  async *events(stop: () => void): AsyncGenerator<WatchEvent<T>> {
    try {
      while (!this.#signal.aborted) {
        try {
          if (this.#position === undefined) yield await this.#relist();
          yield* this.#follow(this.#position ?? "");
        } catch (error) {
          if (!this.#signal.aborted) await this.#recover(error);
        }
      }
    } finally {
      stop();
    }
  }

  async #relist(): Promise<WatchEvent<T>> {
    const { items, resourceVersion } = await this.#source.list(this.#signal);
    this.#position = resourceVersion;
    this.#heard();
    return { type: "replaced", objects: items };
  }

  /** One connection, from `position` to its end. */
  async *#follow(position: string): AsyncGenerator<WatchEvent<T>> {
    const answer = await this.#source.open(position, this.#signal);
    const { idleMs } = this.#timing;
    const silent = () => answer.cut(new KubeError("timeout", `watch: nothing heard for ${idleMs} ms`));
    const idle = setTimeout(silent, idleMs);
    let heardAny = false;
    try {
      for await (const line of jsonLines(answer.chunks)) {
        idle.refresh();
        const event = this.#take(line as RawEvent<T>);
        heardAny = true;
        if (event) yield event;
        idle.refresh();
      }
    } finally {
      clearTimeout(idle);
    }
    // A server that ends each request at once, without an event, must not be asked again at once.
    if (!heardAny) await pause(this.#backoff.next(), this.#signal);
  }

  /** Moves the position; undefined for a bookmark. */
  #take({ type, object }: RawEvent<T>): WatchEvent<T> | undefined {
    if (type === "ERROR") throw errorFromStatus("watch", object);
    this.#heard();
    this.#position = object?.metadata?.resourceVersion ?? this.#position;
    const known = eventTypes[type];
    return known && { type: known, object };
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#backoff.reset();
  }

  async #recover(error: unknown): Promise<void> {
    if (isKubeError(error, "gone")) this.#position = undefined;
    const asked = isKubeError(error) ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    const waitMs = Math.max(asked, this.#backoff.next());
    this.#timing.onInterrupt?.(error as Error, waitMs);
    await pause(waitMs, this.#signal);
  }
}
